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
import { errorChart, errorTable } from './error_views.js';
import { callsUp, wordOf } from './errors.js';
import { bell, RANGE, stairs } from './histogram.js';
import { readingsOf } from './readings.js';

/** @typedef {import('./errors.js').ErrorsByLength} ErrorsByLength */
/** @typedef {import('./errors.js').ErrorOfLength} ErrorOfLength */

const NARROW = 700; // px: in narrower windows pictures are smaller
const NORMAL_TOP = 0.45; // slightly above the normal density at 0
const USUAL_STD = [0.85, 1.15]; // of a latent that resembles Gaussian noise

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
   * The mean errors of held-out pictures, by inversion, and a note about them.
   * @type {{ errors: Record<string, ErrorOfLength[]>, note: any }}
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
    const isBack = facts.mse !== undefined;
    for (const canvas of this.$$('.trip canvas')) this.paint(canvas, canvas.dataset.name, size);
    write(this.$('.first-title'), sayHtml(`encode.first.${kind}`, { picture: settings.picture }));
    write(this.$('.first'), sayHtml(`encode.about.${kind}`, { width: shape[2], height: shape[1] }));
    write(this.$('.up-calls'), say('encode.calls', { calls: callsUp(settings.steps, settings) }));
    write(this.$('.down-calls'), say('encode.calls', { calls: settings.steps }));
    write(this.$('.latent'), this.#aboutLatent());
    write(this.$('.again'), isBack ? sayHtml('encode.error', { error: digits(facts.mse, 2) }) : '');
    const largest = facts.largest === undefined ? '' : sayHtml('encode.largest', { largest: fixed(facts.largest, 3) });
    write(this.$('.largest'), largest);
  }

  /** Draw the statistics of the latent, and the buttons that use it. */
  #aboutLatent() {
    const { mean, std } = this.facts;
    if (std === undefined) return '';
    const moments = sayHtml('encode.moments', { mean: fixed(mean, 3), std: fixed(std, 3) });
    const uses = [
      ['steps', say('tabs.steps')],
      ['a', say('encode.as_a')],
      ['b', say('encode.as_b')],
    ].map(([use, text]) => `<button type="button" data-use="${use}">${text}</button>`);
    return `${moments}<br>${say('encode.of_noise')}<br>${this.value.latent ? uses.join('') : ''}`;
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
    const { table, paper, measured } = this;
    const inversions = Object.keys(table).filter((name) => measured.errors[name]);
    const means = Object.fromEntries(inversions.map((name) => [name, measured.errors[name]]));
    const errors = { table, means, paper };
    const plot = this.$('.errors .plot');
    write(plot, errorChart(errors, Math.max(260, plot.clientWidth)));
    write(this.$('table'), errorTable(errors, this.value.settings.steps));
    const note = sayHtml('encode.mean_of', { note: localize(measured.note) });
    write(this.$('.bought'), sentences(this.#gain(), note));
  }

  /** The gain of the chosen inversion over the plain one, and its cost, at S = 10. */
  #gain() {
    const { settings, inversion } = this.value;
    const ratio = this.table.plain[10] / this.table[inversion][10];
    if (Object.keys(this.table).length < 2 || !(ratio > 0)) return '';
    const how = say(`encode.how.${wordOf(inversion)}`);
    const times = digits(Math.max(ratio, 1 / ratio), 2);
    const calls = digits((callsUp(10, settings) + 10) / 20, 3);
    return sayHtml(ratio >= 1 ? 'encode.bought' : 'encode.overshot', { how, times, calls });
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
      write(this.$('b', canvas.closest('figure')), error === undefined ? '' : digits(error, 2));
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
    if (!histogram) return write(plot, '');
    const { svg } = chart({
      width: Math.max(240, plot.clientWidth),
      height: 232,
      xRange: [-RANGE, RANGE],
      yRange: [0, 1.05 * Math.max(NORMAL_TOP, ...histogram)],
      yTicks: [],
      xTicks: [-4, -2, 0, 2, 4].map((v) => [v, digits(v), 'middle']),
      lines: [
        { points: bell(), colour: 'var(--noise)', width: 1.5, name: say('encode.normal') },
        { points: stairs(histogram), colour: 'var(--ink)', width: 1.5, name: say('encode.this_latent') },
      ],
    });
    write(plot, svg);
    const isFar = std < USUAL_STD[0] || std > USUAL_STD[1];
    const distance = say(isFar ? 'encode.far' : 'encode.close');
    write(this.$('.noise p'), sentences(sayHtml('encode.norm', { norm: fixed(norm, 3) }), distance));
  }

  press(button) {
    const { steps, use } = button.dataset;
    if (steps) this.change({ steps: Number(steps) });
    else if (use) this.#useLatent(use);
    else super.press(button);
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
