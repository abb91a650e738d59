// Similarities and layout of the Consistency tab. No DOM.

/**
 * The similarities for one η, as measured by the backend.
 * @typedef {object} Similarity
 * @property {number | null} reference S of the pictures that the others are compared with: the largest complete one
 * @property {(number[] | null)[]} columns for each S the similarity of each row; null for the reference, whose similarity to itself
 *   is 1 by definition, and while the column is incomplete
 *
 * @typedef {object} Unrelated the similarity of pairs of held-out pictures
 * @property {number} pictures their number
 * @property {number} mean
 * @property {number} deviation one standard deviation
 * @property {number} quantile 5 % of the pairs are more similar
 */

const BESIDE_GAP = 16; // px between two grids side by side
const LATENT_COLUMN = 48; // px, including its gap
const CELL_GAP = 4; // px
const [SMALL, LARGEST] = [64, 128]; // px, of a picture where there is room
const ROWS = 7; // of a picture in the height of the window: four rows with their captions, and what is above them

/** @param {number[]} numbers */
const meanOf = (numbers) => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;

/**
 * The line of one η in the chart: mean similarity over log S.
 * @param {number[]} lengths the S of each column
 * @param {Similarity} similarity
 * @returns {[x: number, y: number][]}
 */
export function meanLine(lengths, { columns }) {
  return columns.flatMap((column, k) => (column ? [[Math.log(lengths[k]), meanOf(column)]] : []));
}

/**
 * The points of single pictures in the chart.
 * @param {number[]} lengths the S of each column
 * @param {Similarity} similarity
 * @returns {[x: number, y: number][]}
 */
export function dotsOf(lengths, { columns }) {
  return columns.flatMap((column, k) =>
    (column ?? []).map((v) => /** @type {[number, number]} */ ([Math.log(lengths[k]), v])),
  );
}

/**
 * Shifts of the labels at the ends of the lines, so that they do not overlap.
 * @param {number[]} ends y of each line's last point
 * @param {number} least distance in y
 * @returns {number[]} in y
 */
export function labelShifts(ends, least) {
  const order = ends.map((_, i) => i).sort((i, j) => ends[i] - ends[j]);
  const shifts = ends.map(() => 0);
  for (let k = 1; k < order.length; k++) {
    const [below, above] = [order[k - 1], order[k]];
    const gap = ends[above] - (ends[below] + shifts[below]);
    if (gap < least) shifts[above] = least - gap;
  }
  return shifts;
}

/** Columns that the page offers to add. */
const OFFERED = [100, 1000];

/**
 * What the page offers to add: columns with more steps than are shown, and their cost.
 * @param {number[]} lengths the S of each column
 * @param {number} rows
 * @param {number} T the largest possible S
 * @param {number} most number of columns
 * @returns {{ S: number, calls: number }[]}
 */
export function offers(lengths, rows, T, most) {
  if (lengths.length >= most) return [];
  return OFFERED.filter((S) => S <= T && S > Math.max(...lengths)).map((S) => ({ S, calls: 2 * rows * S }));
}

/**
 * The caption of a picture.
 * @param {Similarity} similarity
 * @param {number} S
 * @param {number} column
 * @param {number} row
 * @param {(v: number) => string} format
 * @param {string} named the caption of the reference
 */
export function numberUnder({ reference, columns }, S, column, row, format, named) {
  if (S === reference) return named;
  const number = columns[column]?.[row];
  return number === undefined ? '–' : format(number);
}

/**
 * The size of a picture so that all columns fit, and about four rows: as large as the room allows, up to 128.
 * @param {number} room available width in CSS pixels
 * @param {number} columns
 * @param {boolean} beside whether the two grids are side by side
 * @param {number} height of the window in CSS pixels, less that of the lesson's card
 */
export function cellSize(room, columns, beside, height) {
  const free = room - LATENT_COLUMN - (beside ? BESIDE_GAP : 0);
  const size = Math.floor(free / columns / (beside ? 2 : 1)) - CELL_GAP;
  return Math.min(size, LARGEST, Math.max(SMALL, Math.floor(height / ROWS)));
}
