// The address of the page ↔ settings, and what is looked at. No DOM.

/** The fields of the control column. */
export const FIELDS = ['checkpoint', 'seed', 'eta', 'steps', 'spacing', 'variance', 'noise_seed', 'clip'];
/** What the whole page needs to know of an address, beside the settings. Each tab has keys of its own. */
const PAGE_KEYS = ['notation', 'stop'];
const WHOLE = /^-?[0-9]{1,15}$/;

/** @typedef {Record<string, any>} Fields settings by name, or what is looked at by key */

/**
 * A setting as the address writes it, in the type of its default where it can be read as that.
 * @param {string} name
 * @param {any} normal the default
 * @param {string} text
 */
export function settingFrom(name, normal, text) {
  if (typeof normal === 'boolean') return { 1: true, 0: false }[text] ?? text;
  if (typeof normal !== 'number') return text;
  const isNumber = name === 'eta' ? text.trim() !== '' && Number.isFinite(+text) : WHOLE.test(text);
  return isNumber ? +text : text;
}

/**
 * All settings of an address; those that it does not name are the defaults.
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
 * The keys of an address that say what is looked at.
 * @param {Record<string, string[]>} ofTabs
 */
export const viewKeys = (ofTabs) => [...new Set([...Object.values(ofTabs).flat(), ...PAGE_KEYS])];

/**
 * What an address asks to look at.
 * @param {URLSearchParams} address
 * @param {string[]} keys
 * @returns {Fields}
 */
export const viewFrom = (address, keys) =>
  Object.fromEntries(keys.filter((key) => address.has(key)).map((key) => [key, address.get(key)]));

/**
 * The tab of an address. It is the first one where the address names none.
 * @param {URLSearchParams} address
 * @param {string[]} tabs
 */
export function tabFrom(address, tabs) {
  const tab = address.get('tab') ?? '';
  return tabs.includes(tab) ? tab : tabs[0];
}

/**
 * The query of an address that says what differs from the defaults.
 * @param {object} state
 * @param {string} state.tab
 * @param {string[]} state.tabs
 * @param {Fields} state.settings
 * @param {Fields} state.defaults
 * @param {Fields} state.view
 * @param {string[]} state.keys of the view, in the order of the address
 * @param {string | null} [state.language] if it is not the browser's
 * @param {URLSearchParams} [state.before] what begins with "__" is Gradio's, and stays
 */
export function queryOf(state) {
  const { tab, tabs, settings, defaults, view, keys, language = null, before = new URLSearchParams() } = state;
  const query = new URLSearchParams();
  if (tab !== tabs[0]) query.set('tab', tab);
  for (const [name, value] of Object.entries(settings)) {
    if (value !== defaults[name]) query.set(name, value === true ? '1' : value === false ? '0' : value);
  }
  for (const key of keys) if (view[key] !== undefined && view[key] !== null) query.set(key, view[key]);
  if (language) query.set('lang', language);
  for (const [key, value] of before) if (key.startsWith('__')) query.set(key, value);
  return query.toString();
}
