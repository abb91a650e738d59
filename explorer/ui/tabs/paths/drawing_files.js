// The points in a CSV, and the dark pixels of a picture as points. No DOM.
import { MAX_POINTS, RANGE, rounded } from './drawing_code.js';

/** @typedef {import('./drawing_code.js').Point} Point */
/**
 * @typedef {object} Found
 * @property {Point[]} points at most MAX_POINTS
 * @property {number} count of points before they were sampled
 * @property {boolean} isScaled whether they were scaled to fit into the plane
 */

const FITTED = 2; // the largest coordinate of points that are scaled to fit
const MAX_LINES = 100000;
const LEAST_CONTRAST = 32; // of 255

/**
 * The points of a CSV: two numbers in each line, or the columns x and y. Lines without two numbers are skipped.
 * Points within the plane stay where they are, others are scaled to fit.
 * @param {string} text
 * @returns {Found | null} null if there are none
 */
export function pointsInCsv(text) {
  const rows = text.split(/\r\n|\r|\n/, MAX_LINES).map((line) => line.trim().split(/\s*[,;\t]\s*|\s+/));
  const names = (rows.find((row) => row.some(Boolean)) ?? []).map((name) =>
    name.replace(/["\ufeff]/g, '').toLowerCase(),
  );
  const [column, row] = [names.indexOf('x'), names.indexOf('y')];
  const [x, y] = column >= 0 && row >= 0 ? [column, row] : [0, 1];
  const points = /** @type {Point[]} */ (rows.map((cells) => [numberIn(cells[x]), numberIn(cells[y])])).filter(
    (point) => point.every(Number.isFinite),
  );
  if (!points.length) return null;
  const isScaled = points.some((point) => point.some((v) => Math.abs(v) > RANGE));
  const placed = isScaled ? fitted(points) : points;
  return { points: evenly(placed), count: points.length, isScaled };
}

/** @param {string | undefined} cell */
const numberIn = (cell) => (cell ? Number(cell) : NaN);

/** Scale points around the centre of their extent. @param {Point[]} points @returns {Point[]} */
function fitted(points) {
  const extents = [0, 1].map((k) => {
    const values = points.map((point) => point[k]);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  });
  const centre = extents.map(([least, most]) => least / 2 + most / 2);
  const half = Math.max(...extents.map(([least, most]) => most / 2 - least / 2)) || 1;
  return points.map((point) => /** @type {Point} */ (point.map((v, k) => ((v - centre[k]) / half) * FITTED)));
}

/** At most MAX_POINTS of some points, evenly spaced in their order, and as they are stored. @param {Point[]} points */
function evenly(points) {
  const n = Math.min(points.length, MAX_POINTS);
  return Array.from({ length: n }, (_, i) => {
    const [x, y] = points[Math.floor((i * points.length) / n)];
    return /** @type {Point} */ ([rounded(x), rounded(y)]);
  });
}

/**
 * The dark pixels of a picture as points, those below the middle of its darkest and its brightest one. If they are too many, the
 * picture is divided into cells, the smallest with which at most MAX_POINTS have dark pixels, and each of these has one point at
 * the mean of its dark pixels.
 * @param {ArrayLike<number>} brightness of each pixel, 0 to 255, row by row
 * @param {number} width
 * @returns {Found | null} null if all pixels have about one brightness
 */
export function pointsInPicture(brightness, width) {
  const height = brightness.length / width;
  const values = Array.from(brightness);
  const least = values.reduce((a, b) => Math.min(a, b), 255);
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  if (most - least < LEAST_CONTRAST) return null;
  const dark = values.flatMap((v, k) => (v < (least + most) / 2 ? [k] : []));
  const half = Math.max(width, height) / 2;
  /** @type {Point[]} */
  let pixels = [];
  for (let cell = 1; cell === 1 || pixels.length > MAX_POINTS; cell++) pixels = meansOfCells(dark, width, cell);
  const points = pixels.map(([column, row]) => {
    const [x, y] = [(column + 0.5 - width / 2) / half, (height / 2 - row - 0.5) / half];
    return /** @type {Point} */ ([rounded(FITTED * x), rounded(FITTED * y)]);
  });
  return { points, count: dark.length, isScaled: false };
}

/** @param {number[]} dark indices of pixels @param {number} width @param {number} cell its side in pixels @returns {Point[]} */
function meansOfCells(dark, width, cell) {
  /** @type {Map<number, [x: number, y: number, n: number]>} */
  const sums = new Map();
  for (const k of dark) {
    const [x, y] = [k % width, Math.floor(k / width)];
    const key = Math.floor(y / cell) * width + Math.floor(x / cell);
    const sum = sums.get(key) ?? [0, 0, 0];
    sums.set(key, [sum[0] + x, sum[1] + y, sum[2] + 1]);
  }
  return [...sums.values()].map(([x, y, n]) => [x / n, y / n]);
}
