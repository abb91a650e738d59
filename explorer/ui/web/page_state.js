// The state of the page that more than one part reads, and the events by which the parts tell each other of changes.
//
// Events are CustomEvents of the window named `explorer:<name>`:
//   set {field: value, tab?}  somebody wants other settings (heard by the controls)
//   settings page             the settings or the tab in front are now these
//   changed {count, tab}      a run of the newest settings was asked for
//   ended {count, tab}        the pictures of that run are complete
//   view {key: value}         what is looked at has changed; no run is needed for it
//   look URLSearchParams      look at what this address says
//   words                     all words and formulas are to be written anew: another language or notation
//   tab name                  Gradio has brought a tab to the front
//   follow query              show an example of the lesson: the settings of a query
//   restore {settings, name}  the settings of a saved picture
//   stop number, example name (lesson) · help, projector, to-controls (keys) · open-picture, saving (files)

import { config } from './config.js';

/**
 * @typedef {object} Page
 * @property {Record<string, any>} settings all fields: of the control column and of every tab
 * @property {Record<string, any>} view what the browser alone needs to know of the address
 * @property {string} tab the tab in front
 */

/** @type {Page} */
export const page = { settings: {}, view: {}, tab: config.tabs[0] };

/**
 * @param {string} name
 * @param {any} [detail]
 */
export function publish(name, detail) {
  window.dispatchEvent(new CustomEvent(`explorer:${name}`, { detail }));
}

/**
 * @param {string} name
 * @param {(detail: any) => void} act
 */
export function listen(name, act) {
  window.addEventListener(`explorer:${name}`, (event) => act(/** @type {CustomEvent} */ (event).detail));
}

/**
 * Something else is looked at. It goes into the address; null takes a key out of it.
 * @param {Record<string, any>} change
 */
export function setView(change) {
  replaceView({ ...page.view, ...change });
  publish('view', change);
}

/**
 * @param {Record<string, any>} view all of it
 */
export function replaceView(view) {
  const notation = notationOf(page.view);
  page.view = view;
  if (notationOf(view) !== notation) publish('words');
}

/** @param {Record<string, any>} view */
const notationOf = (view) => (view.notation === 'ddim' ? 'ddim' : 'ddpm');

/** How alpha bar is written: as in the DDPM paper, or without the bar as in the DDIM paper. */
export const notation = () => notationOf(page.view);
