// What a text of the lesson is about: it is outlined, and the page scrolls to where it is seen beside the card.
//
// The targets may appear late, be drawn anew, and move while a run fills the page. The page follows them until the user scrolls.
import { fittingSpan, scrollNeeded } from './placement.js';

const MARK = 'data-spot'; // see lesson.css
const MARGIN = 10; // px around the target: the outline and a little air
const ROUNDING = 1.5; // px by which a place may be off

export class Spotlight {
  #tab = '';
  /** @type {string[]} */
  #selectors = [];
  /** The element of the tab, once it is there. @type {Element | null} */
  #root = null;
  /** Whether the page still follows the targets. */
  #follows = false;
  #isWaiting = false;
  #layout = layoutOfPage();
  /** Where the first target was on the page, and how far the page was scrolled, after the last look. */
  #last = { target: NaN, scroll: NaN };
  #changes = new MutationObserver(() => this.#look());
  #sizes = new ResizeObserver(() => this.#look());

  /**
   * @param {HTMLElement} card what must not cover the targets
   * @param {Element} page all tabs and the card
   */
  constructor(card, page) {
    this.card = card;
    this.page = page;
    const letGo = () => {
      this.#follows = false;
    };
    for (const event of ['wheel', 'touchmove']) window.addEventListener(event, letGo, { passive: true });
    window.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    window.addEventListener('resize', () => this.#resized());
  }

  /**
   * Point at elements of a tab, in place of those before.
   * @param {string} tab
   * @param {string[]} selectors the most important first; none to point at nothing
   */
  point(tab, selectors) {
    this.#changes.disconnect();
    this.#sizes.disconnect();
    this.#tab = tab;
    this.#selectors = selectors;
    this.#root = null;
    this.#follows = selectors.length > 0;
    this.#last = { target: NaN, scroll: NaN };
    this.#mark();
    if (!selectors.length) return;
    this.#changes.observe(this.page, { childList: true, subtree: true });
    this.#sizes.observe(this.card);
    this.#look();
  }

  /** Follow the targets again in another layout, but not because the bars of a phone's browser come and go. */
  #resized() {
    const layout = layoutOfPage();
    if (layout !== this.#layout) this.#follows = this.#selectors.length > 0;
    this.#layout = layout;
    this.#look();
  }

  /** Look where the targets are, in the next frame. */
  #look() {
    if (this.#isWaiting || !this.#selectors.length) return;
    this.#isWaiting = true;
    requestAnimationFrame(() => {
      this.#isWaiting = false;
      const targets = this.#mark();
      if (targets.length && this.#follows) this.#scrollTo(targets);
    });
  }

  #findRoot() {
    this.#root = this.page.querySelector(`explorer-${this.#tab}`);
    for (const part of this.#root?.querySelectorAll('.stage, .stage > *') ?? []) this.#sizes.observe(part);
  }

  /** Outline the targets, and no longer what was outlined before. @returns {Element[]} those that can be seen */
  #mark() {
    if (!this.#root && this.#selectors.length) this.#findRoot();
    const targets = this.#selectors.flatMap((selector) => [...(this.#root?.querySelectorAll(selector) ?? [])]);
    for (const marked of this.page.querySelectorAll(`[${MARK}]`))
      if (!targets.includes(marked)) marked.removeAttribute(MARK);
    for (const target of targets) target.toggleAttribute(MARK, true);
    return targets.filter((target) => target.getClientRects().length);
  }

  /** @param {Element[]} targets */
  #scrollTo(targets) {
    const spans = targets.map((target) => spanOf(target));
    const free = { top: 0, bottom: Math.min(innerHeight, this.card.getBoundingClientRect().top) };
    const by = scrollNeeded(fittingSpan(spans, free.bottom), free);
    const target = spans[0].top + scrollY;
    if (Math.abs(by) > ROUNDING) window.scrollTo({ top: scrollY + by, behavior: 'instant' });
    this.#last = { target, scroll: scrollY };
  }

  /** The page was scrolled: by us, by the browser because something above has changed its height, or by the user. */
  #scrolled() {
    const target = this.#follows && this.#root?.querySelector(this.#selectors[0]);
    if (!target || Number.isNaN(this.#last.scroll)) return;
    const hasMoved = Math.abs(spanOf(target).top + scrollY - this.#last.target) > ROUNDING;
    if (hasMoved) this.#look();
    else if (Math.abs(scrollY - this.#last.scroll) > ROUNDING) this.#follows = false;
  }
}

/** @param {Element} target */
function spanOf(target) {
  const { top, bottom } = target.getBoundingClientRect();
  return { top: top - MARGIN, bottom: bottom + MARGIN };
}

/** The layout of the page: its width, and whether it is that of the projector mode. */
const layoutOfPage = () => `${innerWidth} ${document.body.hasAttribute('data-projector')}`;
