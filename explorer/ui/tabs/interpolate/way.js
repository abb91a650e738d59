// Positions along a path through latents, and cells of the pad. No DOM.
import { indexOfNearest } from '../../web/numbers.js';

/** @typedef {[row: number, column: number]} Place of a picture on the pad */

/**
 * Parse a cell of the pad from the URL, "row,column".
 * @param {string | null} text
 * @returns {Place | null}
 */
export function placeOf(text) {
  if (!/^\d+,\d+$/.test(text ?? '')) return null;
  const [row, column] = String(text).split(',').map(Number);
  return [row, column];
}

/**
 * Clamp a cell to a pad with `side` × `side` pictures.
 * @param {Place} place
 * @param {number} side
 * @returns {Place}
 */
export function insidePad([row, column], side) {
  /** @param {number} v */
  const inside = (v) => Math.max(0, Math.min(side - 1, v));
  return [inside(row), inside(column)];
}

/**
 * The cell that is selected at first.
 * @param {number} side
 * @returns {Place}
 */
export const firstPlace = (side) => [Math.round((side - 1) / 3), Math.round((side - 1) / 2)];

/**
 * The cell that a key leads to, which may be outside the pad.
 * @param {string} key
 * @param {Place} place
 * @param {number} side
 * @returns {Place}
 */
export function placeAfterKey(key, [row, column], side) {
  /** @type {Record<string, Place>} */
  const places = {
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    Home: [0, 0],
    End: [side - 1, side - 1],
  };
  return places[key];
}

/**
 * The cell under the pointer, which may be outside the pad.
 * @param {{ clientX: number, clientY: number }} pointer
 * @param {{ left: number, top: number, width: number, height: number }} box of the pad
 * @param {number} side
 * @returns {Place}
 */
export function placeUnder({ clientX, clientY }, { left, top, width, height }, side) {
  return [Math.floor(((clientY - top) / height) * side), Math.floor(((clientX - left) / width) * side)];
}

/**
 * A latent as a field value: a number for a seed, a text for any other latent.
 * @param {string} latent
 */
export const latentField = (latent) => (/^\d{1,15}$/.test(latent) ? Number(latent) : latent);

/**
 * The line of norms in the chart. Its axis is 0 to 1 for a path between two latents, and the number of legs for a loop.
 * @param {[position: number, norm: number][]} norms
 * @param {number} legs
 * @param {boolean} loop
 * @returns {[w: number, norm: number][]}
 */
export function normLine(norms, legs, loop) {
  return norms.map(([position, norm]) => [loop ? position : position / legs, norm]);
}

/**
 * The y of the point of a line that is nearest to x.
 * @param {[x: number, y: number][]} line
 * @param {number} x
 */
export function heightAt(line, x) {
  const places = line.map(([at]) => at);
  return line[indexOfNearest(places, x)][1];
}
