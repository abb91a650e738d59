// Places along the way of a strip, and on the pad of pictures between four corners. No DOM.
import { indexOfNearest } from '../../web/numbers.js';

/** @typedef {[row: number, column: number]} Place of a picture on the pad */

/**
 * A place as it stands in an address, "row,column".
 * @param {string | null} text
 * @returns {Place | null}
 */
export function placeOf(text) {
  if (!/^\d+,\d+$/.test(text ?? '')) return null;
  const [row, column] = String(text).split(',').map(Number);
  return [row, column];
}

/**
 * The place on a pad of `side` pictures that is nearest to one which may lie outside.
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
 * Where the pad is looked at before anybody has chosen a place.
 * @param {number} side
 * @returns {Place}
 */
export const firstPlace = (side) => [Math.round((side - 1) / 3), Math.round((side - 1) / 2)];

/**
 * Where a key leads to on the pad. It may lie outside.
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
 * The place under the pointer. It may lie outside.
 * @param {{ clientX: number, clientY: number }} pointer
 * @param {{ left: number, top: number, width: number, height: number }} box of the pad
 * @param {number} side
 * @returns {Place}
 */
export function placeUnder({ clientX, clientY }, { left, top, width, height }, side) {
  return [Math.floor(((clientY - top) / height) * side), Math.floor(((clientX - left) / width) * side)];
}

/**
 * A latent as the value of a field: a seed is a number, any other latent a text.
 * @param {string} latent
 */
export const latentField = (latent) => (/^\d{1,15}$/.test(latent) ? Number(latent) : latent);

/**
 * The norms along the way, with the place on the axis of the chart. That of two ends runs from 0 to 1,
 * that of a loop counts its legs.
 * @param {[position: number, norm: number][]} norms
 * @param {number} legs
 * @param {boolean} loop
 * @returns {[w: number, norm: number][]}
 */
export function normLine(norms, legs, loop) {
  return norms.map(([position, norm]) => [loop ? position : position / legs, norm]);
}

/**
 * The height of a line where it is drawn nearest to x.
 * @param {[x: number, y: number][]} line
 * @param {number} x
 */
export function heightAt(line, x) {
  const places = line.map(([at]) => at);
  return line[indexOfNearest(places, x)][1];
}
