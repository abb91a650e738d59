// The Consistency tab: two grids of latents × S with the similarity below each picture, and a chart of the mean similarity.
import { say, sayHtml } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { fixed } from '../../web/numbers.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { readingsOf } from './readings.js';
import { cellSize, meanLine, numberUnder } from './similarity.js';

/** @typedef {import('./similarity.js').Similarity} Similarity */

const LATENT_SIZE = 44; // px
const NARROW = 700; // px: in narrower windows the grids are stacked
const LINES = {
  0: { text: 'DDIM, η = 0', colour: 'var(--ink)' },
  1: { text: 'DDPM, η = 1', colour: 'var(--noise)' },
};

/** @param {string} eta */
const gridTitle = (eta) =>
  eta === '0' ? `DDIM ${math('\\eta = 0')}` : `DDPM <span class="noise-colour">${math('\\eta = 1')}</span>`;

class Consistency extends Stage {
  static formulas = ['\\eta = 0{:}\\;\\; x_0 = f_\\tau(x_T)', '\\tau{:}\\; T = \\tau_S > \\ldots > \\tau_1 > 0'];

  /** The rows: latents as field values. @type {(string | number)[]} */
  latents = [];
  /** The columns: S. @type {number[]} */
  lengths = [];
  /** By η. @type {Record<string, Similarity>} */
  similarity = {};
  /** The rows and columns that the grids were built for. */
  #built = '';

  receive() {
    this.latents = JSON.parse(this.value.latents);
    this.lengths = JSON.parse(this.value.lengths);
    this.similarity = JSON.parse(this.value.similarity);
  }

  readings() {
    return readingsOf(this.lengths, this.similarity);
  }

  draw() {
    this.#build();
    const size = cellSize(this.$('.grids').clientWidth, this.lengths.length, innerWidth > NARROW);
    for (const grid of this.$$('.grid')) this.#drawGrid(grid, size);
    this.#drawHeading();
    this.#drawChart();
  }

  /** Rebuild the cells when rows or columns have changed. */
  #build() {
    const key = JSON.stringify([this.latents, this.lengths]);
    if (key === this.#built) return;
    this.#built = key;
    for (const grid of this.$$('.grid')) {
      grid.style.setProperty('--n', this.lengths.length);
      grid.innerHTML = this.#cellsOf(grid.dataset.eta);
      this.$$('.seed span', grid).forEach((span, row) => {
        span.textContent = span.title = this.latents[row];
      });
    }
  }

  /** @param {string} eta */
  #cellsOf(eta) {
    const tops = this.lengths.map((S, k) => `<span class="top">${k ? S : `${math('S')} = ${S}`}</span>`);
    const rows = this.latents.map((_, row) => {
      const cells = this.lengths.map((S, k) => {
        const name = `${eta}/${S}/${row}`;
        const button = `<button type="button" class="cell" data-open="${name}" data-column="${k}">`;
        return `${button}<canvas data-name="${name}"></canvas><span></span></button>`;
      });
      const latent = `<canvas data-name="x_T/${row}" role="img"></canvas><span></span>`;
      return `<div class="seed">${latent}</div>${cells.join('')}`;
    });
    return `<h3>${gridTitle(eta)}</h3><span class="top x_T">${math('x_T')}</span>${tops.join('')}${rows.join('')}`;
  }

  /** @param {HTMLElement} grid @param {number} size of a picture */
  #drawGrid(grid, size) {
    const similarity = this.similarity[grid.dataset.eta ?? ''];
    this.$$('.seed canvas', grid).forEach((canvas, row) => {
      this.paint(canvas, canvas.dataset.name, LATENT_SIZE);
      canvas.ariaLabel = say('consistency.latent', { latent: this.latents[row] });
    });
    grid.style.setProperty('--p', `${size}px`);
    for (const cell of this.$$('.cell', grid)) {
      const [canvas, number] = cell.children;
      const [, S, row] = cell.dataset.open.split('/').map(Number);
      const text = numberUnder(similarity, S, Number(cell.dataset.column), row, (v) => fixed(v, 3));
      this.paint(canvas, canvas.dataset.name, size);
      if (number.textContent !== text) number.textContent = text;
      const what = say('consistency.cell', { latent: this.latents[row], steps: S, similarity: text });
      cell.setAttribute('aria-label', say('stage.open', { what }));
    }
  }

  #drawHeading() {
    const last = this.lengths.at(-1);
    const reference = this.similarity[0].reference ?? last;
    const several = this.latents.length > 1;
    let heading = several ? 'consistency.similarity_several' : 'consistency.similarity';
    if (reference !== last) heading = several ? 'consistency.waiting_several' : 'consistency.waiting';
    const text = sayHtml(heading, { reference, last, latents: this.latents.length });
    const meanOf = say(`consistency.mean_of_${this.value.mean_of}`);
    write(this.$('.similarity h3'), `${text} <span class="more">· ${meanOf}</span>`);
  }

  #drawChart() {
    const { lengths } = this;
    const last = lengths.length - 1;
    const lines = Object.entries(LINES).map(([eta, { text, colour }]) => {
      const points = meanLine(lengths, this.similarity[eta]);
      const at = points.at(lengths.length > 2 ? -2 : -1);
      const label = at && points.length > 1 ? { at, dy: at[1] < 0.3 ? -10 : 18, text } : null;
      return { points, colour, label };
    });
    const anchors = lengths.map((_, k) => ({ 0: 'start', [last]: 'end' })[k] ?? 'middle');
    const { svg } = chart({
      width: Math.max(260, this.$('.plot').clientWidth),
      height: 168,
      xRange: [Math.log(lengths[0]), Math.log(lengths[last])],
      yRange: [-0.1, 1.02],
      yTicks: [0, 0.5, 1],
      xTicks: lengths.map((S, k) => [Math.log(S), k ? S : `S = ${S}`, anchors[k]]),
      lines,
      dots: lines.flatMap((line) => line.points),
    });
    write(this.$('.plot'), svg);
  }

  openInSteps(button) {
    const [eta, S, row] = (button.dataset.open ?? '').split('/').map(Number);
    return { seed: this.latents[row], steps: S, eta, noise_seed: this.value.settings.noise_seed + row };
  }
}

customElements.define('explorer-consistency', Consistency);
