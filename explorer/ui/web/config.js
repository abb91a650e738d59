// The configuration that Python writes into <head>, see explorer/ui/components.py.

/**
 * @typedef {{ name: string, query: string, right?: number }} LessonEntry a step of the lesson, or an example
 * @typedef {object} Config
 * @property {Record<string, string>} languages each language's own name by its code
 * @property {string[]} tabs the names of all tabs in their order
 * @property {{ stops: LessonEntry[], examples: LessonEntry[] }} lesson
 * @property {import('./citations.js').Reference[]} references what the texts may cite
 */

/** @type {Config} */
export const config = JSON.parse(document.getElementById('explorer-config')?.textContent ?? '{}');
