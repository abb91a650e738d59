// The Forward tab: a real picture noised to any t.
// The browser computes x_t, so the slider needs no request to the server.
import { listenToKeys, transportKeys } from '../../web/keys.js';
import { say, sayHtml, sentence, sentences } from '../../web/localize.js';
import { formula, math } from '../../web/math.js';
import { digits, fixed, floats } from '../../web/numbers.js';
import { listen, setView } from '../../web/page_state.js';
import { drawCursor, write } from '../../web/plot.js';
import { RealPicture } from '../../web/real_picture.js';
import { Stage } from '../../web/stage.js';
import { ALPHA, coloured, X_PREV, X_T } from '../../web/symbols.js';
import { bellChart, lossChart, pathsChart, PIXEL_COLOURS } from './charts.js';
import { jumpAt, posterior } from './gaussians.js';
import { readingsOf } from './readings.js';
import { mixPictures, pixelAt, signedPicture } from './pictures.js';

const JUMP =
  `${X_T} = ${coloured('x0', `\\sqrt{${ALPHA}}\\,x_0`)} + ` + coloured('noise', `\\sqrt{1-${ALPHA}}\\,\\varepsilon`);
const USUAL_T = 300;
const KEY_STEP = 10; // time steps for an arrow key

/**
 * The processes with these marginals, by name: Markov as in DDPM, or the η of a non-Markovian one.
 * @type {Record<string, string>}
 */
const PROCESSES = {
  markov: 'forward.markov',
  1: 'forward.backwards',
  0.5: 'forward.between',
  0: 'forward.fixed',
};
const NAMES = ['markov', '1', '0.5', '0']; // an array, because an object would reorder numeric keys
/** @param {string} name of a process */
const titleOf = (name) => (name === 'markov' ? say('forward.markov_name') : math(`\\eta = ${name}`));

/** The rows of the table: what they say, and their number of a process. @type {[string, (process: any) => string][]} */
const ROWS = [
  ['forward.mean', ({ mean }) => fixed(mean, 3)],
  ['forward.variance', ({ variance }) => fixed(variance, 3)],
  ['forward.largest', ({ largest }) => fixed(largest, 2)],
  ['forward.correlation', ({ correlation }) => fixed(correlation, 3)],
  ['paths.length', ({ straightness }) => fixed(straightness, 2)],
];

class Forward extends Stage {
  static formulas = [JUMP, `\\mathrm{Var}(${X_T}) = ${ALPHA}\\,\\mathrm{Var}(x_0) + 1-${ALPHA}`];

  /** The time step on the screen. */
  t = USUAL_T;
  x0 = new Float32Array();
  eps = new Float32Array();
  alphaBar = new Float32Array();
  /** @type {number[]} */
  tau = [];
  /** Whose paths are drawn. @type {import('./charts.js').Pixel[]} */
  pixels = [];
  /** @type {Record<string, any>} */
  processes = {};
  /** @type {{ curve: import('../../web/chart.js').Point[], note: any }} */
  loss = { curve: [], note: '' };
  /** The charts over t, each with what holds it. @type {[HTMLElement, import('../../web/chart.js').Chart][]} */
  overTime = [];
  /** Whether the parts that do not depend on t have been drawn. */
  #fixedPartDrawn = false;

  prepare() {
    this.time = this.$('.time');
    this.realPicture = new RealPicture(this, { field: 'real', made: 'real.made' });
    this.$('.four').innerHTML = NAMES.map(
      (name) => `<div data-process="${name}"><h4></h4><div class="plot"></div></div>`,
    ).join('');
    this.time.addEventListener('input', () => this.goTo(Number(this.time.value)));
    this.$('.x_0').addEventListener('click', (/** @type {MouseEvent} */ event) => this.choosePixel(event));
    const moves = transportKeys({
      by: (n) => this.goTo(this.t + KEY_STEP * n),
      first: () => this.goTo(0),
      last: () => this.goTo(this.value?.T),
      says: ['keys.time', 'keys.zero'],
    });
    listenToKeys(this.tab, moves, { inFront: () => this.inFront, range: this.time });
    const forget = () => {
      this.#fixedPartDrawn = false;
    };
    listen('words', forget);
    window.addEventListener('resize', forget);
  }

  /** @param {URLSearchParams} query */
  look(query) {
    const t = Math.round(Number(query.get('t_forward') ?? USUAL_T));
    this.t = this.#inside(Number.isFinite(t) ? t : USUAL_T);
  }

  receive() {
    const { value } = this;
    this.x0 = floats(value.x_0);
    this.eps = floats(value.eps);
    this.alphaBar = floats(value.alpha_bar);
    this.tau = JSON.parse(value.tau);
    this.pixels = JSON.parse(value.pixels);
    this.processes = JSON.parse(value.processes);
    this.loss = JSON.parse(value.loss);
    this.time.max = value.T;
    this.t = this.#inside(this.t);
    this.#fixedPartDrawn = false;
    this.$('[name="pixels"]').placeholder = this.#pixelNames().join(', ');
  }

  resized() {
    this.#fixedPartDrawn = false;
    super.resized();
  }

  /** @param {number} t */
  #inside(t) {
    return Math.max(0, Math.min(this.value?.T ?? Infinity, t));
  }

  /** @param {number} t */
  goTo(t) {
    if (!this.value) return;
    this.t = this.#inside(Math.round(t));
    setView({ t_forward: this.t });
    this.repaint();
  }

  readings() {
    const { t, alphaBar, x0 } = this;
    return readingsOf({ t, alphaBar, x0, loss: this.loss.curve });
  }

  draw() {
    const { value, t, time } = this;
    this.realPicture?.draw(value.examples, (i) => `example/${i}`);
    write(this.$('.say'), sayHtml('forward.lead', { jump: formula(JUMP) }));
    if (!this.#fixedPartDrawn) {
      this.#show(this.$('.eps'), signedPicture(value.shape, this.eps));
      this.drawPaths();
      this.drawLoss();
      this.drawTable();
      this.#fixedPartDrawn = true;
    }
    this.drawJump();
    write(this.$('.T'), `${value.T}`);
    time.value = t;
    time.style.setProperty('--at', `${(100 * t) / value.T}%`);
    time.setAttribute('aria-valuetext', `t = ${t}`);
    this.drawBell();
    for (const [plot, drawn] of this.overTime) drawCursor(plot, drawn, t, []);
  }

  // ---- the pictures ----

  drawJump() {
    const { t, x0, eps } = this;
    const { shape } = this.value;
    const a = Math.sqrt(this.alphaBar[t]);
    const b = Math.sqrt(1 - this.alphaBar[t]);
    this.#show(this.$('.x_0'), mixPictures(shape, x0, eps, 1, 0));
    this.#show(this.$('.x_t'), mixPictures(shape, x0, eps, a, b));
    this.#markPixels();
    write(this.$('[data-of-coefficient="x_0"]'), `${fixed(a, 4)} ×`);
    write(this.$('[data-of-coefficient="eps"]'), `${fixed(b, 4)} ×`);
    this.$('.x_t').ariaLabel = say('forward.noised_aloud', { time: t });
    write(this.$('.now-t'), sayHtml('stage.at_time', { picture: formula(X_T), time: t }));
  }

  /** @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray<ArrayBuffer>} rgba */
  #show(canvas, rgba) {
    const [, height, width] = this.value.shape;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    // the style sheet sets the longer side
    [canvas.style.width, canvas.style.height] = width > height ? ['', 'auto'] : ['auto', ''];
    canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }

  /** Draw a ring around each chosen pixel, on both pictures. */
  #markPixels() {
    const css = getComputedStyle(document.body);
    for (const name of ['.x_0', '.x_t']) {
      const context = this.$(name).getContext('2d');
      context.lineWidth = 1;
      this.pixels.forEach(([row, column], i) => {
        context.strokeStyle = css.getPropertyValue(PIXEL_COLOURS[i]);
        context.strokeRect(column - 1.5, row - 1.5, 4, 4);
      });
    }
  }

  #pixelNames() {
    return this.pixels.map(([row, column]) => `${row}:${column}`);
  }

  /** Choose the clicked pixel; with Ctrl or Command, add it. @param {MouseEvent} event */
  choosePixel(event) {
    if (!this.value) return;
    const box = /** @type {Element} */ (event.target).getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    const here = pixelAt(this.value.shape, x, y);
    const others = this.#pixelNames().filter((name) => name !== here);
    const more = event.ctrlKey || event.metaKey;
    this.change({ pixels: more ? [...others.slice(1 - PIXEL_COLOURS.length), here].join(', ') : here });
  }

  // ---- the charts ----

  /** Draw q_σ(x_prev | x_t, x_0) of the first pixel, with x_t on the screen. */
  drawBell() {
    const [row, column, x0] = this.pixels[0];
    const [, , width] = this.value.shape;
    const pixel = { x0, eps: this.eps[row * width + column] };
    const [from, to] = jumpAt(this.tau, this.t);
    const eta = Number(this.settings.eta);
    /** @param {number} eta */
    const posteriorFor = (eta) => posterior(pixel, this.alphaBar[from], this.alphaBar[to], eta);
    const yours = posteriorFor(eta);
    const symbol = formula(`q_\\sigma(${X_PREV} \\mid ${X_T}, x_0)`);
    const numbers = { yours: digits(eta, 3), mean: fixed(yours.mean, 3), std: fixed(yours.sigma, 3) };
    const plot = this.$('.bell .plot');
    write(this.$('.bell h3'), sayHtml('forward.bell', { posterior: symbol, from, to }));
    write(
      plot,
      bellChart(Math.max(220, plot.clientWidth), { one: posteriorFor(1), half: posteriorFor(0.5), yours }).svg,
    );
    write(this.$('.bell p'), sayHtml('forward.yours', numbers));
  }

  drawPaths() {
    const [one, several] =
      this.value.shape[0] === 3
        ? ['forward.pixel_red', 'forward.pixels_red']
        : ['forward.pixel_grey', 'forward.pixels_grey'];
    const key = this.pixels.length > 1 ? several : one;
    write(this.$('.about-paths'), sayHtml(key, { marginal: formula(`q(${X_T} \\mid x_0)`) }));
    this.overTime = NAMES.map((name) => {
      const box = this.$(`[data-process="${name}"]`);
      const plot = this.$('.plot', box);
      write(this.$('h4', box), `${titleOf(name)} <span class="sub">${sayHtml(PROCESSES[name])}</span>`);
      const width = Math.max(200, plot.clientWidth);
      const drawn = pathsChart(width, this.processes[name], this.pixels, this.alphaBar);
      write(plot, drawn.svg);
      return [plot, drawn];
    });
  }

  drawLoss() {
    const { curve, note } = this.loss;
    const plot = this.$('.loss .plot');
    if (curve.length) {
      const drawn = lossChart(Math.max(240, plot.clientWidth), curve, this.value.T);
      write(plot, drawn.svg);
      this.overTime.push([plot, drawn]);
    } else write(plot, '');
    write(this.$('.loss p'), sentences(sentence(note), sayHtml('forward.marginals')));
  }

  drawTable() {
    const { processes } = this;
    const { walks } = this.value.settings;
    const head = NAMES.map((name) => `<th>${titleOf(name)}</th>`).join('');
    const rows = ROWS.map(([term, numberOf]) => {
      const cells = NAMES.map((name) => `<td>${numberOf(processes[name])}</td>`).join('');
      return `<tr><td>${sayHtml(term)}</td>${cells}</tr>`;
    });
    write(this.$('.table table'), `<tr><td></td>${head}</tr>${rows.join('')}`);
    const { bound } = processes.markov;
    const agree = Math.max(...NAMES.map((name) => processes[name].largest)) < bound;
    const count = NAMES.length * 2 * this.tau.length * this.pixels.length; // a mean and a variance of each
    const marginals = sayHtml(agree ? 'forward.same' : 'forward.beyond', { walks, count, bound: fixed(bound, 2) });
    write(this.$('.told'), sentences(marginals, sayHtml('forward.joint')));
  }
}

customElements.define('explorer-forward', Forward);
