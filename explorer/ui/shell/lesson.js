// The card at the foot of the window: a stop of the lesson, or what to look at in an example. With "ask first" a stop shows
// its question alone, and the tab hides the answer (by body[data-asking], see the tabs' style sheets), until a guess is clicked.
import { config } from '../web/config.js';
import { Part } from '../web/dom.js';
import { listenToKeys } from '../web/keys.js';
import { keepTranslated, say, sayHtml } from '../web/localize.js';
import { listen, publish, setView } from '../web/page_state.js';

const PARTS = ['ask', 'see', 'number', 'tell'];

/** @typedef {import('../web/config.js').LessonEntry} LessonEntry */

/** @param {LessonEntry} entry */
const tabOf = (entry) => new URLSearchParams(entry.query).get('tab');

class Lesson extends Part {
  #stops = config.lesson.stops;
  #examples = config.lesson.examples;
  /** Counted from 1; 0: none. */
  #stop = 0;
  /** @type {LessonEntry | null | undefined} */
  #example = null;
  #askFirst = false;
  /** Counted from 1; 0: none yet. */
  #guess = 0;

  connectedCallback() {
    if (this.card) return;
    this.card = this.$('.card');
    this.enter = this.$('.enter');
    this.addEventListener('click', (event) => this.#press(/** @type {Element} */ (event.target).closest('button')));
    this.$('[name="ask_first"]').addEventListener('change', (event) => {
      this.#askFirst = event.target.checked;
      this.#guess = 0;
      this.#draw();
    });
    this.#listenToKeys();
    listen('stop', (n) => this.#go(n));
    listen('example', (name) => this.#show(name));
    window.addEventListener('resize', () => this.#makeRoom());
    keepTranslated(this, () => this.#draw());
    const named = Number(new URLSearchParams(location.search).get('stop')); // its settings are in the address too
    if (Number.isInteger(named) && this.#stops[named - 1]) this.#go(named, false);
  }

  #listenToKeys() {
    const next = () => this.$('[data-walk="1"]');
    const toggle = () => {
      if (this.#stop) return this.#close();
      this.#go(1);
      next().focus();
    };
    const isGuessing = () => this.#stop && this.#askFirst && !this.#guess;
    listenToKeys('everywhere', [
      { keys: ['l'], says: 'keys.lesson', act: toggle },
      {
        keys: ['PageUp', 'PageDown'],
        says: 'keys.stops',
        act: (key) => this.#go(this.#stop + (key === 'PageUp' ? -1 : 1)),
        when: () => this.#stop,
      },
      { keys: ['1', '2', '3'], says: 'keys.guess', act: (key) => this.#tryGuess(Number(key)), when: isGuessing },
      { keys: ['Escape'], act: () => this.#close(), when: () => this.#stop || this.#example },
    ]);
  }

  #draw() {
    const here = this.#stops[this.#stop - 1],
      example = this.#example,
      open = Boolean(here || example);
    const asking = Boolean(here && this.#askFirst && !this.#guess);
    this.card.hidden = !open;
    this.enter.setAttribute('aria-expanded', String(Boolean(here)));
    document.body.toggleAttribute('data-card', open);
    document.body.dataset.asking = asking ? here.name : '';
    if (!open) return;
    this.$('.switch').hidden = this.$('.walk').hidden = !here;
    this.$('[name="ask_first"]').checked = this.#askFirst;
    this.$('[data-walk="-1"]').disabled = this.#stop === 1;
    this.$('[data-walk="1"]').disabled = this.#stop === this.#stops.length;
    if (here) {
      const values = { n: this.#stop, of: this.#stops.length, tab: say(`tabs.${tabOf(here)}`) };
      this.$('h2').textContent = say('lesson.stop', values);
      this.#drawParts(
        (part) => !asking || part === 'ask',
        (part) => sayHtml(`stops.${here.name}.${part}`),
      );
    } else if (example) {
      this.$('h2').textContent = say(`examples.${example.name}.title`);
      this.#drawParts(
        (part) => part === 'see',
        () => sayHtml(`examples.${example.name}.look`),
      );
    }
    this.#drawGuesses(here);
    this.#makeRoom();
  }

  /** @param {(part: string) => boolean} isShown @param {(part: string) => string} textOf */
  #drawParts(isShown, textOf) {
    for (const part of PARTS) {
      this.$(`[data-part="${part}"]`).hidden = !isShown(part);
      if (isShown(part)) this.$(`[data-part="${part}"] p`).innerHTML = textOf(part);
    }
  }

  /** @param {LessonEntry | undefined} here */
  #drawGuesses(here) {
    const box = this.$('.guesses'),
      guess = this.#guess;
    box.hidden = !here || !this.#askFirst;
    box.innerHTML = '';
    if (!here || !this.#askFirst) return;
    for (const n of [1, 2, 3]) {
      const right = guess && n === here.right;
      const button = Object.assign(document.createElement('button'), { type: 'button', disabled: Boolean(guess) });
      button.dataset.guess = String(n);
      button.setAttribute('aria-keyshortcuts', String(n));
      if (n === guess) button.setAttribute('aria-pressed', 'true');
      button.toggleAttribute('data-right', Boolean(right));
      const mark = right ? ` <span aria-label="${say('lesson.right')}">✓</span>` : '';
      button.innerHTML = `<kbd aria-hidden="true">${n}</kbd> ${sayHtml(`stops.${here.name}.guess_${n}`)}${mark}`;
      box.append(button);
    }
  }

  /** Tell the page how high the card is. */
  #makeRoom() {
    document.body.style.setProperty('--card', `${this.card.offsetHeight}px`);
  }

  /** Go to stop n, with its tab and settings. @param {number} n @param {boolean} [follow] */
  #go(n, follow = true) {
    this.#stop = Math.min(this.#stops.length, Math.max(1, n));
    this.#example = null;
    this.#guess = 0;
    this.#draw();
    if (follow) publish('follow', this.#stops[this.#stop - 1].query);
    setView({ stop: this.#stop });
  }

  #close() {
    this.#stop = 0;
    this.#example = null;
    this.#guess = 0;
    this.#draw();
    setView({ stop: null });
  }

  /** Show an example. @param {string} name */
  #show(name) {
    this.#example = this.#examples.find((entry) => entry.name === name);
    this.#stop = 0;
    this.#draw();
    publish('follow', this.#example?.query);
  }

  /** @param {number} n */
  #tryGuess(n) {
    if (!this.#stop || !this.#askFirst || this.#guess) return;
    this.#guess = n;
    this.#draw();
    this.$('[data-walk="1"]').focus(); // what was focused is gone
  }

  /** @param {HTMLButtonElement | null} button */
  #press(button) {
    if (!button) return;
    const { walk, guess } = button.dataset;
    if (button === this.enter) {
      if (this.#stop) this.#close();
      else this.#go(1);
    } else if (button.matches('.close')) {
      this.#close();
      this.enter.focus();
    } else if (walk) this.#go(this.#stop + Number(walk));
    else if (guess) this.#tryGuess(Number(guess));
  }
}

customElements.define('explorer-lesson', Lesson);
