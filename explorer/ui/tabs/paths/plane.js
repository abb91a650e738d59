// Draw one run of the Paths tab on a canvas: the density of x_t, its score, and the paths so far.
import { fixed } from '../../web/numbers.js';
import { densityOpacities, noisedMixture } from './mixture.js';
import { odeScale, planeScale, RANGE } from './scales.js';

/** @typedef {import('./mixture.js').Arrow} Arrow */
/** @typedef {import('./scales.js').Run} Run */
/** @typedef {import('./scales.js').Scale} Scale */
/** @typedef {CanvasRenderingContext2D} Context */

const GRID = 96; // cells of the density
const DARKEST = 150; // opacity of the highest density, 0 to 255

/** A colour of the theme. @param {string} name */
export const themeColour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

/** The density of x_t as a picture, recomputed only when it changes. */
export class Backdrop {
  canvas = Object.assign(document.createElement('canvas'), { width: GRID, height: GRID });
  #drawn = '';

  /**
   * @param {import('./mixture.js').Mixture} mixture
   * @param {number} alphaBar
   * @param {string} key identifies the mixture and t
   */
  draw(mixture, alphaBar, key) {
    const colour = themeColour('--x0');
    if (this.#drawn === key + colour) return;
    this.#drawn = key + colour;
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
    const picture = new ImageData(GRID, GRID);
    densityOpacities(noisedMixture(mixture, alphaBar), GRID, RANGE).forEach((opacity, k) => {
      picture.data.set([r, g, b, Math.round(DARKEST * opacity)], 4 * k);
    });
    this.canvas.getContext('2d')?.putImageData(picture, 0, 0);
  }
}

/**
 * @typedef {object} Look
 * @property {'x' | 'ode'} plane the coordinates
 * @property {number} moment index of the time step on the screen
 * @property {string} colour of the paths, a CSS variable
 * @property {number} opacity of all paths except the first
 * @property {Float32Array} alphaBar
 * @property {HTMLCanvasElement} backdrop
 * @property {Arrow[]} score arrows of the score; none if it is not drawn
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Run | undefined} run
 * @param {Look} look
 */
export function drawPlane(canvas, run, look) {
  const ratio = devicePixelRatio || 1;
  const side = canvas.clientWidth;
  const context = /** @type {Context} */ (canvas.getContext('2d'));
  const pixels = Math.round(side * ratio);
  if (canvas.width !== pixels) [canvas.width, canvas.height] = [pixels, pixels];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, side, side);
  if (!run) return;
  const isPlane = look.plane === 'x';
  const scale = isPlane ? planeScale(side) : odeScale(side, run.t, look.alphaBar);
  if (isPlane) {
    context.imageSmoothingEnabled = true;
    context.drawImage(look.backdrop, 0, 0, side, side);
    drawScore(context, scale, look.score);
  } else drawAxes(context, scale, side);
  context.save();
  context.beginPath();
  context.rect(0, 0, side, side);
  context.clip();
  drawPaths(context, scale, run, look);
  if (isPlane && look.moment === 0) drawEnds(context, scale, run);
  for (const path of run.x) {
    if (isPlane) drawDot(context, scale.place(path, path.length - 1), '--bg');
    drawDot(context, scale.place(path, look.moment), '--ink');
  }
  context.restore();
}

/** @param {Context} context @param {Scale} scale @param {Run} run @param {Look} look */
function drawPaths(context, { place }, run, { colour, opacity, moment }) {
  context.strokeStyle = themeColour(colour);
  run.x.forEach((path, k) => {
    context.globalAlpha = k === 0 ? 1 : opacity;
    context.lineWidth = k === 0 ? 2 : 1;
    context.beginPath();
    for (let j = path.length - 1; j >= moment; j--) context.lineTo(...place(path, j)); // the first lineTo only moves to the start of the path
    context.stroke();
  });
  context.globalAlpha = 1;
}

/** The end points of all paths, also of those that are not drawn. @param {Context} context @param {Scale} scale @param {Run} run */
function drawEnds(context, { X, Y }, { ends = [] }) {
  context.fillStyle = themeColour('--ink');
  context.globalAlpha = 0.35;
  for (const [x, y] of ends) context.fillRect(X(x) - 0.75, Y(y) - 0.75, 1.5, 1.5);
  context.globalAlpha = 1;
}

/** @param {Context} context @param {[x: number, y: number]} at @param {string} fill a CSS variable */
function drawDot(context, [x, y], fill) {
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fillStyle = themeColour(fill);
  context.fill();
  context.strokeStyle = themeColour('--ink2');
  context.lineWidth = 1.25;
  context.stroke();
}

/** Arrows with a dot as head. @param {Context} context @param {Scale} scale @param {Arrow[]} arrows */
function drawScore(context, { X, Y }, arrows) {
  context.strokeStyle = context.fillStyle = themeColour('--ink3');
  context.lineWidth = 1;
  context.globalAlpha = 0.45;
  for (const { from, to } of arrows) {
    const [x, y] = [X(to[0]), Y(to[1])];
    context.beginPath();
    context.moveTo(X(from[0]), Y(from[1]));
    context.lineTo(x, y);
    context.stroke();
    context.beginPath();
    context.arc(x, y, 1.5, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** @param {Context} context @param {Scale} scale @param {number} side */
function drawAxes(context, { X, Y }, side) {
  context.strokeStyle = themeColour('--grid');
  context.fillStyle = themeColour('--ink3');
  context.font = '11px "Explorer Mono", monospace';
  context.lineWidth = 1;
  /** @param {[number, number]} from @param {[number, number]} to */
  const line = (from, to) => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };
  for (const s of [0, 2, 4, 6]) {
    line([X(s), 8], [X(s), side - 18]);
    context.fillText(s ? String(s) : 's = 0', X(s) - (s ? 3 : 12), side - 5);
  }
  for (const v of [-4, 0, 4]) {
    line([X(0), Y(v)], [side, Y(v)]);
    context.fillText(fixed(v, 0), 12, Y(v) + 4);
  }
}
