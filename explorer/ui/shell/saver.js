// Between the Save menus and the backend: one file under way at a time. And pictures that were saved come back here.
import { backend } from '../web/backend.js';
import { download, Part } from '../web/dom.js';
import { keepTranslated, say } from '../web/localize.js';
import { listen, publish } from '../web/page_state.js';
import { NotPng, settingsIn } from '../web/png.js';

const MAX_FILE = 64 * 2 ** 20; // bytes
const SECONDS_TOLD = 8;

/** @param {DragEvent} event */
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');

class Saver extends Part {
  #count = 0;
  /** The file under way. @type {{ tab: string, kind: string, suffix: string } | null} */
  #current = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
  /** Nested elements that the pointer is over with a file. */
  #depth = 0;

  connectedCallback() {
    if (this.input) return;
    this.input = this.$('input');
    this.drop = this.$('.drop');
    this.notice = this.$('.told');
    keepTranslated(this);
    listen('save', ({ suffix, ...wish }) => this.#save(wish, suffix));
    listen('save-stop', () => {
      if (!this.#current) return;
      backend.stopSaving();
      this.#end('stopped');
    });
    listen('open-picture', () => this.input.click());
    this.input.addEventListener('change', () => {
      this.#restore(this.input.files[0]);
      this.input.value = '';
    });
    this.#listenToDrops();
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.notice.hidden = this.drop.hidden = true;
    });
  }

  // ---- files to keep ----

  #save(wish, suffix) {
    this.#end('stopped');
    this.#count += 1;
    this.#current = { tab: wish.tab, kind: wish.kind, suffix };
    publish('saving', { ...this.#current, state: 'making', share: 0 });
    backend.save({ ...wish, count: this.#count });
  }

  /** How far the server is with a file. */
  set value({ count, state, share, message, file, name }) {
    if (!this.#current || count !== this.#count || !state) return;
    if (state === 'making') publish('saving', { ...this.#current, state, share });
    else {
      if (state === 'done') download(file.url, name);
      this.#end(state, message);
    }
  }

  #end(state, message = '') {
    if (!this.#current) return;
    const detail = { ...this.#current, state, message };
    this.#current = null;
    publish('saving', detail);
  }

  // ---- pictures that come back ----

  #listenToDrops() {
    const hide = () => {
      this.#depth = 0;
      this.drop.hidden = true;
    };
    window.addEventListener('dragenter', (event) => {
      if (!hasFiles(event)) return;
      this.#depth += 1;
      this.drop.hidden = false;
    });
    window.addEventListener('dragleave', (event) => {
      if (hasFiles(event) && --this.#depth <= 0) hide();
    });
    window.addEventListener('dragover', (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    window.addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      hide();
      if (event.defaultPrevented) return; // the tab has taken it
      event.preventDefault();
      this.#restore(event.dataTransfer?.files[0]);
    });
  }

  /** @param {string} message */
  #tell(message) {
    this.notice.textContent = message;
    this.notice.hidden = false;
    clearTimeout(this.#hiding);
    this.#hiding = setTimeout(() => {
      this.notice.hidden = true;
    }, 1000 * SECONDS_TOLD);
  }

  /** Show what made a picture. @param {File | undefined} file */
  async #restore(file) {
    if (!file) return;
    this.notice.hidden = true;
    if (file.size > MAX_FILE) return this.#tell(say('menu.too_large'));
    try {
      const settings = settingsIn(new Uint8Array(await file.arrayBuffer()));
      if (settings === null) this.#tell(say('menu.no_settings'));
      else publish('restore', { settings, name: file.name });
    } catch (problem) {
      this.#tell(
        problem instanceof NotPng
          ? say('menu.no_png')
          : /** @type {Error} */ (problem).message || say('menu.unreadable'),
      );
    }
  }
}

customElements.define('explorer-saver', Saver);
