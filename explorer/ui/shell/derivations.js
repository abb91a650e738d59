// The derivations of the tab in front, as cards. The numbers of a card are computed by the server when it is opened.
import { backend } from '../web/backend.js';
import { citation, labels } from '../web/citations.js';
import { config } from '../web/config.js';
import { Part } from '../web/dom.js';
import { keepTranslated, localize, say, sayHtml } from '../web/localize.js';
import { math } from '../web/math.js';
import { listen, page } from '../web/page_state.js';
import { expectedText, measuredText } from './derivation_values.js';

/**
 * @typedef {object} Card
 * @property {string} name
 * @property {string} tab
 * @property {boolean} [slip] a common slip, and not a derivation
 * @property {(string | null)[]} formulas TeX below each step; null for none
 * @property {[paper: string, kind: string, number: string][]} sources
 *
 * @typedef {object} Answer of the server function check_derivation
 * @property {'done' | 'error'} state
 * @property {boolean} [passed]
 * @property {import('./derivation_values.js').Value[]} [values]
 * @property {import('../web/localize.js').Message} [message]
 */

/** @type {Card[]} */
const CARDS = await (await fetch(new URL('./derivations.json', import.meta.url))).json();

/** The answer in place of one that did not arrive. @type {Answer} */
const LOST = { state: 'error', message: { say: 'controls.no_answer', values: {} } };

/** How the cards name what they cite, by its key in the references. */
const NAMES = labels(config.references).set('ddim', 'DDIM').set('ddpm', 'DDPM');
/** What is not on arXiv, and so no entry of the references. */
const OTHERS = { bishop: 'Bishop 2006', diffusers: 'diffusers' };

/** A text of a card as HTML. @param {string} card @param {string} part */
const textOf = (card, part) => sayHtml(`derivations.${card}.${part}`);

/** @param {Card} card */
function sourcesOf({ sources }) {
  /** @type {Map<string, string[]>} */
  const places = new Map();
  for (const [paper, kind, n] of sources)
    places.set(paper, [...(places.get(paper) ?? []), ...(kind ? [say(`derivation.${kind}`, { n })] : [])]);
  return [...places]
    .map(([paper, where]) => [citation(paper, NAMES) ?? OTHERS[paper], ...where].join(', '))
    .join(' · ');
}

/** @param {Card} card */
function cardHtml(card) {
  const { name, formulas } = card;
  const steps = formulas.map((tex, i) => {
    const step = `<p>${textOf(name, `s${i + 1}`)}</p>`;
    return tex ? `${step}<div class="formula">${math(`\\displaystyle ${tex}`)}</div>` : step;
  });
  return (
    `<details data-card="${name}"><summary>${textOf(name, 'title')}</summary><div class="body">` +
    `<ol>${steps.map((step) => `<li>${step}</li>`).join('')}</ol>` +
    `<p class="fact"><b>${say('derivation.when')}</b> ${textOf(name, 'when')}</p>` +
    `<p class="fact"><b>${say('derivation.source')}</b> ${sourcesOf(card)}</p>` +
    `<div class="check" role="status"></div></div></details>`
  );
}

class Derivations extends Part {
  #tab = '';
  #checkpoint = '';
  /** The answers by checkpoint and card. @type {Map<string, Answer>} */
  #answers = new Map();
  /** Names of the open cards. @type {Set<string>} */
  #open = new Set();

  connectedCallback() {
    if (this.section) return;
    this.section = this.$('.derivations');
    // the event "toggle" does not bubble
    this.addEventListener('toggle', (event) => this.#toggle(/** @type {HTMLDetailsElement} */ (event.target)), true);
    this.addEventListener('click', (event) => {
      const again = /** @type {Element} */ (event.target).closest('button');
      if (again) this.#check(/** @type {HTMLElement} */ (again.closest('[data-card]')), true);
    });
    listen('settings', () => {
      if (page.tab !== this.#tab) this.#draw();
      else if (page.settings.checkpoint !== this.#checkpoint) this.#checkOpen();
    });
    keepTranslated(this, () => this.#draw());
  }

  #draw() {
    this.#tab = page.tab;
    const cards = CARDS.filter(({ tab }) => tab === page.tab),
      [derivations, slips] = this.$$('.cards');
    const write = (box, some) => {
      box.innerHTML = some.map(cardHtml).join('');
    };
    write(
      derivations,
      cards.filter(({ slip }) => !slip),
    );
    write(
      slips,
      cards.filter(({ slip }) => slip),
    );
    this.$('.slips').hidden = !cards.some(({ slip }) => slip);
    this.section.hidden = cards.length === 0;
    for (const card of this.$$('[data-card]')) card.open = this.#open.has(card.dataset.card);
    this.#checkOpen();
  }

  #checkOpen() {
    this.#checkpoint = page.settings.checkpoint;
    for (const card of this.$$('[data-card][open]')) this.#check(card);
  }

  /** @param {HTMLDetailsElement} card */
  #toggle(card) {
    const name = card.dataset.card ?? '';
    if (card.open) {
      this.#open.add(name);
      this.#check(card);
    } else this.#open.delete(name);
  }

  /**
   * Show the numbers of a card, and ask for them if they are not known.
   * @param {HTMLElement} card
   * @param {boolean} [again] ask although the last answer was an error
   */
  async #check(card, again = false) {
    const { checkpoint } = page.settings,
      name = card.dataset.card ?? '',
      key = JSON.stringify([checkpoint, name]);
    if (!checkpoint) return; // the controls are not there yet
    const known = this.#answers.get(key);
    if (known && !(again && known.state === 'error')) {
      this.#show(card, known, checkpoint);
      return;
    }
    this.#show(card, null, checkpoint);
    const reply = await backend.call('check_derivation', { name, checkpoint }).catch(() => null);
    const answer = reply?.state ? reply : LOST; // Gradio gives the body of a failed request, too
    this.#answers.set(key, answer);
    if (page.settings.checkpoint !== checkpoint) return;
    const drawn = this.$(`[data-card="${name}"]`); // the texts may have been rewritten in the meantime
    if (drawn) this.#show(drawn, answer, checkpoint);
  }

  /**
   * @param {HTMLElement} card
   * @param {Answer | null} answer null while it is awaited
   * @param {string} checkpoint
   */
  #show(card, answer, checkpoint) {
    const box = this.$('.check', card),
      name = card.dataset.card ?? '';
    const state = !answer ? 'waiting' : answer.state === 'error' ? 'error' : answer.passed ? 'confirmed' : 'refuted';
    box.dataset.state = state;
    if (!answer) box.textContent = say('derivation.waiting');
    else if (answer.state === 'error') {
      const again = Object.assign(document.createElement('button'), { type: 'button' });
      again.textContent = say('derivation.again');
      box.replaceChildren(String(localize(answer.message)), ' ', again);
    } else {
      const rows = (answer.values ?? []).map((value) => {
        const what = textOf(name, `v_${value.name}`),
          should = textOf(name, `e_${value.name}`);
        const sign = value.passed ? '✓' : '✗',
          aloud = say(value.passed ? 'derivation.yes' : 'derivation.no');
        return (
          `<tr><th scope="row">${what}</th><td class="measured">${measuredText(value)}</td>` +
          `<td class="expected"><span>${should}</span> ${expectedText(value)}</td>` +
          `<td class="sign" data-passed="${value.passed}"><span role="img" aria-label="${aloud}">${sign}</span></td></tr>`
        );
      });
      const heads = ['derivation.what', 'derivation.computed', 'derivation.expected'].map(
        (head) => `<th scope="col">${say(head)}</th>`,
      );
      box.innerHTML = `<table><thead><tr>${heads.join('')}<td></td></tr></thead><tbody>${rows.join('')}</tbody></table><p class="verdict"></p>`;
      this.$('.verdict', box).textContent = say(`derivation.${state}`, { checkpoint });
    }
  }
}

customElements.define('explorer-derivations', Derivations);
