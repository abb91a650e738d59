// Export the planes of the Paths tab as one PNG, side by side with their titles, and with the settings in its metadata.
import { textOf } from '../../web/math.js';
import { withSettings } from '../../web/png.js';

/**
 * @param {HTMLElement[]} planes each with a heading and a canvas
 * @param {string} settings as a query string
 */
export async function planesFile(planes, settings) {
  const ratio = devicePixelRatio || 1;
  const gap = 24 * ratio;
  const head = 40 * ratio;
  const canvases = planes.map((plane) => /** @type {HTMLCanvasElement} */ (plane.querySelector('canvas')));
  const side = canvases[0].width;
  const size = { width: planes.length * (side + gap) + gap, height: side + head + gap };
  const all = Object.assign(document.createElement('canvas'), size);
  const context = /** @type {CanvasRenderingContext2D} */ (all.getContext('2d'));
  context.fillStyle = getComputedStyle(document.body).getPropertyValue('--bg');
  context.fillRect(0, 0, all.width, all.height);
  context.font = `600 ${15 * ratio}px "Explorer Sans", sans-serif`;
  planes.forEach((plane, i) => {
    const x = gap + i * (side + gap);
    const title = /** @type {HTMLElement} */ (plane.querySelector('h3 > span'));
    context.fillStyle = getComputedStyle(title).color;
    context.fillText(textOf(title), x, 27 * ratio);
    context.drawImage(canvases[i], x, head);
  });
  /** @type {Blob | null} */
  const blob = await new Promise((done) => all.toBlob(done, 'image/png'));
  if (!blob) throw new Error('the browser made no PNG');
  return withSettings(new Uint8Array(await blob.arrayBuffer()), settings);
}
