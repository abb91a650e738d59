// The text of a drawing in the address: two bytes for each point, in base64url. drawing.py reads and writes the same text. No DOM.

/** @typedef {[x: number, y: number]} Point */

/** The largest coordinate of a drawn point. */
export const RANGE = 3;
export const MAX_POINTS = 500;
const PER_UNIT = 40;
const ZERO = 128; // the byte of 0

/** A coordinate as it is stored: within the plane, a multiple of 1/40. @param {number} v */
export const rounded = (v) => Math.round(Math.min(RANGE, Math.max(-RANGE, v)) * PER_UNIT) / PER_UNIT;

/**
 * The text of points.
 * @param {Point[]} points
 */
export function textOf(points) {
  const bytes = points.flat().map((v) => String.fromCharCode(Math.round(rounded(v) * PER_UNIT) + ZERO));
  return btoa(bytes.join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The points of a text; none if it is not the text of a drawing.
 * @param {string} text
 * @returns {Point[]}
 */
export function pointsOf(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return [];
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const values = Array.from(bytes, (byte) => (byte.charCodeAt(0) - ZERO) / PER_UNIT);
  return Array.from({ length: Math.floor(values.length / 2) }, (_, i) => [values[2 * i], values[2 * i + 1]]);
}
