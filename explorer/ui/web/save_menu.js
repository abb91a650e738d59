// The Save menu of a stage. It exports the run on the screen, with its settings and not those of the control column.
import { backend } from './backend.js';
import { copyText, download } from './dom.js';
import { keepTranslated, localize, say } from './localize.js';
import { listen, page, publish } from './page_state.js';

/** @typedef {{ name: string, label: string, suffix: string, here?: boolean }} Kind an export format */

const GAP = 48; // px that stay free above or below the menu, also if the page moves by a line while it is open
const LEAST_HEIGHT = 240; // px, of a menu that opens upwards

export class SaveMenu {
  /** The file that is being made. @type {any} */
  #making = null;
  /** The server's answer about the diffusers script. @type {any} */
  #inDiffusers = null;

  /**
   * @param {HTMLElement} stage
   * @param {object} options
   * @param {() => Record<string, any> | undefined} options.settings of the run on the screen
   * @param {(kind: string, settings: string) => string | Blob | Promise<string | Blob>} options.makeFile makes a file in the browser
   * @param {boolean} [options.diffusers] whether the run can be copied as a script for diffusers
   */
  constructor(stage, { settings, makeFile, diffusers = false }) {
    /** @param {string} selector @returns {any} */
    const $ = (selector) => stage.querySelector(selector);
    this.tab = stage.dataset.tab ?? '';
    this.settings = settings;
    this.makeFile = makeFile;
    this.diffusers = diffusers;
    this.button = $('.open-save');
    this.menu = $('.save .menu');
    this.messageLine = $('.save .said');
    keepTranslated($('.save'), () => this.#nameButton());
    listen('saving', (detail) => this.#follow(detail));
    this.#listen();
  }

  #listen() {
    const { button, menu } = this;
    button.addEventListener('click', () => this.#open(menu.hidden));
    button.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      this.#open(true, event.key === 'ArrowUp');
    });
    menu.addEventListener('click', (event) => {
      const act = this.acts.get(event.target.closest('button'));
      if (!act) return;
      this.#open(false);
      button.focus({ preventScroll: true });
      act();
    });
    menu.addEventListener('keydown', (event) => this.#key(event));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.messageLine.hidden = true;
    });
    document.addEventListener('pointerdown', (event) => {
      if (event.composedPath().includes(menu.parentNode)) return;
      this.#open(false);
      this.messageLine.hidden = true;
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const all = this.#choices(),
      at = all.indexOf(/** @type {any} */ (document.activeElement)),
      n = all.length;
    const to = { ArrowDown: (at + 1) % n, ArrowUp: (at - 1 + n) % n, Home: 0, End: n - 1 }[event.key];
    if (to === undefined && event.key !== 'Escape' && event.key !== 'Tab') return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
    if (to !== undefined) return all[to].focus();
    this.#open(false);
    this.button.focus({ preventScroll: true });
  }

  #choices() {
    return /** @type {HTMLButtonElement[]} */ ([...this.menu.querySelectorAll('button')]);
  }

  /** The action of each menu item. @type {WeakMap<HTMLButtonElement, () => void>} */
  acts = new WeakMap();

  /**
   * @param {string} label
   * @param {{ suffix?: string, why?: string, act: () => void, disabled?: boolean }} options
   */
  #item(label, { suffix = '', why = '', act, disabled = false }) {
    const button = Object.assign(document.createElement('button'), { type: 'button', tabIndex: -1 });
    button.setAttribute('role', 'menuitem');
    if (disabled) button.setAttribute('aria-disabled', 'true');
    else this.acts.set(button, act);
    for (const [name, text] of Object.entries({ label, suffix, why })) {
      if (text || name === 'label')
        button.append(Object.assign(document.createElement('span'), { className: name, textContent: text }));
    }
    return button;
  }

  #fill() {
    const items = [],
      making = this.#making,
      answer = this.#inDiffusers;
    if (making) {
      const label = say('menu.stop', { kind: making.suffix.toUpperCase() });
      items.push(this.#item(label, { act: () => publish('save-stop') }), document.createElement('hr'));
    }
    for (const kind of backend.about.kinds[this.tab] ?? []) {
      const options = { suffix: kind.suffix.toUpperCase(), disabled: Boolean(making), act: () => this.#save(kind) };
      items.push(this.#item(say(kind.label), options));
    }
    items.push(document.createElement('hr'));
    if (this.diffusers) {
      const act = () => copyText(this.button, answer.script);
      items.push(this.#item(say('menu.diffusers'), { why: localize(answer?.why), disabled: !answer?.script, act }));
    }
    const open = { suffix: 'PNG', why: say('menu.or_drop'), act: () => publish('open-picture') };
    items.push(this.#item(say('menu.open'), open));
    this.menu.replaceChildren(...items);
  }

  /** Called when the menu opens: the clipboard needs the script at the moment of the click. */
  async #askDiffusers() {
    if (!this.diffusers) return;
    const answer = await this.#about('picture');
    this.#inDiffusers = answer?.error ? { script: null, why: answer.error } : answer;
    if (this.menu.hidden) return;
    const at = [...this.menu.children].indexOf(document.activeElement);
    this.#fill();
    /** @type {HTMLElement} */ (this.menu.children[at])?.focus();
  }

  /** Open upwards, or downwards where there is hardly any room above; a long menu scrolls. */
  #place() {
    const { top, bottom } = this.button.getBoundingClientRect();
    const above = top - GAP,
      below = innerHeight - bottom - GAP,
      opensDown = above < LEAST_HEIGHT && below > above;
    this.menu.toggleAttribute('data-below', opensDown);
    this.menu.style.maxHeight = `min(${opensDown ? below : above}px, 70vh)`;
  }

  /** @param {boolean} on @param {boolean} [last] focus the last item */
  #open(on, last = false) {
    if (on === !this.menu.hidden) return;
    this.menu.hidden = !on;
    this.button.setAttribute('aria-expanded', String(on));
    if (!on) return;
    this.#place();
    this.messageLine.hidden = true;
    this.#inDiffusers = null;
    this.#fill();
    this.#askDiffusers();
    this.#choices()
      .at(last ? -1 : 0)
      ?.focus({ preventScroll: true });
  }

  /** @param {string} kind */
  #wish(kind) {
    return { tab: this.tab, kind, settings: { ...this.settings() }, view: { ...page.view } };
  }
  /** @param {string} kind */
  #about(kind) {
    return backend.call('about', this.#wish(kind)).catch(() => ({ error: say('controls.no_answer') }));
  }

  /** @param {Kind} kind */
  async #save(kind) {
    if (!Object.keys(this.settings() ?? {}).length) return this.#tell(say('menu.nothing'));
    if (!kind.here) return publish('save', { ...this.#wish(kind.name), suffix: kind.suffix });
    const about = await this.#about(kind.name);
    if (about.error) return this.#tell(about.error);
    try {
      const type = kind.suffix === 'svg' ? 'image/svg+xml' : 'image/png';
      const data = await this.makeFile(kind.name, about.settings);
      download(URL.createObjectURL(new Blob([data], { type })), about.name);
    } catch (problem) {
      this.#tell(/** @type {Error} */ (problem).message);
    }
  }

  /** @param {import('./localize.js').Message} message */
  #tell(message) {
    this.messageLine.textContent = localize(message);
    this.messageLine.hidden = false;
  }

  #nameButton() {
    const making = this.#making;
    const values = making && { kind: making.suffix.toUpperCase(), percent: Math.round(100 * (making.share ?? 0)) };
    this.button.textContent = making ? say('menu.making', values) : say('menu.save');
  }

  /** Show the progress of a file. @param {any} detail */
  #follow(detail) {
    if (detail.tab !== this.tab) return;
    this.#making = detail.state === 'making' ? detail : null;
    this.#nameButton();
    if (detail.state === 'error') this.#tell(detail.message);
    if (!this.menu.hidden && detail.state !== 'making') this.#open(false);
  }
}
