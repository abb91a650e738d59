// Similarities and layout of the Consistency tab. No DOM.

/**
 * The similarities for one η, as measured by the backend.
 * @typedef {object} Similarity
 * @property {number | null} reference S of the pictures that the others are compared with: the largest complete one
 * @property {(number[] | null)[]} columns for each S the similarity of each row, or null while the column is incomplete
 */

const BESIDE_GAP = 16; // px between two grids side by side
const LATENT_COLUMN = 48; // px, including its gap
const CELL_GAP = 4; // px

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
 * The caption of a picture.
 * @param {Similarity} similarity
 * @param {number} S
 * @param {number} column
 * @param {number} row
 * @param {(v: number) => string} format
 */
export function numberUnder({ reference, columns }, S, column, row, format) {
  const number = columns[column]?.[row];
  if (number === undefined) return '–';
  return S === reference ? '1' : format(number);
}

/**
 * The size of a picture so that all columns fit: a multiple of 64 if possible.
 * @param {number} room available width in CSS pixels
 * @param {number} columns
 * @param {boolean} beside whether the two grids are side by side
 */
export function cellSize(room, columns, beside) {
  const free = room - LATENT_COLUMN - (beside ? BESIDE_GAP : 0);
  const size = Math.floor(free / columns / (beside ? 2 : 1)) - CELL_GAP;
  if (size >= 128) return 128;
  return size >= 64 ? 64 : size;
}
