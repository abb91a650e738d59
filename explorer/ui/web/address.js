// Convert between the URL of the page and its settings and view. No DOM.
import { readNumber, readWhole } from './number_text.js';

/** The fields of the control column. */
export const FIELDS = ['checkpoint', 'seed', 'eta', 'steps', 'spacing', 'variance', 'noise_seed', 'clip'];
/** Keys of the URL that belong to the whole page and are not settings. Each tab has view keys of its own. */
const PAGE_KEYS = ['notation', 'stop', 'handout'];

/** @typedef {Record<string, any>} Fields settings by name, or view entries by key */

/**
 * Convert the text of a setting to the type of its default; the text itself where that fails.
 * @param {string} name
 * @param {any} normal the default
 * @param {string} text
 */
export function settingFrom(name, normal, text) {
  if (typeof normal === 'boolean') return { 1: true, 0: false, true: true, false: false }[text.toLowerCase()] ?? text;
  if (typeof normal !== 'number') return text;
  return (name === 'eta' ? readNumber(text) : readWhole(text)) ?? text;
}

/**
 * All settings in a URL; missing ones take their defaults.
 * @param {URLSearchParams} address
 * @param {Fields} defaults
 * @returns {Fields}
 */
export function settingsFrom(address, defaults) {
  const read = ([name, normal]) => [
    name,
    address.has(name) ? settingFrom(name, normal, address.get(name) ?? '') : normal,
  ];
  return Object.fromEntries(Object.entries(defaults).map(read));
}

/**
 * The view keys of all tabs: keys of the URL that only the page reads, such as the selected time step.
 * @param {Record<string, string[]>} ofTabs
 */
export const viewKeys = (ofTabs) => [...new Set([...Object.values(ofTabs).flat(), ...PAGE_KEYS])];

/**
 * The view entries in a URL.
 * @param {URLSearchParams} address
 * @param {string[]} keys
 * @returns {Fields}
 */
export const viewFrom = (address, keys) =>
  Object.fromEntries(keys.filter((key) => address.has(key)).map((key) => [key, address.get(key)]));

/**
 * The tab in a URL; the first one if it names none.
 * @param {URLSearchParams} address
 * @param {string[]} tabs
 */
export function tabFrom(address, tabs) {
  const tab = address.get('tab') ?? '';
  return tabs.includes(tab) ? tab : tabs[0];
}

/**
 * The query string with the settings that differ from their defaults, or are chosen.
 * @param {object} state
 * @param {string} state.tab
 * @param {string[]} state.tabs
 * @param {Fields} state.settings
 * @param {Fields} state.defaults
 * @param {string[]} [state.chosen] names of settings that are written in any case
 * @param {Fields} state.view
 * @param {string[]} state.keys of the view, in their order in the URL
 * @param {string | null} [state.language] if it differs from the browser's
 * @param {URLSearchParams} [state.before] its keys that begin with "__" belong to Gradio and are kept
 */
export function queryOf(state) {
  const { tab, tabs, settings, defaults, chosen = [], view, keys, language = null } = state;
  const query = new URLSearchParams();
  if (tab !== tabs[0]) query.set('tab', tab);
  for (const [name, value] of Object.entries(settings)) {
    if (value !== defaults[name] || chosen.includes(name))
      query.set(name, value === true ? '1' : value === false ? '0' : value);
  }
  for (const key of keys) if (view[key] !== undefined && view[key] !== null) query.set(key, view[key]);
  if (language) query.set('lang', language);
  for (const [key, value] of state.before ?? []) if (key.startsWith('__')) query.set(key, value);
  return query.toString();
}
