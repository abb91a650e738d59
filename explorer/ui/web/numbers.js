// Number formats of the page. No DOM.

/** Replace the hyphen by a minus sign. @param {string} text */
const minus = (text) => text.replace('-', '−');

/** Fixed number of decimals, for numbers that change in place. @param {number} v @param {number} decimals */
export const fixed = (v, decimals) => minus(v.toFixed(decimals));

/** Few significant digits, for texts. @param {number} v */
export function digits(v, n = 3) {
  if (v === 0) return '0';
  return minus(Math.abs(v) < 1e-3 ? v.toExponential(n - 1) : (+v.toPrecision(n)).toString());
}

const RAISED = '⁻⁰¹²³⁴⁵⁶⁷⁸⁹';
/** "10⁻³" for -3. @param {number} v */
export const powerOfTen = (v) => `10${[...String(v)].map((c) => RAISED['-0123456789'.indexOf(c)]).join('')}`;

/** With thousands separators, which are commas in all languages of the page. @param {number} v */
export const thousands = (v) => v.toLocaleString('en');

/** Decode a float32 array from base64. @param {string} text */
export const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

/**
 * The index of the number nearest to `target`, the first one if there are several.
 * @param {number[]} numbers
 * @param {number} target
 */
export function indexOfNearest(numbers, target) {
  const distances = numbers.map((v) => Math.abs(v - target));
  return distances.indexOf(Math.min(...distances));
}
