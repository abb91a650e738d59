// The numbers of the Consistency tab: what is drawn of the similarities, and how large its pictures are. No DOM.

/**
 * The similarities of one η, as the backend measures them.
 * @typedef {object} Similarity
 * @property {number | null} reference the S whose pictures the others are compared with: the largest that is complete
 * @property {(number[] | null)[]} columns for each S the number of each row, or null while the column is not complete
 */

const BESIDE_GAP = 16; // px between two grids that stand beside each other
const LATENT_COLUMN = 48; // px, with its gap
const CELL_GAP = 4; // px

/** @param {number[]} numbers */
const meanOf = (numbers) => numbers.reduce((sum, v) => sum + v, 0) / numbers.length;

/**
 * The line of one η in the chart: the mean over the rows, by log S.
 * @param {number[]} lengths the S of each column
 * @param {Similarity} similarity
 * @returns {[x: number, y: number][]}
 */
export function meanLine(lengths, { columns }) {
  return columns.flatMap((column, k) => (column ? [[Math.log(lengths[k]), meanOf(column)]] : []));
}

/**
 * What stands under a picture.
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
 * The size of a picture such that all columns fit into the room: a whole multiple of 64 where there is room for one.
 * @param {number} room in CSS pixels
 * @param {number} columns
 * @param {boolean} beside whether the two grids stand beside each other
 */
export function cellSize(room, columns, beside) {
  const free = room - LATENT_COLUMN - (beside ? BESIDE_GAP : 0);
  const size = Math.floor(free / columns / (beside ? 2 : 1)) - CELL_GAP;
  if (size >= 128) return 128;
  return size >= 64 ? 64 : size;
}
