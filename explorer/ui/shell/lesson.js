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
