// Numbers as the page writes them. No DOM.

/** A real minus sign. @param {string} text */
const minus = (text) => text.replace('-', '−');

/** Fixed decimals, where digits must not jump. @param {number} v @param {number} decimals */
export const fixed = (v, decimals) => minus(v.toFixed(decimals));

/** Significant digits, for reading. @param {number} v */
export function digits(v, n = 3) {
  if (v === 0) return '0';
  return minus(Math.abs(v) < 1e-3 ? v.toExponential(n - 1) : (+v.toPrecision(n)).toString());
}

const RAISED = '⁻⁰¹²³⁴⁵⁶⁷⁸⁹';
/** "10⁻³" for -3. @param {number} v */
export const powerOfTen = (v) => `10${[...String(v)].map((c) => RAISED['-0123456789'.indexOf(c)]).join('')}`;

/** With commas between thousands, in every language of the page. @param {number} v */
export const thousands = (v) => v.toLocaleString('en');

/** The numbers of a float32 array that came as base64. @param {string} text */
export const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

/**
 * The index of the number nearest to `wanted`, the first of several.
 * @param {number[]} numbers
 * @param {number} wanted
 */
export function indexOfNearest(numbers, wanted) {
  const distances = numbers.map((v) => Math.abs(v - wanted));
  return distances.indexOf(Math.min(...distances));
}
