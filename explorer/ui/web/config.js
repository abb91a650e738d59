// The configuration that Python writes into <head>, see explorer/ui/components.py.

/**
 * @typedef {object} LessonEntry a stop of the lesson, or an example
 * @property {string} name
 * @property {string} query its settings
 * @property {number} [right] the number of the right guess
 * @property {Record<string, string[]>} targets what each part is about: selectors in the tab, the most important first
 * @typedef {object} Config
 * @property {Record<string, string>} languages each language's own name by its code
 * @property {string[]} tabs the names of all tabs in their order
 * @property {{ stops: LessonEntry[], examples: LessonEntry[] }} lesson
 * @property {import('./citations.js').Reference[]} references what the texts may cite
 */

/** @type {Config} */
export const config = JSON.parse(document.getElementById('explorer-config')?.textContent ?? '{}');
