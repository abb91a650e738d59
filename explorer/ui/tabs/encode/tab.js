// The Encode tab: a real picture, its latent, its reconstruction, and the error over S.
import { Film } from '../../web/film.js';
import { localize, say, sayHtml, sentences } from '../../web/localize.js';
import { formula } from '../../web/math.js';
import { digits, fixed, indexOfNearest } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, write } from '../../web/plot.js';
import { RealPicture } from '../../web/real_picture.js';
import { Stage } from '../../web/stage.js';
import { EPS, X_T } from '../../web/symbols.js';
import { errorChart, errorTable, largerChoices } from './error_views.js';
import { gainTexts } from './gains.js';
import { callsUp, wordOf } from './errors.js';
import { bell, RANGE, stairs } from './histogram.js';
import { readingsOf } from './readings.js';

/** @typedef {import('./errors.js').ErrorsByLength} ErrorsByLength */
/** @typedef {import('./errors.js').ErrorOfLength} ErrorOfLength */

const NARROW = 700; // px: in narrower windows pictures are smaller
const WIDE_TABLE = 690; // px that a table with means beside medians needs
const NORMAL_TOP = 0.45; // slightly above the normal density at 0
const LEGEND_AT = 0.7; // of the histogram's values
const DEFAULT_LARGEST = 100; // S of the table of errors; larger ones are offered
const USUAL_STD = [0.85, 1.15]; // of a latent that resembles Gaussian noise

/** The settings of each choice of the first estimate of ε. */
const FIRST_EPS = {
  plain: { ahead: false, label: 's' },
  'label-t': { ahead: false, label: 't' },
  ahead: { ahead: true, label: 's' },
};

/** The noise level in the variance-exploding parametrisation, √((1-ᾱ)/ᾱ). @param {string} alphaBar */
const noiseLevel = (alphaBar) => `\\sqrt{\\frac{1-${alphaBar}}{${alphaBar}}}`;

/** @param {number | string} picture as a setting */
function kindOf(picture) {
  if (picture === 'made') return 'made';
  return typeof picture === 'number' ? 'held_out' : 'own';
}

class Encode extends Stage {
  static formulas = [
    `\\frac{x_s}{\\sqrt{\\ab{s}}} = \\frac{${X_T}}{\\sqrt{\\ab{t}}} + ` +
      `\\left(${noiseLevel('\\ab{s}')} - ${noiseLevel('\\ab{t}')}\\right) ${EPS}`,
  ];

  /** t of each column, ascending from 0. @type {number[]} */
  times = [];
  /** Measurements of the reconstruction and the latent. @type {Record<string, any>} */
  facts = {};
  /** The errors of this picture, by inversion and S. @type {Record<string, ErrorsByLength>} */
  table = {};
  /** The errors of the paper. @type {ErrorOfLength[]} */
  paper = [];
  /**
   * The errors of held-out pictures, by inversion, and a note where there are none.
   * @type {{ errors: Record<string, import('./errors.js').HeldOutByLength>, note: any }}
   */
  measured = { errors: {}, note: '' };
  /** @type {Film} */
  film;
  /** @type {RealPicture} */
  real;
  /** The t that the user has chosen. @type {number | null} */
  wish = null;

  prepare() {
    this.film = new Film(this, { onMove: (k) => this.moved(k) });
    this.real = new RealPicture(this, { field: 'picture', made: 'real.made_by_settings' });
    this.$('.first-eps').addEventListener('change', (event) => {
      event.stopPropagation(); // it is two settings
      this.change(FIRST_EPS[/** @type {HTMLInputElement} */ (event.target).value]);
    });
  }

  showOptions({ ahead, label }) {
    const chosen = ahead ? 'ahead' : label === 't' ? 'label-t' : 'plain';
    this.$(`.first-eps [value="${chosen}"]`).checked = true;
  }

  look(query) {
    this.wish = query.has('moment') ? Number(query.get('moment')) : null;
  }

  receive() {
    const { value } = this;
    this.times = JSON.parse(value.times);
    this.facts = JSON.parse(value.facts);
    this.table = JSON.parse(value.table);
    this.paper = JSON.parse(value.paper);
    this.measured = JSON.parse(value.measured);
    this.film.at = indexOfNearest(this.times, this.wish ?? (this.times.at(-1) ?? 0) / 2);
  }

  /** @param {number} k */
  moved(k) {
    this.wish = this.times[k];
    setView({ moment: this.wish });
  }

  readings() {
    return readingsOf(this.facts, this.table[this.value.inversion] ?? {});
  }

  draw() {
    this.real.draw(this.value.examples, (i) => `example/${i}`);
    this.#drawTrip();
    this.#drawFilm();
    this.#drawErrors();
    this.#drawReconstructions();
    this.#drawValues();
  }

  /** Draw the picture, its latent, its reconstruction and the difference. */
  #drawTrip() {
    const { facts } = this;
    const { settings, shape } = this.value;
    const kind = kindOf(settings.picture);
    const size = innerWidth > NARROW ? 192 : 128;
    for (const canvas of this.$$('.trip canvas')) this.paint(canvas, canvas.dataset.name, size);
    write(this.$('.first-title'), sayHtml(`encode.first.${kind}`, { picture: settings.picture }));
    write(this.$('.first'), sayHtml(`encode.about.${kind}`, { width: shape[2], height: shape[1] }));
    write(this.$('.up-calls'), say('encode.calls', { calls: callsUp(settings.steps, settings) }));
    write(this.$('.down-calls'), say('encode.calls', { calls: settings.steps }));
    write(this.$('.latent'), this.#aboutLatent());
    this.#reserve('.again', facts.mse, sayHtml('encode.error', { error: digits(facts.mse ?? 0, 2) }));
    this.#reserve('.largest', facts.largest, sayHtml('encode.largest', { largest: fixed(facts.largest ?? 0, 3) }));
  }

  /**
   * Write a text that has its place before its number is known, so that nothing moves when it comes.
   * @param {string} selector
   * @param {number | undefined} number
   * @param {string} html
   */
  #reserve(selector, number, html) {
    const target = this.$(selector);
    write(target, html);
    target.style.visibility = number === undefined ? 'hidden' : '';
  }

  /** Draw the statistics of the latent, and the buttons that use it. */
  #aboutLatent() {
    const { mean, std } = this.facts;
    const known = std !== undefined;
    const moments = sayHtml('encode.moments', { mean: fixed(mean ?? 0, 3), std: fixed(std ?? 1, 3) });
    const uses = [
      ['steps', say('tabs.steps')],
      ['a', say('encode.as_a')],
      ['b', say('encode.as_b')],
    ].map(([use, text]) => `<button type="button" data-use="${use}"${known ? '' : ' disabled'}>${text}</button>`);
    const text = `${moments}<br>${say('encode.of_noise')}<br>${this.value.latent ? uses.join('') : ''}`;
    return known ? text : `<span style="visibility: hidden">${text}</span>`;
  }

  #drawFilm() {
    const { times } = this;
    const lanes = [
      { name: 'up', title: say('encode.lane_up'), text: say('encode.rightwards') },
      { name: 'down', title: say('encode.lane_down'), text: say('encode.leftwards') },
    ];
    write(this.$('.what'), sayHtml('stage.at_time', { picture: formula(X_T), time: times[this.film.at] }));
    this.film.draw(
      lanes,
      times,
      (lane, k) => `${lane.name}/${times[k]}`,
      (k) => `t = ${times[k]}`,
    );
  }

  #drawErrors() {
    const { table, paper, measured, value } = this;
    const inversions = Object.keys(table).filter((name) => measured.errors[name]);
    const heldOut = Object.fromEntries(inversions.map((name) => [name, measured.errors[name]]));
    const errors = { table, heldOut, paper };
    this.$('.low').dataset.ways = String(Object.keys(table).length);
    const plot = this.$('.errors .plot');
    write(plot, errorChart(errors, Math.max(320, plot.clientWidth)));
    write(this.$('table'), errorTable(errors, value.settings.steps, this.stage.clientWidth < WIDE_TABLE));
    const offered = value.offered.filter((S) => S > Math.min(DEFAULT_LARGEST, Math.max(...value.lengths)));
    write(this.$('.larger'), largerChoices({ offered, lengths: value.lengths, inversions: Object.keys(table) }));
    const note = measured.note === '' ? '' : sayHtml('encode.not_measured', { note: localize(measured.note) });
    write(this.$('.bought'), gainTexts({ ...value, table, heldOut: measured.errors }) + note);
  }

  /** Draw the reconstructions for every S. */
  #drawReconstructions() {
    const size = innerWidth > NARROW ? 96 : 64;
    const rows = Object.keys(this.table).map((inversion) => {
      const name = say(`encode.way.${wordOf(inversion)}`);
      const figures = this.value.lengths.map((S) => this.#reconstructionFigure(inversion, S, name));
      return `<div class="row"><h4>${name}</h4>${figures.join('')}</div>`;
    });
    write(this.$('.returns .rows'), rows.join(''));
    for (const canvas of this.$$('.returns canvas')) {
      const [, inversion, S] = canvas.dataset.name.split('/');
      const error = this.table[inversion][S];
      this.paint(canvas, canvas.dataset.name, size);
      write(this.$('b', canvas.closest('figure')), error === undefined ? '&nbsp;' : digits(error, 2));
    }
  }

  /** @param {string} inversion @param {number} S @param {string} name of the inversion */
  #reconstructionFigure(inversion, S, name) {
    const here = S === this.value.settings.steps ? ' data-here' : '';
    const aloud = say('encode.return_aloud', { way: name, steps: S });
    const canvas = `<canvas data-name="back/${inversion}/${S}"></canvas>`;
    const caption = `<figcaption><span>${sayHtml('encode.return', { steps: S })}</span><b></b></figcaption>`;
    const button = `<button type="button" data-steps="${S}"${here} aria-label="${aloud}">${canvas}</button>`;
    return `<figure>${button}${caption}</figure>`;
  }

  /** Draw the histogram of the latent's values with the normal density. */
  #drawValues() {
    const { histogram, norm, std } = this.facts;
    const plot = this.$('.noise .plot');
    const top = 1.05 * Math.max(NORMAL_TOP, ...(histogram ?? []));
    /**
     * A line with its name in the corner.
     * @returns {import('../../web/chart.js').Line}
     */
    const named = (points, colour, row, text) => {
      const at = /** @type {[number, number]} */ ([LEGEND_AT, top]);
      const label = { at, dy: 12 + 16 * row, text, colour };
      return { points, colour, width: 1.5, label };
    };
    const lines = [named(bell(), 'var(--noise)', 0, say('encode.normal'))];
    if (histogram) lines.push(named(stairs(histogram), 'var(--ink)', 1, say('encode.this_latent')));
    const { svg } = chart({
      width: Math.max(240, plot.clientWidth),
      height: 232,
      margin: { bottom: 38 },
      xRange: [-RANGE, RANGE],
      yRange: [0, top],
      yTicks: [],
      xTicks: [-4, -2, 0, 2, 4].map((v) => [v, digits(v), 'middle']),
      xTitle: say('encode.axis_value'),
      lines,
    });
    write(plot, svg);
    const isFar = std < USUAL_STD[0] || std > USUAL_STD[1];
    const text = sentences(
      sayHtml('encode.norm', { norm: fixed(norm ?? 1, 3) }),
      sayHtml(isFar || !histogram ? 'encode.far' : 'encode.close'),
    );
    this.#reserve('.noise p', norm, text);
  }

  press(button) {
    const { steps, use, largest } = button.dataset;
    if (steps) this.change({ steps: Number(steps) });
    else if (largest) this.change({ largest: this.#nextLargest(Number(largest)), every_steps: false });
    else if (use) this.#useLatent(use);
    else super.press(button);
  }

  /** The largest S of the table after a click on a choice: the one before it, if it is the largest already. @param {number} S */
  #nextLargest(S) {
    const { offered, lengths } = this.value;
    return S === Math.max(...lengths) ? Math.max(...offered.filter((other) => other < S)) : S;
  }

  /** @param {string} use Steps, or an end of Interpolate: "a" or "b" */
  #useLatent(use) {
    const { latent } = this.value;
    if (!latent) return;
    if (use === 'steps') this.change({ tab: 'steps', seed: latent, eta: 0, variance: 'eta' });
    else this.change({ tab: 'interpolate', way: 'ends', [use]: latent });
  }
}

customElements.define('explorer-encode', Encode);
