// What the tab in front is about: a text, its formulas, and the examples and stops of the lesson that are played on it. Below it,
// the references.
import { config } from '../web/config.js';
import { Part, remembered } from '../web/dom.js';
import { keepTranslated, say, sayHtml } from '../web/localize.js';
import { math } from '../web/math.js';
import { listen, page, publish } from '../web/page_state.js';
import { showReadings } from '../web/readings.js';
import { drawReferences, listenToCitations } from './references.js';

const STORAGE_KEY = 'ddim-explorer-guide';

/** @param {{ query: string }} entry */
const isOfTab = (entry) => new URLSearchParams(entry.query).get('tab') === page.tab;
const button = (kind, name, html) => `<button type="button" data-${kind}="${name}">${html}</button>`;

class Guide extends Part {
  #drawn = '';

  connectedCallback() {
    if (this.fold) return;
    this.fold = this.$('details');
    this.addEventListener('click', (event) => {
      const pressed = /** @type {Element} */ (event.target).closest('button');
      if (!pressed || pressed.matches('.back')) return;
      window.scrollTo({ top: 0, behavior: 'instant' }); // from there the card scrolls to what it is about
      if (pressed.dataset.example) publish('example', pressed.dataset.example);
      else publish('stop', Number(pressed.dataset.stop));
    });
    listen('settings', () => {
      if (page.tab !== this.#drawn) this.#draw();
    });
    listen('readings', (tab) => {
      if (tab === page.tab) this.#showReadings();
    });
    this.fold.open = remembered(STORAGE_KEY) !== 'folded';
    this.fold.addEventListener('toggle', () => remembered(STORAGE_KEY, this.fold.open ? 'open' : 'folded'));
    keepTranslated(this, () => {
      this.#draw();
      drawReferences(this.$('.references .list'));
    });
    listenToCitations(this.$('.references'));
  }

  #draw() {
    const { tab } = page,
      { stops, examples } = config.lesson;
    this.#drawn = tab;
    this.$('.about').innerHTML = sayHtml(`about.${tab}`);
    this.#showReadings();
    this.#drawFormulas(tab);
    const played = examples
      .filter(isOfTab)
      .map(({ name }) => button('example', name, sayHtml(`examples.${name}.title`)));
    stops.forEach((stop, i) => {
      if (isOfTab(stop)) played.push(button('stop', i + 1, say('guide.stop', { n: i + 1 })));
    });
    this.$('.try').innerHTML = played.join('');
    this.$('.examples').hidden = played.length === 0;
  }

  #showReadings() {
    showReadings(this, say('guide.waiting'));
  }

  /** The formulas that the tab's element names. @param {string} tab */
  async #drawFormulas(tab) {
    const element = await customElements.whenDefined(`explorer-${tab}`);
    if (tab !== page.tab) return;
    const { formulas } = /** @type {typeof import('../web/stage.js').Stage} */ (/** @type {unknown} */ (element));
    this.$('.formula').innerHTML = formulas.map((tex) => `<p>${math(`\\displaystyle ${tex}`)}</p>`).join('');
    this.$('.notation').hidden = !this.$('.formula [data-barred]');
  }
}

customElements.define('explorer-guide', Guide);
