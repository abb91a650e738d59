// The user's own step, see explorer/custom_sampler: its title, and what is said of it in a run.
import { localize, say, sayHtml } from './localize.js';
import { escapeHtml } from './fill_text.js';
import { digits } from './numbers.js';

/**
 * @typedef {object} CustomStatus
 * @property {string} name of the function
 * @property {any} problem what ended its run, a message; null if nothing has
 */

/** @param {CustomStatus} custom */
export const customTitle = ({ name }) => sayHtml('sampler.mine', { name });

/**
 * Its problem, or how far it is from Eq. 12.
 * @param {CustomStatus} custom
 * @param {number | null | undefined} difference of a step on the same arguments; unknown as long as it runs
 */
export function customText({ problem }, difference) {
  if (problem) return `<span class="failed" role="alert">${escapeHtml(localize(problem))}</span>`;
  if (difference === null || difference === undefined) return escapeHtml(say('sampler.waiting'));
  return sayHtml('sampler.differs', { difference: digits(difference, 2) });
}
