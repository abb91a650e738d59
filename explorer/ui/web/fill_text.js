// Texts with placeholders {name} for values and symbols, and {cite.key} for citations. No DOM.

/**
 * @param {string} text
 * @param {Record<string, any>} values by name
 * @param {(value: any) => string} valueOf formats a value
 * @param {(name: string) => string | undefined} symbolOf the symbol of a name without a value; undefined leaves the placeholder
 */
export function fillText(text, values, valueOf, symbolOf) {
  return text.replace(/\{(\w+(?:\.\w+)?)\}/g, (placeholder, name) =>
    Object.hasOwn(values, name) ? valueOf(values[name]) : (symbolOf(name) ?? placeholder),
  );
}

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
