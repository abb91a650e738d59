// The keys that are the same everywhere, the help that shows all of them, and the projector mode. How the page is looked at
// belongs to the place, not to the picture: it is kept in the browser, not in the address.
import { Part, remembered } from '../web/dom.js';
import { allowSingleKeys, keysOf, listenToKeys } from '../web/keys.js';
import { keepTranslated, say } from '../web/localize.js';
import { listen, page, publish } from '../web/page_state.js';

const NAMES = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };
const STORAGE_KEYS = { projector: 'ddim-explorer-projector', single: 'ddim-explorer-single-keys' };

/** @returns {HTMLElement | null} */
const titleInFront = () => document.querySelector('#tabs button[role="tab"][aria-selected="true"]');
const nameOf = (key) => (key === ' ' ? say('keys.space') : (NAMES[key] ?? key));

class Help extends Part {
  /** @type {import('../web/keys.js').KeyRow[]} */
  keys = [];

  connectedCallback() {
    if (this.dialog) return;
    this.dialog = this.$('.help');
    const toggle = () => this.#project(!document.body.hasAttribute('data-projector'));
    this.keys = [
      { keys: ['?'], says: 'keys.help', act: () => this.#open() },
      { keys: ['p'], says: 'keys.projector', act: toggle },
      { keys: ['c'], says: 'keys.controls', act: () => publish('to-controls') },
      { keys: ['t'], says: 'keys.tabs', act: () => titleInFront()?.focus() },
    ];
    listenToKeys('everywhere', this.keys);
    listen('help', () => this.#open());
    listen('projector', toggle);
    this.$('.close').addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside it
    });
    this.$('[name="projector"]').addEventListener('change', (event) => this.#project(event.target.checked));
    this.$('[name="single"]').addEventListener('change', (event) => this.#takeSingle(event.target.checked));
    keepTranslated(this);
    this.#takeSingle(remembered(STORAGE_KEYS.single) !== 'off');
    this.#project(remembered(STORAGE_KEYS.projector) === 'on');
  }

  /** Enlarge everything, for a class room. @param {boolean} on */
  #project(on) {
    document.body.toggleAttribute('data-projector', on);
    for (const button of document.querySelectorAll('[data-tool="projector"]'))
      button.setAttribute('aria-pressed', String(on));
    this.$('[name="projector"]').checked = on;
    remembered(STORAGE_KEYS.projector, on ? 'on' : 'off');
    window.dispatchEvent(new Event('resize')); // all is drawn to its size
  }

  /** @param {boolean} on */
  #takeSingle(on) {
    this.$('[name="single"]').checked = on;
    allowSingleKeys(on);
    remembered(STORAGE_KEYS.single, on ? 'on' : 'off');
  }

  /** @param {HTMLElement} box @param {import('../web/keys.js').KeyRow[]} table */
  #list(box, table) {
    const entries = table.flatMap(({ keys, says }) => {
      if (!says) return [];
      const term = document.createElement('dt'),
        what = document.createElement('dd');
      term.append(...keys.map((key) => Object.assign(document.createElement('kbd'), { textContent: nameOf(key) })));
      what.textContent = say(says);
      return [term, what];
    });
    box.replaceChildren(...entries);
  }

  #open() {
    if (this.dialog.open) return;
    this.$('.in-tab').textContent = say('keys.in_tab', { tab: titleInFront()?.textContent?.trim() ?? '' });
    this.#list(this.$('[data-of="tab"]'), keysOf(page.tab));
    const others = keysOf('everywhere').filter((row) => !this.keys.includes(row)); // whichever part was there first
    this.#list(this.$('[data-of="everywhere"]'), [...this.keys, ...others]);
    this.dialog.showModal();
  }
}

customElements.define('explorer-help', Help);
