// The address of the page: it always holds all settings and what is looked at. Each tab that is opened, and each stop and example of
// the lesson, is an entry of the browser's history; a change of settings replaces the entry.
import { queryOf, viewKeys } from '../web/address.js';
import { backend } from '../web/backend.js';
import { config } from '../web/config.js';
import { browserLanguage, currentLanguage } from '../web/localize.js';
import { page } from '../web/page_state.js';

const BETWEEN_WRITES = 200; // ms: browsers refuse more than some ten changes of the address a second, as a dragged slider makes

export class AddressBar {
  /** Whether the page has taken the settings of the address, which may not be written before. */
  started = false;
  /** The keys of the address that say what is looked at. */
  viewKeys = viewKeys(backend.about.view_keys);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #writing;
  /** When the address was written last. */
  #written = -Infinity;

  /**
   * @param {import('./checkpoint.js').CheckpointField} checkpoint
   * @param {import('./following_settings.js').FollowingSettings} following
   */
  constructor(checkpoint, following) {
    this.checkpoint = checkpoint;
    this.following = following;
  }

  /** Write the address, a moment later if it has just been written. */
  writeSoon() {
    this.forget();
    const rest = this.#written + BETWEEN_WRITES - performance.now();
    if (rest > 0) this.#writing = setTimeout(() => this.write(), rest);
    else this.write();
  }

  /** Write the address. @param {boolean} [asNewEntry] of the history */
  write(asNewEntry = false) {
    this.forget();
    if (!this.started || this.checkpoint.keepsAddress) return;
    this.#written = performance.now();
    const language = currentLanguage() === browserLanguage ? null : currentLanguage();
    const text = queryOf({
      ...page,
      tabs: config.tabs,
      defaults: this.following.defaults(page.tab, page.settings.checkpoint),
      chosen: this.following.chosen,
      keys: this.viewKeys,
      language,
      before: new URLSearchParams(location.search),
    });
    const address = text ? `?${text}` : location.pathname;
    if (asNewEntry && text !== location.search.slice(1)) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  }

  /** Write what is still to be written, before something else comes to the screen. */
  finish() {
    if (this.#writing) this.write();
  }

  /** What was still to be written is out of date. */
  forget() {
    clearTimeout(this.#writing);
    this.#writing = undefined;
  }
}
