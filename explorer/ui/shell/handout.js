// The handout, two pages of A4: formulas in both notations, terms, a map of the tabs, common slips. The address opens it with handout=1.
import { Part } from '../web/dom.js';
import { escapeHtml } from '../web/fill_text.js';
import { keepTranslated, say, sayHtml } from '../web/localize.js';
import { math } from '../web/math.js';
import { listen, page, setView } from '../web/page_state.js';
import { withSubscripts } from '../web/subscripts.js';
import { FORMULAS, NOTATIONS, SAME_IN_BOTH, SLIPS, TABS, TERMS } from './handout_content.js';

const LANGUAGES = ['English', '中文', '한국어'];

class Handout extends Part {
  /** What had the focus before. @type {HTMLElement | null} */
  #before = null;

  connectedCallback() {
    if (this.sheet) return;
    this.sheet = this.$('.handout');
    this.$('.print').addEventListener('click', () => print());
    this.$('.close').addEventListener('click', () => setView({ handout: null }));
    this.sheet.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      event.stopPropagation(); // the keys of the page behind it
      if (event.key === 'Escape') setView({ handout: null });
    });
    listen('view', () => this.#show(Boolean(page.view.handout)));
    listen('look', (query) => this.#show(query.get('handout') === '1'));
    keepTranslated(this, () => this.#draw());
    this.#show(new URLSearchParams(location.search).get('handout') === '1');
  }

  /** @param {boolean} on */
  #show(on) {
    if (this.sheet.hidden !== on) return;
    if (on) this.#before = /** @type {HTMLElement | null} */ (document.activeElement);
    this.sheet.hidden = !on;
    document.body.toggleAttribute('data-handout', on);
    if (on) {
      this.#draw();
      this.$('.print').focus();
    } else this.#before?.focus();
  }

  #draw() {
    if (this.sheet.hidden) return;
    this.$('.formulas').innerHTML = this.#formulas();
    const heads = LANGUAGES.map((name) => `<th scope="col">${name}</th>`).join('');
    const terms = TERMS.map((row) => `<tr>${row.map((term) => `<td>${withSubscripts(term)}</td>`).join('')}</tr>`);
    this.$('.terms').innerHTML = `<thead><tr>${heads}</tr></thead><tbody>${terms.join('')}</tbody>`;
    const tabs = Object.entries(TABS).map(
      ([tab, key]) =>
        `<tr><th scope="row">${escapeHtml(say(`tabs.${tab}`))}</th><td>${sayHtml(key)}</td><td><code>?tab=${tab}</code></td></tr>`,
    );
    this.$('.map').innerHTML = `<tbody>${tabs.join('')}</tbody>`;
    const slips = SLIPS.map((name) => {
      const [title, why] = ['name', 'why'].map((part) => withSubscripts(say(`exercise.slips.${name}.${part}`)));
      return `<li><b>${title}</b> ${why}</li>`;
    });
    this.$('.slips').innerHTML = slips.join('');
  }

  #formulas() {
    const head = ['name', 'ddpm', 'ddim', 'source'].map((key) => `<th scope="col">${sayHtml(`handout.${key}`)}</th>`);
    const name = (/** @type {string} */ key) => `<th scope="row">${sayHtml(`handout.of.${key}`)}</th>`;
    const both = FORMULAS.map(([key, formula, source]) => {
      const lines = Object.values(NOTATIONS).map((alpha) => `<div>${math(formula(alpha))}</div>`);
      return `<tr>${name(key)}<td colspan="2">${lines.join('')}</td><td>${source}</td></tr>`;
    });
    const same = SAME_IN_BOTH.map(
      ([key, tex, source]) => `<tr>${name(key)}<td colspan="2">${math(tex)}</td><td>${source}</td></tr>`,
    );
    return `<thead><tr>${head.join('')}</tr></thead><tbody>${both.join('')}${same.join('')}</tbody>`;
  }
}

customElements.define('explorer-handout', Handout);
