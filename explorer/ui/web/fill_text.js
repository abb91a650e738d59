// Texts in which {name} stands for a value or a symbol. No DOM.

/**
 * @param {string} text
 * @param {Record<string, any>} values by name
 * @param {(value: any) => string} valueOf how a value is written
 * @param {(name: string) => string | undefined} symbolOf what a name stands for that has no value; undefined leaves it as it is
 */
export function fillText(text, values, valueOf, symbolOf) {
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(values, name) ? valueOf(values[name]) : (symbolOf(name) ?? whole),
  );
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** @param {any} text */
export const escapeHtml = (text) => String(text).replace(/[&<>"]/g, (c) => ENTITIES[c]);

/** @param {string} text */
export const withoutMarkup = (text) => text.replace(/<\/?b>/g, '');

/**
 * The first of some language tags, such as "zh-TW", whose language there is.
 * @param {(string | null | undefined)[]} tags
 * @param {Record<string, string>} languages
 */
export const knownLanguage = (tags, languages) =>
  tags.map((tag) => String(tag).toLowerCase().split('-')[0]).find((tag) => Object.hasOwn(languages, tag));
