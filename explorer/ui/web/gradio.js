// The only module that knows Gradio: it connects the elements of the page with Gradio's components, and is the backend.
import { tabFrom } from './address.js';
import { backend, provide } from './backend.js';
import { config } from './config.js';
import { listen, page } from './page_state.js';

/**
 * What Gradio gives to the script of a gr.HTML component.
 * @typedef {object} Component
 * @property {HTMLElement} element
 * @property {(event: string) => void} trigger
 * @property {Record<string, any>} props
 * @property {Record<string, Function>} server
 * @property {(prop: string, act: () => void) => void} watch
 */

/** By the name of the part. @type {Map<string, Component>} */
const components = new Map();
/** @param {string} name */
const component = (name) => /** @type {Component} */ (components.get(name));

/**
 * Set a component's value and tell Python of it.
 * @param {string} name
 * @param {any} value
 * @param {string} event
 */
function send(name, value, event) {
  const { props, trigger } = component(name);
  props.value = value;
  trigger(event);
}

provide({
  newest: (fields) => send('controls', fields, 'input'),
  run: (tab, fields) => send('controls', fields, `run_${tab}`),
  stop: (tab) => component(tab).trigger('stop'),
  save: (wish) => send('saver', wish, 'make'),
  stopSaving: () => component('saver').trigger('stop'),
  async call(name, ...args) {
    for (const { server } of components.values()) if (server?.[name]) return server[name](...args);
    throw new Error(`the server has no function ${name}`);
  },
});

/** Milliseconds after which a tab is loaded in any case. */
const PATIENCE = 10000;

/**
 * The shell and the tab in front are wanted at once, the other tabs when they come to the front or when the first run has ended:
 * its pictures go first.
 * @param {string} name
 * @returns {Promise<void>}
 */
function whenWanted(name) {
  const front = tabFrom(new URLSearchParams(location.search), config.tabs);
  if (name === front || !config.tabs.includes(name)) return Promise.resolve();
  return new Promise((done) => {
    listen('ended', () => done());
    listen('settings', () => {
      if (page.tab === name) done();
    });
    setTimeout(done, PATIENCE);
  });
}

/**
 * Load the module of a part, and let its element follow the value of its component.
 * @param {string} name the element is <explorer-name>
 * @param {string} module that defines it, below explorer/ui
 * @param {Component} given
 */
export async function connect(name, module, given) {
  components.set(name, given);
  Object.assign(backend.about, given.props.about);
  await whenWanted(name);
  await import(new URL(`../${module}`, import.meta.url).href);
  const node = /** @type {HTMLElement & { value?: any }} */ (given.element.querySelector(`explorer-${name}`));
  const follow = () => {
    if (given.props.value) node.value = given.props.value;
  };
  given.watch('value', follow);
  follow();
}
