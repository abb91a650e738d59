// The Consistency tab: two grids of latents × S with the similarity below each picture, and a chart of the mean similarity.
import { say, sayHtml } from '../../web/localize.js';
import { math } from '../../web/math.js';
import { fixed } from '../../web/numbers.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { roundTime } from '../../web/remaining_time.js';
import { readingsOf } from './readings.js';
import { cellSize, dotsOf, labelShifts, meanLine, numberUnder, offers } from './similarity.js';

/** @typedef {import('./similarity.js').Similarity} Similarity */
/** @typedef {import('./similarity.js').Unrelated} Unrelated */

const LATENT_SIZE = 44; // px
const MAX_COLUMNS = 8;
const HEIGHT = 216; // px, of the chart
const MEASURED = 40; // network calls, before a rate is known
const NARROW = 700; // px: in narrower windows the grids are stacked
const LINES = {
  0: { text: 'DDIM, η = 0', colour: 'var(--ink)' },
  1: { text: 'DDPM, η = 1', colour: 'var(--noise)' },
};

/** The height of the lesson's card, 0 without one. */
const heightOfCard = () => Number(document.body.dataset.card ?? 0);

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
  /** Of unrelated pictures; null without held-out pictures. @type {Unrelated | null} */
  unrelated = null;
  /** Seconds of a network call and picture, as last measured. @type {number | null} */
  #pace = null;
  /** The rows and columns that the grids were built for. */
  #built = '';

  receive() {
    this.latents = JSON.parse(this.value.latents);
    this.lengths = JSON.parse(this.value.lengths);
    this.similarity = JSON.parse(this.value.similarity);
    this.unrelated = JSON.parse(this.value.unrelated);
    const { evaluations, seconds } = this.value;
    if (evaluations >= MEASURED) this.#pace = seconds / evaluations;
  }

  readings() {
    return readingsOf(this.lengths, this.similarity);
  }

  draw() {
    this.#build();
    const grids = this.$('.grids');
    const zoom = grids.getBoundingClientRect().width / grids.clientWidth; // in projector mode
    const height = (innerHeight - heightOfCard()) / zoom;
    const size = cellSize(grids.clientWidth, this.lengths.length, innerWidth > NARROW, height);
    for (const grid of this.$$('.grid')) this.#drawGrid(grid, size);
    this.#drawHeading();
    this.#drawChart();
    this.#drawOffers();
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
      const named = say('consistency.reference');
      const text = numberUnder(similarity, S, Number(cell.dataset.column), row, (v) => fixed(v, 3), named);
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
    const { lengths, unrelated } = this;
    const x = lengths.map(Math.log);
    const [first, last] = [x[0], /** @type {number} */ (x.at(-1))];
    const measured = Object.entries(LINES).map(([eta, line]) => ({
      ...line,
      points: meanLine(lengths, this.similarity[eta]),
    }));
    const shifts = labelShifts(
      measured.map(({ points }) => points.at(-1)?.[1] ?? 0),
      0.1,
    );
    const lines = measured.map(({ points, colour, text }, i) => {
      const end = points.at(-1);
      /** @type {[number, number] | null} */
      const at = end ? [end[0] + 0.015 * (last - first), end[1] + shifts[i]] : null;
      return { points, colour, label: at && { at, dy: 4, text, colour } };
    });
    const limit = unrelated && {
      points: /** @type {[number, number][]} */ ([first, last].map((at) => [at, unrelated.quantile])),
      colour: 'var(--ink3)',
      width: 1.25,
      dash: '4 4',
      name: say('consistency.limit'),
    };
    const { reference } = this.similarity[0];
    const { svg } = chart({
      width: Math.max(260, this.$('.plot').clientWidth),
      height: HEIGHT,
      margin: { top: 22, bottom: 38, right: 12 },
      xTitle: say('consistency.x_title'),
      yTitle: say('consistency.y_title'),
      xRange: [first, last],
      yRange: [Math.min(-0.1, unrelated ? unrelated.mean - unrelated.deviation - 0.05 : 0), 1.02],
      yTicks: [0, 0.5, 1],
      xTicks: lengths.map((S, k) => [
        x[k],
        S === reference ? say('consistency.reference_tick', { steps: S }) : S,
        ['start', 'end'][[0, lengths.length - 1].indexOf(k)] ?? 'middle',
      ]),
      bands: unrelated
        ? [
            {
              from: unrelated.mean - unrelated.deviation,
              to: unrelated.mean + unrelated.deviation,
              colour: 'var(--ref)',
            },
          ]
        : [],
      lines: limit ? [limit, ...lines] : lines,
      dots: Object.keys(LINES).flatMap((eta) => dotsOf(lengths, this.similarity[eta])),
    });
    write(this.$('.plot'), svg);
    this.$('.legend').hidden = !unrelated;
    if (!unrelated) return;
    const [mean, deviation, quantile] = [unrelated.mean, unrelated.deviation, unrelated.quantile].map((v) =>
      fixed(Math.abs(v) < 0.005 ? 0 : v, 2),
    );
    write(this.$('.legend'), sayHtml('consistency.unrelated', { mean, deviation, quantile, n: unrelated.pictures }));
  }

  /** Draw the buttons that add a column with more steps, with the time that it takes. */
  #drawOffers() {
    const buttons = offers(this.lengths, this.latents.length, this.value.T, MAX_COLUMNS).map(({ S, calls }) => {
      const time = this.#pace === null ? null : roundTime(calls * this.#pace);
      const text = time
        ? say(`consistency.add_${time.unit}`, { steps: S, n: time.n })
        : say('consistency.add', { steps: S });
      return `<button type="button" class="add" data-steps="${S}">${text}</button>`;
    });
    write(this.$('.offers'), buttons.join(''));
  }

  press(button) {
    const { steps } = button.dataset;
    if (steps === undefined) super.press(button);
    else this.change({ lengths: [...this.lengths, Number(steps)].join(', ') });
  }

  openInSteps(button) {
    const [eta, S, row] = (button.dataset.open ?? '').split('/').map(Number);
    return { seed: this.latents[row], steps: S, eta, noise_seed: this.value.settings.noise_seed + row };
  }
}

customElements.define('explorer-consistency', Consistency);
