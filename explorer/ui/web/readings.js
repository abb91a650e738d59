// Readings: the numbers that texts quote. A tab gives them by name (Stage.readings), and {reading.name} in a text of the lesson or
// the guide shows the number of the tab in front, as long as the text is there.
import { escapeHtml } from './fill_text.js';
import { page, publish } from './page_state.js';

export const WAITING = '…';
const MISSING = '–';

/** @typedef {Record<string, string | number | null | undefined>} Readings formatted numbers by name; one that is unknown is null or absent */

/** By tab. @type {Map<string, { values: Readings, complete: boolean }>} */
const known = new Map();

/**
 * Tell the readings of a tab. Texts that quote them change if they have changed.
 * @param {string} tab
 * @param {Readings} values
 * @param {boolean} complete whether no more will come
 */
export function tellReadings(tab, values, complete) {
  const told = { values, complete };
  if (JSON.stringify(told) === JSON.stringify(known.get(tab))) return;
  known.set(tab, told);
  publish('readings', tab);
}

/** A reading of the tab in front as text. @param {string} name */
export function readingText(name) {
  const told = known.get(page.tab);
  const value = told?.values[name];
  return String(value ?? (told?.complete ? MISSING : WAITING));
}

/**
 * A reading as HTML. Its changes are not read aloud one by one.
 * @param {string} name
 */
export const readingHtml = (name) =>
  `<span class="reading" data-reading="${name}" aria-live="off">${escapeHtml(readingText(name))}</span>`;

/**
 * Write the current readings into a text that is on the page.
 * @param {ParentNode} root
 * @param {string} waiting what is read aloud in place of a reading that is not there yet
 */
export function showReadings(root, waiting) {
  for (const span of root.querySelectorAll('[data-reading]')) {
    const text = readingText(span.getAttribute('data-reading') ?? '');
    const shown =
      text === WAITING
        ? `<span aria-hidden="true">${WAITING}</span><span class="aloud">${escapeHtml(waiting)}</span>`
        : escapeHtml(text);
    if (span.innerHTML !== shown) span.innerHTML = shown;
  }
}
