// The Paths tab: points in the plane that are sampled from noise to a Gaussian mixture.
// The density of x_t is drawn behind them, and its score as arrows.
import { customText, customTitle } from '../../web/custom_step.js';
import { listenToKeys, transportKeys } from '../../web/keys.js';
import { say, sayHtml } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, floats } from '../../web/numbers.js';
import { setView } from '../../web/page_state.js';
import { chart, write } from '../../web/plot.js';
import { Stage } from '../../web/stage.js';
import { playClock } from '../../web/transport.js';
import { pointsOf } from './drawing_code.js';
import { DrawingPad } from './drawing_pad.js';
import { firstPaths } from './first_paths.js';
import { noisedMixture, scoreArrows } from './mixture.js';
import { Backdrop, drawPlane } from './plane.js';
import { planesFile } from './planes_file.js';
import { readingsOf } from './readings.js';
import { momentAt, RANGE } from './scales.js';
import { sweepChart } from './sweep.js';

const PER_SECOND = 24;
const ARROWS = 15; // in each row of the score
const SHORTEST_STEP = 1 / 120; // fraction of the run, while it plays
const NAMES = ['0', 'yours', '1', 'mine'];
/** Colour of each run, and the class of its heading. @type {Record<string, [string, string]>} */
const COLOURS = {
  0: ['--ink', ''],
  yours: ['--x0', 'x0-colour'],
  1: ['--noise', 'noise-colour'],
  mine: ['--direction', 'direction-colour'],
};

/** The range of the modes' fractions, in percent. @param {[least: number, most: number]} shares */
const percents = (shares) => `${shares.map((share) => fixed(100 * share, 1)).join('–')} %`;

/** Whether all points of a run are there, and not its first paths alone. @param {any} run */
const isMeasured = (run) => run.energy !== undefined;

class Paths extends Stage {
  static formulas = [
    '\\nabla\\log p_t(x) = -\\frac{\\varepsilon}{\\sqrt{1-\\ab{t}}}',
    'd\\frac{x}{\\sqrt{\\ab{}}} = \\varepsilon\\,d\\sqrt{\\frac{1-\\ab{}}{\\ab{}}}',
  ];

  /** @type {import('./mixture.js').Mixture} */
  mixture = { weights: [], means: [], stds: [] };
  /** The runs by η: 0, the user's, 1. @type {Record<string, any>} */
  runs = {};
  /** @type {import('./sweep.js').Sweep} */
  sweep = {};
  /** The user's own step; null without one. @type {import('../../web/custom_step.js').CustomStatus & { difference: number | null } | null} */
  custom = null;
  /** The number of modes of the mixture. */
  modes = 0;
  alphaBar = new Float32Array([1]);
  /** The coordinates: the plane, or x/√ᾱ over the noise level. @type {'x' | 'ode'} */
  plane = 'x';
  /** The position in the run: 0 is pure noise, 1 the end. */
  at = 1;
  backdrop = new Backdrop();
  /** Identifies the mixture on the screen. */
  data = '';
  /** Arrows of the score at the time step on the screen. @type {import('./mixture.js').Arrow[]} */
  arrows = [];
  /** The plane to draw on. @type {DrawingPad} */
  pad;
  /** Start or stop the clock. @type {(on?: boolean) => void} */
  play = () => {};

  prepare() {
    this.pad = new DrawingPad(this, (drawing) => {
      this.showFirstPaths(drawing);
      this.change({ mixture: 'drawing', drawing });
    });
    this.time = this.$('.time');
    this.withScore = this.$('.with-score');
    this.play = playClock({
      button: this.$('.play'),
      perSecond: PER_SECOND,
      begin: () => {
        if (this.at === 1) this.goTo(0);
        return Boolean(this.runs['0']);
      },
      tick: () => {
        if (!this.inFront || this.at >= 1) return false;
        this.goTo(this.at + Math.max(SHORTEST_STEP, this.#step()));
        return true;
      },
    });
    this.time.addEventListener('input', () => {
      this.play(false);
      this.goTo(this.time.value / 1000);
    });
    const moves = transportKeys({
      by: (n) => this.goTo(this.at + n * this.#step()),
      first: () => this.goTo(0),
      last: () => this.goTo(1),
      play: this.play,
    });
    const halt = () => this.play(false);
    listenToKeys(this.tab, [...moves, ...this.pad.keys], { inFront: () => this.inFront, range: this.time, halt });
    this.$('[name="mixture"][value="drawing"]').addEventListener('change', (/** @type {Event} */ event) => {
      event.stopPropagation(); // a drawing begins with the points of the mixture on the screen
      this.pad.choose(this.mixture.means);
    });
    for (const input of this.$$('[name="plane"]')) {
      input.addEventListener('change', (/** @type {Event} */ event) => {
        event.stopPropagation(); // no new run is needed
        this.plane = input.value;
        setView({ plane: this.plane === 'ode' ? 'ode' : null });
        this.repaint();
      });
    }
    this.withScore.addEventListener('change', (/** @type {Event} */ event) => {
      event.stopPropagation(); // no new run is needed
      this.repaint();
    });
  }

  /** @param {URLSearchParams} query */
  look(query) {
    this.plane = query.get('plane') === 'ode' ? 'ode' : 'x';
    const place = Number(query.get('place') ?? 1);
    this.at = Number.isNaN(place) ? 1 : Math.min(1, Math.max(0, place));
  }

  receive() {
    const { value } = this;
    this.data = `${value.settings.mixture}/${value.settings.drawing}`;
    const [weights, means, stds] = JSON.parse(value.mixture);
    this.mixture = { weights, means, stds };
    this.runs = JSON.parse(value.runs);
    this.sweep = JSON.parse(value.sweep);
    this.custom = JSON.parse(value.custom);
    this.modes = JSON.parse(value.exact).modes;
    this.alphaBar = floats(value.alpha_bar);
    this.pad.presets = JSON.parse(value.presets);
  }

  /** Show the paths of another drawing until those of the server are there, see first_paths.js. @param {string} drawing */
  showFirstPaths(drawing) {
    const run = this.runs['0'];
    const means = pointsOf(drawing);
    if (!run || this.data === `drawing/${drawing}`) return;
    this.data = `drawing/${drawing}`;
    this.mixture = {
      weights: means.map(() => 1 / means.length),
      means,
      stds: means.map(() => this.value.drawing_std),
    };
    const { t } = run;
    const x = firstPaths(this.mixture, { ...run, steps: this.value.settings.steps }, this.alphaBar);
    this.runs = { 0: { t, x }, yours: { t, x: [] }, 1: { t, x: [] } };
    if (this.custom) this.runs.mine = { t, x: [] };
    this.modes = means.length;
    this.repaint();
  }

  /** @param {HTMLButtonElement} button */
  press(button) {
    if (this.pad.press(button)) return;
    const { go } = button.dataset;
    if (!go) return super.press(button);
    if (go === 'play') return this.play();
    this.play(false);
    this.goTo(go === 'first' ? 0 : 1);
  }

  /** The length of one step, as a fraction of the run. */
  #step() {
    return 1 / ((this.runs['0']?.t.length ?? 2) - 1);
  }

  /** @param {number} place */
  goTo(place) {
    this.at = Math.min(1, Math.max(0, place));
    setView({ place: this.at === 1 ? null : Number(this.at.toFixed(3)) });
    this.repaint();
  }

  readings() {
    return readingsOf(this.runs);
  }

  draw() {
    this.pad.draw();
    const first = this.runs['0'];
    if (!first) return;
    const t = first.t[momentAt(first, this.at)];
    this.backdrop.draw(this.mixture, this.alphaBar[t], `${this.data}/${t}/`);
    const hasScore = this.plane === 'x' && this.withScore.checked;
    this.arrows = hasScore ? scoreArrows(noisedMixture(this.mixture, this.alphaBar[t]), ARROWS, RANGE) : [];
    this.$('[data-run="mine"]').hidden = !this.custom;
    for (const name of NAMES) if (name !== 'mine' || this.custom) this.drawRun(name);
    if (this.custom) write(this.$('.custom'), customText(this.custom, this.custom.difference));
    this.time.value = Math.round(1000 * this.at);
    this.time.style.setProperty('--at', `${100 * this.at}%`);
    this.time.setAttribute('aria-valuetext', `t = ${t}`);
    write(this.$('.here'), `t = ${t}`);
    this.drawTable();
    const title = this.$('.sweep h3');
    title.dataset.say = this.isDrawing ? 'paths.sweep_drawn' : 'paths.sweep';
    write(title, sayHtml(title.dataset.say));
    this.drawSweep('.sweep', 'end');
    this.drawSweep('.before', 'before');
  }

  /** @param {string} name */
  drawRun(name) {
    const box = this.$(`[data-run="${name}"]`);
    const canvas = this.$('canvas', box);
    const run = this.runs[name];
    const [colour, colourClass] = COLOURS[name];
    write(this.$('h3', box), `<span class="${colourClass}">${this.titleOf(name)}</span>`);
    const moment = run ? momentAt(run, this.at) : 0;
    const time = run?.t[moment];
    drawPlane(canvas, run, {
      plane: this.plane,
      moment,
      colour,
      opacity: name === '0' || this.plane === 'ode' ? 0.55 : 0.22,
      alphaBar: this.alphaBar,
      backdrop: this.backdrop.canvas,
      score: this.arrows,
    });
    if (run) canvas.setAttribute('aria-label', say('paths.canvas', { n: run.x.length, time }));
  }

  /** @param {string} name */
  titleOf(name) {
    if (name === '0') return `DDIM ${math('\\eta = 0')}`;
    if (name === '1') return `DDPM ${math('\\eta = 1')}`;
    if (name === 'mine' && this.custom) return customTitle(this.custom);
    const { eta: chosen, variance } = this.value.settings;
    const eta = variance === 'large' ? variance : chosen;
    return sayHtml('paths.yours', {
      setting: formula(eta === 'large' ? '\\hat\\sigma' : `\\eta = ${digits(+eta, 3)}`),
    });
  }

  /** Whether the data of the run on the screen are a drawing. */
  get isDrawing() {
    return this.value.settings.mixture === 'drawing';
  }

  drawTable() {
    const names = NAMES.filter((name) => this.runs[name]);
    const { modes } = this;
    /** @type {[string, (run: any) => string][]} */
    const rows = [
      ['paths.length', (run) => fixed(run.straight_ode, 2)],
      ['paths.length_near', (run) => fixed(run.straight_near, 3)],
      ['paths.length_in_plane', (run) => fixed(run.straight, 1)],
      [modes < 10 ? 'paths.shares_of_modes' : 'paths.shares', (run) => percents(run.shares)],
      [this.isDrawing ? 'paths.spread_drawn' : 'paths.spread', (run) => fixed(run.spread, 2)],
      ['paths.energy', (run) => fixed(run.energy, 3).replace('−0.000', '0.000')],
    ];
    const head = names.map((name) => `<th>${this.titleOf(name)}</th>`).join('');
    const body = rows.map(([term, numberOf]) => {
      const cells = names
        .map((name) => `<td>${isMeasured(this.runs[name]) ? numberOf(this.runs[name]) : '…'}</td>`)
        .join('');
      return `<tr><td>${sayHtml(term, { n: modes, s: this.value.near_s })}</td>${cells}</tr>`;
    });
    write(this.$('.table table'), `<tr><td></td>${head}</tr>${body.join('')}`);
    write(this.$('.told'), sayHtml('paths.told', { points: this.value.settings.points }));
  }

  /** @param {string} where @param {import('./sweep.js').Moment} moment */
  drawSweep(where, moment) {
    const plot = this.$(`${where} .plot`);
    const size = { width: Math.max(220, plot.clientWidth), height: 190 };
    write(plot, chart(sweepChart(this.sweep, moment, size)).svg);
  }

  /** @param {string} kind @param {string} settings */
  makeFile(kind, settings) {
    if (kind === 'picture') return planesFile(this.$$('[data-run]:not([hidden])'), settings);
    return super.makeFile(kind, settings);
  }

  /** @param {Record<string, any>} settings */
  showOptions(settings) {
    this.$(`[name="plane"][value="${this.plane}"]`).checked = true;
    this.pad.show(settings);
  }
}

customElements.define('explorer-paths', Paths);
