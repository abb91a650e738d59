// The checkpoint field: a name to choose, or a folder or a hub id to type. What is not there yet is opened by the server, which is
// asked how far it is; until then everything goes on with the old one.
import { backend } from '../web/backend.js';
import { localize } from '../web/localize.js';
import { page } from '../web/page_state.js';

const BETWEEN = 400; // milliseconds between two questions

/** @typedef {{ T: number, seeds: number[], credit: string, clips: boolean, shipped: boolean }} Checkpoint */

export class CheckpointField {
  /** What is being opened, or was refused: it stays in the field. @type {string | null} */
  #typed = null;
  /** Whether the address is that of what is being opened, and stays. */
  keepsAddress = false;
  #openings = 0;
  /** What stands below the field. @type {any} */
  #report = '';

  /**
   * @param {import('../web/dom.js').Part} controls
   * @param {(change: Record<string, any>) => void} send
   */
  constructor(controls, send) {
    this.send = send;
    this.box = controls.$('[name="checkpoint"]');
    this.told = controls.$('.said');
    this.bar = controls.$('.fetched');
    this.list = controls.$('#control-checkpoints');
    /** By name. @type {Record<string, Checkpoint>} */
    this.known = { ...backend.about.checkpoints };
    const { box } = this;
    // The list of names shows all of them only while the field is empty, so it is while the caret is in it.
    box.addEventListener('focus', () => {
      if (this.#typed !== null) return;
      box.placeholder = page.settings.checkpoint;
      box.value = '';
    });
    box.addEventListener('blur', () => {
      if (box.value.trim()) return;
      if (this.told.dataset.state === 'error') this.leave();
      else this.show();
    });
    box.addEventListener('click', () => {
      try {
        box.showPicker();
      } catch {
        // no list in this browser
      }
    });
    box.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      this.choose();
    });
  }

  /** The checkpoint of the settings. */
  get current() {
    return this.known[page.settings.checkpoint];
  }

  show() {
    const { box } = this,
      current = this.#typed ?? page.settings.checkpoint;
    if (document.activeElement === box) box.placeholder = current;
    else box.value = current;
    box.title = current;
    this.list.replaceChildren(...Object.keys(this.known).map((name) => new Option(name, name)));
  }

  /** Write what stands below the field in the language of the page. */
  translate() {
    this.told.textContent = localize(this.#report);
  }

  #say(message, state = '', share = null) {
    this.#report = message;
    this.translate();
    this.told.dataset.state = state;
    this.box.setAttribute('aria-invalid', String(state === 'error'));
    this.bar.hidden = share === null;
    this.bar.value = share ?? 0;
  }

  /** Whether the server may not have a checkpoint (any more), so that it is asked to open it. @param {string} name */
  mustOpen(name) {
    return backend.about.open_others && !this.known[name]?.shipped;
  }

  /**
   * Open a checkpoint; another one that is wanted meanwhile takes its place.
   * @param {string} text
   * @param {(name: string) => void} use is called when it is open
   * @param {boolean} [keepsAddress] the address is that of what comes, and stays
   */
  async open(text, use, keepsAddress = false) {
    const mine = ++this.#openings;
    [this.#typed, this.keepsAddress] = [text, keepsAddress];
    this.show();
    this.#say({ say: 'controls.opening' }, 'opening');
    for (let again = true; ; again = false) {
      const lost = { state: 'error', message: { say: 'controls.no_answer' } };
      const answer = await backend.call('open_checkpoint', { text, again }).catch(() => lost);
      if (mine !== this.#openings) return;
      if (answer.state !== 'opening') this.keepsAddress = false;
      if (answer.state === 'open') {
        this.known[answer.name] = answer.about;
        return use(answer.name);
      }
      this.#say(answer.message, answer.state, answer.share);
      if (answer.state === 'error') return;
      await new Promise((done) => setTimeout(done, BETWEEN));
    }
  }

  /** Forget what was typed. */
  leave() {
    [this.#typed, this.keepsAddress] = [null, false];
    this.#openings += 1;
    this.#say('');
    if (document.activeElement === this.box) this.box.value = '';
    this.show();
  }

  /** Take what stands in the field. */
  choose() {
    const name = this.box.value.trim();
    if (!name || (name === this.#typed && this.told.dataset.state === 'opening')) return;
    if (this.mustOpen(name)) {
      this.open(name, (opened) => this.send({ checkpoint: opened }));
    } else if (name === page.settings.checkpoint) this.leave();
    else this.send({ checkpoint: name });
  }
}
