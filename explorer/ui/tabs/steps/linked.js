// Linked highlighting: what stands for the same quantity lights up together. An element names its quantities in data-link; the
// one that is pointed at, tapped or focused lights all that share a quantity with it. Nothing moves for it.
import { PANELS } from './run.js';

/** @param {EventTarget | null} target @returns {string} */
const linkOf = (target) => /** @type {any} */ (target)?.closest?.('[data-link]')?.dataset.link ?? '';

export class LinkedHighlighting {
  #pointedAt = '';
  #focusedOn = '';

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    stage.addEventListener('pointerover', (event) => {
      this.#pointedAt = linkOf(event.target);
      this.light();
    });
    stage.addEventListener('pointerleave', (event) => {
      if (event.pointerType === 'touch') return; // a tap lasts
      this.#pointedAt = '';
      this.light();
    });
    stage.addEventListener('focusin', (event) => {
      this.#focusedOn = linkOf(event.target);
      if (this.#focusedOn) this.#pointedAt = ''; // the newest wins
      this.light();
    });
    stage.addEventListener('focusout', () => {
      this.#focusedOn = '';
      this.light();
    });
  }

  /** Light what is to be lit; also after a redraw, which makes new elements. */
  light() {
    const lit = (this.#pointedAt || this.#focusedOn).split(' ').filter(Boolean);
    this.stage.toggleAttribute('data-lighting', lit.length > 0);
    for (const node of this.stage.querySelectorAll('[data-link]')) {
      const names = /** @type {HTMLElement} */ (node).dataset.link?.split(' ') ?? [];
      node.toggleAttribute(
        'data-lit',
        names.some((name) => lit.includes(name)),
      );
    }
  }

  /** @returns {import('../../web/keys.js').KeyRow[]} */
  get keys() {
    const focus = (key) => {
      const canvas = this.stage.querySelector(`[data-panel="${PANELS[key - 1]}"] canvas`);
      /** @type {HTMLElement} */ (canvas).focus({ preventScroll: true });
    };
    const leave = () => {
      this.#pointedAt = '';
      if (linkOf(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
      this.light();
    };
    return [
      {
        keys: PANELS.map((_, k) => `${k + 1}`),
        says: 'keys.light',
        act: focus,
        when: () => !document.body.dataset.asking,
      },
      { keys: ['Escape'], says: 'keys.dark', act: leave },
    ];
  }
}
