// Canvases whose pixels stay sharp at every size.

/**
 * Fit a canvas to a picture that is shown in a square. Where the square is a multiple of the picture, the canvas has the picture's
 * own pixels. Elsewhere it has a whole multiple of them, which the browser reduces, so that all pixels look alike.
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, height: number }} picture in pixels
 * @param {number} space side of the square, in CSS pixels
 * @returns {number} the multiple
 */
export function fitCanvas(canvas, { width, height }, space) {
  const zoom = /** @type {any} */ (canvas).currentCSSZoom ?? 1,
    factor = space / Math.max(width, height),
    dots = factor * zoom * (globalThis.devicePixelRatio || 1);
  const isWhole = Math.abs(dots - Math.round(dots)) < 0.01 || dots < 1;
  const multiple = isWhole ? 1 : Math.ceil(dots);
  const [w, h] = [multiple * width, multiple * height];
  // setting a size clears a canvas, even if it is the one that it has
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.style.width = `${width * factor}px`;
  canvas.style.height = `${height * factor}px`;
  canvas.style.imageRendering = isWhole && dots >= 1 ? 'pixelated' : 'auto';
  return multiple;
}

/**
 * Draw one panel of a frame on a canvas, all of it.
 * @param {HTMLCanvasElement} canvas
 * @param {import('./run_pictures.js').Frame} frame
 * @param {number} panel its place on the frame
 * @param {{ width: number, height: number }} picture
 */
export function drawPanel(canvas, frame, panel, { width, height }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.imageSmoothingEnabled = false;
  context.drawImage(frame.image, frame.x + panel * width, frame.y, width, height, 0, 0, canvas.width, canvas.height);
}
