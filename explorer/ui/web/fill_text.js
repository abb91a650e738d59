// Texts with placeholders. No DOM.
//
//   {name}              a value or a symbol
//   {cite.key}          a citation, see citations.js
//   {reading.name}      a number of the run on the screen, see readings.js
//   {paper 4.67, 8.01}  numbers of the paper, which are marked as such

const PLACEHOLDER = /\{(?:reading\.(\w+)|paper ([^{}]+)|(\w+(?:\.\w+)?))\}/g;

/**
 * @typedef {object} Fillings
 * @property {(value: any) => string} value formats a value
 * @property {(name: string) => string | undefined} symbol the symbol or citation of a name without a value; undefined leaves the
 *   placeholder
 * @property {(name: string) => string} reading
 * @property {(numbers: string) => string} paper
 */

/**
 * @param {string} text
 * @param {Record<string, any>} values by name
 * @param {Fillings} fillings
 */
export function fillText(text, values, { value, symbol, reading, paper }) {
  return text.replace(PLACEHOLDER, (placeholder, ofRun, ofPaper, name) => {
    if (ofRun) return reading(ofRun);
    if (ofPaper) return paper(ofPaper);
    return Object.hasOwn(values, name) ? value(values[name]) : (symbol(name) ?? placeholder);
  });
}

/** A placeholder, and what must stay on its line: "= 0", a particle of Korean, and punctuation marks. */
const KEPT = /\{(\w+)\}((?: [=<>≤≥] (?:\{[\w.]+\}|[−\d.,/]*\d))?[\uac00-\ud7a3]*[，。：；、！？）”’,.;:!?)]*)/g;

/**
 * Keep symbols on one line with what follows them. A line breaks before and after a formula, even before a comma.
 * @param {string} text with placeholders
 * @param {(name: string) => boolean} isSymbol
 */
export const keepTogether = (text, isSymbol) =>
  text.replace(KEPT, (all, name, more) => (more && isSymbol(name) ? `<span class="kept">${all}</span>` : all));

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** @param {any} text */
export const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (c) => ENTITIES[c]);

/** @param {string} text */
export const withoutMarkup = (text) => text.replace(/<\/?b>/g, '');

/**
 * The language of the first tag, such as "zh-TW", that is available.
 * @param {(string | null | undefined)[]} tags
 * @param {Record<string, string>} languages
 */
export const knownLanguage = (tags, languages) =>
  tags.map((tag) => String(tag).toLowerCase().split('-')[0]).find((tag) => Object.hasOwn(languages, tag));
