// The backend over Gradio, and the only module that depends on Gradio: it connects elements with gr.HTML components.
import { tabFrom } from './address.js';
import { backend, provide } from './backend.js';
import { config } from './config.js';
import { listen, page } from './page_state.js';

/**
 * What Gradio passes to the script of a gr.HTML component.
 * @typedef {object} Component
 * @property {HTMLElement} element
 * @property {(event: string) => void} trigger
 * @property {Record<string, any>} props
 * @property {Record<string, Function>} server
 * @property {(prop: string, act: () => void) => void} watch
 */

/** By the name of the element. @type {Map<string, Component>} */
const components = new Map();
/** @param {string} name */
const component = (name) => /** @type {Component} */ (components.get(name));

/**
 * Set a component's value and trigger an event in Python.
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

/** Milliseconds after which every tab is loaded. */
const MAX_WAIT = 10000;

/**
 * Wait until an element is needed. The shell and the selected tab are needed at once, another tab when it is selected or when the
 * first run has ended, so that its modules do not delay the pictures of that run.
 * @param {string} name
 * @returns {Promise<void>}
 */
function whenNeeded(name) {
  const front = tabFrom(new URLSearchParams(location.search), config.tabs);
  if (name === front || !config.tabs.includes(name)) return Promise.resolve();
  return new Promise((done) => {
    listen('ended', () => done());
    listen('settings', () => {
      if (page.tab === name) done();
    });
    setTimeout(done, MAX_WAIT);
  });
}

/** The import before. @type {Promise<unknown>} */
let loading = Promise.resolve();

/**
 * Import a module after those that were asked for before. In WebKit, an import whose dependencies another import is loading at the
 * same time may never end. The files are preloaded, so this costs no time.
 * @param {string} url
 */
function load(url) {
  const imported = loading.then(() => import(url));
  loading = imported.catch(() => {});
  return imported;
}

/**
 * Load the module of an element, and update the element whenever the value of its component changes.
 * @param {string} name the element is <explorer-name>
 * @param {string} module its module, below explorer/ui
 * @param {Component} gradioComponent
 */
export async function connect(name, module, gradioComponent) {
  components.set(name, gradioComponent);
  Object.assign(backend.about, gradioComponent.props.about);
  await whenNeeded(name);
  await load(new URL(`../${module}`, import.meta.url).href);
  const node = /** @type {HTMLElement & { value?: any }} */ (gradioComponent.element.querySelector(`explorer-${name}`));
  const follow = () => {
    if (gradioComponent.props.value) node.value = gradioComponent.props.value;
  };
  gradioComponent.watch('value', follow);
  follow();
}
