// Film strips: rows of pictures with a shared scrubber. Each row has a text, the picture at the scrubber, and its strip.
import { say } from './localize.js';
import { textOf } from './math.js';
import { listenToKeys, transportKeys } from './keys.js';
import { write } from './plot.js';
import { GAP, stripLayout } from './strip_layout.js';
import { playClock } from './transport.js';

const FRAMES_A_SECOND = 8;

/**
 * @typedef {object} Lane one row
 * @property {string} name
 * @property {string} title HTML
 * @property {string} text HTML
 * @property {string} [extra] HTML beside the strip; a canvas in it has the name of its picture in data-name
 */

export class Film {
  /** The column at the scrubber. */
  at = -1;
  /** The number of columns. */
  columns = 0;
  #key = '';

  /**
   * @param {import('./stage.js').Stage} host
   * @param {object} [options]
   * @param {(k: number) => void} [options.onMove] called when the user selects column k
   * @param {import('./keys.js').KeyRow[]} [options.keys] of the tab, in addition to those of the strip
   */
  constructor(host, { onMove = () => {}, keys = [] } = {}) {
    this.host = host;
    this.onMove = onMove;
    this.slider = host.$('.at');
    this.box = host.$('.lanes');
    this.play = playClock({
      button: host.$('.play'),
      perSecond: FRAMES_A_SECOND,
      begin: () => {
        if (this.at === this.columns - 1) this.goTo(0);
        return true;
      },
      tick: () => {
        if (!host.inFront || this.at === this.columns - 1) return false;
        this.goTo(this.at + 1);
        return true;
      },
    });
    this.slider.addEventListener('input', () => this.#halted(+this.slider.value));
    host.addEventListener('click', (event) => this.#click(/** @type {Element} */ (event.target)));
    const moves = {
      by: (n) => this.goTo(this.at + n),
      first: () => this.goTo(0),
      last: () => this.goTo(this.columns - 1),
      play: this.play,
    };
    const when = { inFront: () => host.inFront, range: this.slider, halt: () => this.play(false) };
    listenToKeys(host.tab, [...transportKeys(moves), ...keys], when);
  }

  /** @param {number} k @param {boolean} [quiet] do not call onMove */
  goTo(k, quiet = false) {
    const to = Math.max(0, Math.min(this.columns - 1, k));
    if (to === this.at) return;
    this.at = to;
    if (!quiet) this.onMove(to);
    this.host.repaint();
  }

  #halted(k) {
    this.play(false);
    this.goTo(k);
  }

  /** @param {Element} target */
  #click(target) {
    const thumb = /** @type {HTMLElement | null} */ (target.closest('[data-column]'));
    const go = /** @type {HTMLElement | null} */ (target.closest('[data-go]'))?.dataset.go;
    if (thumb) this.#halted(Number(thumb.dataset.column));
    if (go === 'play') this.play();
    else if (go) this.#halted(go === 'first' ? 0 : this.columns - 1);
  }

  /**
   * @param {Lane[]} lanes
   * @param {(string | number)[]} columns labels
   * @param {(lane: Lane, column: number) => string} cell the name of a picture
   * @param {(column: number) => string} label of a picture for screen readers
   */
  draw(lanes, columns, cell, label) {
    this.#build(lanes, columns);
    const { host } = this,
      { $, $$ } = selectors;
    this.at = Math.max(0, Math.min(columns.length - 1, this.at));
    const { size, pitch } = this.#layOut(columns.length);
    const now = parseFloat(getComputedStyle(host.stage).getPropertyValue('--now'));
    lanes.forEach((lane, i) => {
      const row = this.box.children[i];
      for (const [part, html] of [
        ['h3', lane.title],
        ['p', lane.text],
        ['.extra', lane.extra ?? ''],
      ])
        write($(part, row), html);
      host.paint($('.now canvas', row), cell(lane, this.at), now);
      const what = `${textOf($('h3', row))}, ${label(this.at)}`;
      $('.now', row).setAttribute('aria-label', say('stage.open', { what }));
      [...$('.frames', row).children].forEach((button, k) => {
        host.paint(button.firstChild, cell(lane, k), size);
        button.toggleAttribute('data-here', k === this.at);
        button.setAttribute('aria-label', label(k));
      });
      for (const canvas of $$('.extra canvas', row)) host.paint(canvas, canvas.dataset.name, 64);
    });
    this.#drawRuler(columns, pitch, label(this.at));
  }

  #build(lanes, columns) {
    const key = JSON.stringify([lanes.map((lane) => lane.name), columns.length]);
    if (key === this.#key) return;
    this.#key = key;
    this.columns = columns.length;
    this.slider.max = Math.max(1, columns.length - 1);
    this.host.$('.labels').replaceChildren(...columns.map(() => document.createElement('span')));
    this.box.replaceChildren(...lanes.map(({ name }) => rowOf(name, columns.length)));
  }

  /**
   * Lay out the strips and the ruler above them.
   * @param {number} n the number of pictures of a strip
   * @returns {{ size: number, pitch: number }} of a picture, and from one mark of the ruler to the next, in px
   */
  #layOut(n) {
    const { stage } = this.host;
    const { size, columns } = stripLayout(n, selectors.$('.frames', this.box).clientWidth);
    const width = columns * (size + GAP);
    const pitch = width / n; // the ruler is one row, however many rows the strip has
    stage.style.setProperty('--thumb', `${size}px`);
    stage.style.setProperty('--in-a-row', String(columns));
    stage.style.setProperty('--strip', `${width - GAP}px`);
    stage.style.setProperty('--mark', `${pitch - GAP}px`);
    return { size, pitch };
  }

  #drawRuler(columns, pitch, label) {
    const every = Math.ceil(34 / pitch);
    [...this.host.$('.labels').children].forEach((span, k) => {
      const here = k === this.at,
        clear = here || Math.abs(k - this.at) * pitch > 44;
      span.textContent = clear && (k % every === 0 || here) ? columns[k] : '';
      span.toggleAttribute('data-here', here);
    });
    this.slider.value = this.at;
    this.slider.style.setProperty('--at', `${(100 * this.at) / Math.max(1, columns.length - 1)}%`);
    this.slider.setAttribute('aria-valuetext', label);
  }
}

const selectors = {
  /** @param {string} selector @param {ParentNode} inside @returns {any} */
  $: (selector, inside) => inside.querySelector(selector),
  /** @param {string} selector @param {ParentNode} inside @returns {any[]} */
  $$: (selector, inside) => [...inside.querySelectorAll(selector)],
};

/** @param {string} name @param {number} count */
function rowOf(name, count) {
  const row = document.createElement('div');
  row.className = 'lane';
  row.dataset.lane = name;
  const frames = Array.from({ length: count }, (_, k) => {
    return `<button type="button" tabindex="-1" data-column="${k}"><canvas></canvas></button>`;
  });
  row.innerHTML =
    `<div class="about"><h3></h3><p></p></div><button type="button" class="now" data-open="${name}"><canvas></canvas></button>` +
    `<div class="frames" role="presentation">${frames.join('')}</div><div class="extra"></div>`;
  return row;
}
