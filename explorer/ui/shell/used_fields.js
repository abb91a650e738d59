// Which settings count: those that a tab uses, those that its pictures depend on, and those that an example sets. No DOM.
import { FIELDS, settingsFrom } from '../web/address.js';

const NOT_IN_EXAMPLES = ['checkpoint', 'seed', 'noise_seed'];

/** @typedef {import('../web/address.js').Fields} Fields */
/** @typedef {import('../web/backend.js').About} About */

/** Whether the larger variance takes the place of η. @param {string} tab @param {Fields} settings */
export const hasLargeVariance = (tab, settings) => tab === 'steps' && settings.variance === 'large';

/**
 * The fields of the control column that have no effect on a tab's pictures.
 * @param {string} tab
 * @param {Fields} settings
 * @param {Pick<About, 'idle'>} about
 */
export function idleFields(tab, settings, { idle }) {
  const fields = new Set(idle[tab]);
  if (hasLargeVariance(tab, settings)) fields.add('eta');
  else if (tab === 'steps' && +settings.eta === 0) fields.add('noise_seed');
  return fields;
}

/**
 * What a tab's pictures depend on, as a text. Two requests with the same text have the same pictures.
 * @param {string} tab
 * @param {Fields} settings
 * @param {Pick<About, 'idle' | 'options'>} about
 */
export function requestKey(tab, settings, { idle, options }) {
  const names = [...FIELDS.filter((name) => !idle[tab]?.includes(name)), ...options[tab]];
  return JSON.stringify(names.map((name) => settings[name]));
}

/**
 * The settings that an example changes. It leaves the checkpoint and the seeds as they are unless it names them, and of the tabs'
 * own settings it changes those of its tab.
 * @param {URLSearchParams} given
 * @param {string} tab
 * @param {Pick<About, 'defaults' | 'options'>} about
 * @returns {Fields}
 */
export function exampleSettings(given, tab, { defaults, options }) {
  const all = settingsFrom(given, defaults);
  const names = FIELDS.filter((name) => given.has(name) || !NOT_IN_EXAMPLES.includes(name));
  return Object.fromEntries([...names, ...options[tab]].map((name) => [name, all[name]]));
}
