// Read a file as a drawing: a CSV of points, a picture, or a saved picture of the explorer with its settings. The file stays in the
// browser.
import { say } from '../../web/localize.js';
import { NotPng, settingsIn } from '../../web/png.js';
import { pointsInCsv, pointsInPicture } from './drawing_files.js';

const MAX_MEGABYTES = 20;
const MAX_SIDE = 240; // pixels of a picture, after it was made smaller
const CSV = /\.(csv|tsv|txt)$/i;

/**
 * @typedef {object} Read
 * @property {string} message what was read, or why it was not
 * @property {import('./drawing_code.js').Point[]} [points]
 * @property {string} [settings] of a saved picture, as a query string
 */

/** @param {File} file @returns {Promise<Read>} */
export async function readDrawing(file) {
  if (file.size > MAX_MEGABYTES * 2 ** 20) return { message: say('drawing.no_file', { most: MAX_MEGABYTES }) };
  const isText = CSV.test(file.name) || file.type.startsWith('text/');
  if (isText) return described(file, pointsInCsv(await file.text()), 'drawing.no_numbers');
  const settings = settingsOfPng(new Uint8Array(await file.arrayBuffer()));
  if (settings !== null) return { message: '', settings };
  try {
    const { brightness, width } = await pixelsOf(file);
    return described(file, pointsInPicture(brightness, width), 'drawing.no_dark');
  } catch {
    return { message: say('drawing.no_picture') };
  }
}

/** @param {Uint8Array} bytes */
function settingsOfPng(bytes) {
  try {
    return settingsIn(bytes);
  } catch (problem) {
    if (problem instanceof NotPng) return null;
    throw problem;
  }
}

/** @param {File} file @param {import('./drawing_files.js').Found | null} found @param {string} otherwise key of the message */
function described({ name }, found, otherwise) {
  if (!found) return { message: say(otherwise) };
  const { points, count, isScaled } = found;
  const isSampled = points.length < count;
  const told = say(isSampled ? 'drawing.opened_sampled' : 'drawing.opened', { name, n: points.length, all: count });
  return { points, message: isScaled ? say('drawing.scaled', { message: told }) : told };
}

/** The brightness of a picture on white, made smaller. @param {File} file */
async function pixelsOf(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  const { data } = context.getImageData(0, 0, width, height);
  const brightness = Array.from({ length: width * height }, (_, k) => {
    return 0.299 * data[4 * k] + 0.587 * data[4 * k + 1] + 0.114 * data[4 * k + 2];
  });
  return { brightness, width };
}
