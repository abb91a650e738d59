// The card at the foot of the window: a stop of the lesson, or what to look at in an example. The page shows what each of its parts
// is about: the elements that lesson.json names. With "ask first" a stop shows its question alone, and the tab hides the answer (by
// body[data-asking], see the tabs' style sheets), until a guess is clicked.
import { config } from '../web/config.js';
import { Part } from '../web/dom.js';
import { listenToKeys } from '../web/keys.js';
import { keepTranslated, say, sayHtml } from '../web/localize.js';
import { listen, page, publish, setView } from '../web/page_state.js';
import { showReadings } from '../web/readings.js';
import { Spotlight } from './spotlight.js';

const PARTS = ['ask', 'see', 'number', 'tell'];
const NARROW = 700; // px: in narrower windows, and in projector mode, the card shows one part at a time

/** @typedef {import('../web/config.js').LessonEntry} LessonEntry */

/** @param {LessonEntry} entry */
const tabOf = (entry) => new URLSearchParams(entry.query).get('tab') ?? '';

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
  /** The part that the page shows the targets of, and the only one that a small or large-type card shows. */
  #part = 'see';
  /** Whether another tab is in front than the one that the card is about. */
  #leftTab = false;

  connectedCallback() {
    if (this.card) return;
    this.card = this.$('.card');
    this.enter = this.$('.enter');
    this.spotlight = new Spotlight(this.card, this.closest('#stage-column') ?? document.body);
    this.addEventListener('click', (event) => this.#press(/** @type {Element} */ (event.target).closest('button')));
    this.$('[name="ask_first"]').addEventListener('change', (event) => {
      this.#askFirst = event.target.checked;
      this.#guess = 0;
      this.#begin();
    });
    this.#listenToKeys();
    listen('stop', (n) => this.#go(n));
    listen('example', (name) => this.#show(name));
    listen('returned', (query) => this.#return(Number(query.get('stop'))));
    listen('readings', (tab) => {
      if (tab === page.tab) this.#showReadings();
    });
    listen('settings', () => this.#pointOnlyAtOwnTab());
    window.addEventListener('resize', () => this.#layOut());
    new ResizeObserver(() => this.#makeRoom()).observe(this.card);
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

  /** The stop or the example on the card. */
  get #entry() {
    return this.#stops[this.#stop - 1] ?? this.#example;
  }

  get #isAsking() {
    return Boolean(this.#stop && this.#askFirst && !this.#guess);
  }

  /** Show the entry from its first part on. */
  #begin() {
    this.#part = this.#isAsking ? 'ask' : 'see';
    this.#draw();
    this.#point();
  }

  /** Show what a part is about. @param {string} part */
  #lookAt(part) {
    this.#part = part;
    this.#draw();
    this.#point();
  }

  /** Point at the targets of the part. A question has none of its own, unless they do not give the answer away. */
  #point() {
    const entry = this.#entry;
    const { targets } = entry ?? {};
    const chosen = targets?.[this.#part] ?? (this.#isAsking ? [] : targets?.see);
    this.spotlight?.point(entry ? tabOf(entry) : '', chosen ?? []);
  }

  #draw() {
    const here = this.#stops[this.#stop - 1],
      example = this.#example,
      open = Boolean(here || example);
    const asking = this.#isAsking;
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
    this.#showReadings();
    this.#layOut();
  }

  #showReadings() {
    showReadings(this, say('guide.waiting'));
  }

  /** @param {(part: string) => boolean} isShown @param {(part: string) => string} textOf */
  #drawParts(isShown, textOf) {
    for (const part of PARTS) {
      const box = this.$(`[data-part="${part}"]`);
      box.hidden = !isShown(part);
      box.toggleAttribute('data-current', part === this.#part);
      this.$('h3 button', box).setAttribute('aria-pressed', String(part === this.#part));
      if (isShown(part)) this.$('p', box).innerHTML = textOf(part);
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

  /** One part at a time where there is little room, or where type is large. */
  #layOut() {
    const single = innerWidth <= NARROW || document.body.hasAttribute('data-projector');
    this.card.toggleAttribute('data-single', single);
    this.#makeRoom();
  }

  /** Tell the page how high the card is: its style sheets, and the tabs, which are drawn anew. */
  #makeRoom() {
    const { height } = this.card.getBoundingClientRect();
    document.documentElement.style.setProperty('--card', `${height}px`);
    const { dataset } = document.body;
    if ('card' in dataset && dataset.card !== String(height)) dataset.card = String(height);
  }

  /** On another tab there is nothing to point at; back on its own, the card points again. */
  #pointOnlyAtOwnTab() {
    const entry = this.#entry;
    if (entry && tabOf(entry) !== page.tab) this.spotlight?.point('', []);
    else if (entry && this.#leftTab) this.#point();
    this.#leftTab = Boolean(entry && tabOf(entry) !== page.tab);
  }

  /** Go to stop n, with its tab and settings. @param {number} n @param {boolean} [follow] */
  #go(n, follow = true) {
    this.#stop = Math.min(this.#stops.length, Math.max(1, n));
    this.#example = null;
    this.#guess = 0;
    if (follow) publish('follow', this.#stops[this.#stop - 1].query);
    this.#begin();
    setView({ stop: this.#stop });
  }

  #close() {
    this.#stop = 0;
    this.#example = null;
    this.#guess = 0;
    this.#begin();
    setView({ stop: null });
  }

  /** Show the stop of another entry of the history, whose settings are in its address. @param {number} n 0: none */
  #return(n) {
    if (n === this.#stop && !this.#example) return;
    this.#stop = this.#stops[n - 1] ? n : 0;
    this.#example = null;
    this.#guess = 0;
    this.#begin();
  }

  /** Show an example. @param {string} name */
  #show(name) {
    this.#example = this.#examples.find((entry) => entry.name === name);
    this.#stop = 0;
    publish('follow', this.#example?.query);
    this.#begin();
  }

  /** @param {number} n */
  #tryGuess(n) {
    if (!this.#stop || !this.#askFirst || this.#guess) return;
    this.#guess = n;
    publish('guessed', { name: this.#stops[this.#stop - 1].name, guess: n });
    this.#begin();
    this.$('[data-walk="1"]').focus(); // what was focused is gone
  }

  /** Fold the card to its first line, or unfold it. */
  #fold() {
    const folded = this.card.toggleAttribute('data-folded');
    this.$('.fold').setAttribute('aria-expanded', String(!folded));
  }

  /** @param {HTMLButtonElement | null} button */
  #press(button) {
    if (!button) return;
    const { walk, guess, look } = button.dataset;
    if (button === this.enter) {
      if (this.#stop) this.#close();
      else this.#go(1);
    } else if (button.matches('.close')) {
      this.#close();
      this.enter.focus();
    } else if (button.matches('.fold')) this.#fold();
    else if (look) this.#lookAt(look);
    else if (walk) this.#go(this.#stop + Number(walk));
    else if (guess) this.#tryGuess(Number(guess));
  }
}

customElements.define('explorer-lesson', Lesson);
