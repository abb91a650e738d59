// Numbers as people type them: with a decimal comma, full-width digits, a minus sign, or thousands in groups. No DOM.
// Python reads them by the same rules, see explorer/support/number_text.py.

const MAX_LENGTH = 40; // characters of a number
const WHOLE = /^[+-]?[0-9]{1,15}$/; // more digits stay text, which Python reads exactly
const GROUPED = /^[+-]?[1-9][0-9]{0,2}([,.' ])[0-9]{3}(?:\1[0-9]{3})*$/;
const NUMBER = /^[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?$/;
const MANY_DIGITS = /^[+-]?[0-9]{16,}$/;
const HEXADECIMAL_NAME = /^(?=.{16}$)[0-9]+e[0-9]+$/; // of an uploaded picture: it may look like a power of ten

/** @param {string} text */
const toAscii = (text) => text.normalize('NFKC').replace(/[−–]/g, '-').replace(/’/g, "'").replace(/、/g, ',').trim();

/**
 * The number that a text stands for; undefined if it is none. "0,5" and "0.5" are one half.
 * @param {string} text
 */
export function readNumber(text) {
  if (text.length > MAX_LENGTH) return undefined;
  const plain = toAscii(text);
  if (!NUMBER.test(plain) || HEXADECIMAL_NAME.test(plain)) return undefined;
  const number = Number(plain.replace(',', '.'));
  return Number.isFinite(number) ? number : undefined;
}

/**
 * The number that the text of a whole number stands for; undefined if it is none. "1,000", "1.000" and "1 000" are thousand.
 * @param {string} text
 */
export function readWhole(text) {
  if (text.length > MAX_LENGTH) return undefined;
  const plain = toAscii(text);
  if (WHOLE.test(plain)) return Number(plain);
  if (MANY_DIGITS.test(plain)) return undefined;
  return GROUPED.test(plain) ? Number(plain.replace(/[,.' ]/g, '')) : readNumber(text);
}

/**
 * What stands in an input, in the type of its setting: `data-number` is "whole" or "decimal", and an input with `data-latent` has
 * a seed or a text. A text that cannot be read stays as it is, so that the error can say it; an empty field is null.
 * @param {Pick<HTMLInputElement, 'type' | 'value' | 'checked' | 'dataset'>} input
 */
export function typed(input) {
  const { type, value, dataset } = input;
  if (type === 'checkbox') return input.checked;
  if (type === 'range') return Number(value);
  if (dataset.number === undefined && dataset.latent === undefined) return value;
  if (value.trim() === '') return null;
  const number = dataset.number === 'decimal' ? readNumber(value) : readWhole(value);
  return number ?? value.trim();
}
