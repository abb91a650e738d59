// What the page knows before anything else: Python writes it into <head>, see explorer/ui/components.py.

/**
 * @typedef {{ name: string, query: string, right?: number }} LessonEntry a stop of the lesson or an example
 * @typedef {object} Config
 * @property {Record<string, string>} languages what each language calls itself, by its code
 * @property {string[]} tabs the names of all tabs, in the order of the page
 * @property {{ stops: LessonEntry[], examples: LessonEntry[] }} lesson
 */

/** @type {Config} */
export const config = JSON.parse(document.getElementById('explorer-config')?.textContent ?? '{}');
