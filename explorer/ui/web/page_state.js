// The shared state of the page, and the events with which its elements communicate.
//
// Events are CustomEvents of the window named `explorer:<name>`:
//   set {field: value, tab?}  request other settings (handled by the controls)
//   settings page             the settings or the selected tab have changed
//   changed {count, tab}      a run with the newest settings was requested
//   ended {count, tab}        that run has ended
//   problem {tab, field, message}  what is wrong with a field, on a tab; without a field nothing is
//   view {key: value}         the view has changed, which needs no new run
//   look URLSearchParams      show the view in this URL
//   returned URLSearchParams   the user went back or forward to this URL
//   words                     the language or notation has changed: rewrite all texts
//   tab name                  a tab was selected in Gradio's tab bar
//   follow query              show an example: apply the settings of a query string
//   restore {settings, name}  apply the settings of a saved picture
//   guessed {name, guess}      a question of the lesson was answered
//   stop number, example name (lesson) · help, projector, to-controls (keys) · open-picture, saving (files)

import { config } from './config.js';

/**
 * @typedef {object} Page
 * @property {Record<string, any>} settings all fields: of the control column and of every tab
 * @property {Record<string, any>} view view entries of the URL, which Python does not read
 * @property {string} tab the selected tab
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
 * Change the view and the URL; null removes a key.
 * @param {Record<string, any>} change
 */
export function setView(change) {
  replaceView({ ...page.view, ...change });
  publish('view', change);
}

/**
 * @param {Record<string, any>} view all entries
 */
export function replaceView(view) {
  const notation = notationOf(page.view);
  page.view = view;
  if (notationOf(view) !== notation) publish('words');
}

/** @param {Record<string, any>} view */
const notationOf = (view) => (view.notation === 'ddim' ? 'ddim' : 'ddpm');

/** The notation: "ddpm" writes ᾱ, "ddim" writes α without the bar, as their papers do. */
export const notation = () => notationOf(page.view);
