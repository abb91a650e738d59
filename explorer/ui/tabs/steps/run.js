// A run as it arrives: the plan first, then rows of numbers and preview frames, at the end the sheet. Texts only ever grow. No DOM.

/**
 * @typedef {object} Step of the plan: the paper's numbers of one line of Eq. 12
 * @property {number} t
 * @property {number} t_prev
 * @property {number} alpha_bar
 * @property {number} alpha_bar_prev
 * @property {number} x0 coefficient of the predicted x_0
 * @property {number} direction coefficient of ε
 * @property {number} sigma
 * @property {number} m of x_t, and
 * @property {number} k of x̂_0, in the other form of the step
 * @property {number} sigma1 σ at η = 1
 * @property {number} sigmaHat DDPM's larger σ
 */

/**
 * @typedef {object} Other the picture of the other η from the same x_T
 * @property {number} eta 1, or 0 where the run itself is DDPM's
 * @property {string} state waiting, running, stopped or ended
 * @property {number} steps S of what the picture shows
 * @property {boolean} isCoarse whether it is a preview with fewer steps than the run has
 * @property {number | null} t the time step whose predicted x_0 the picture shows; null for a final picture or none
 * @property {number} evaluations of the network for it; 0 if it was cached
 * @property {string} picture its address; empty as long as there is none
 *
 * @typedef {object} Futures continuations of the run from one of its steps, with other noise
 * @property {string} state waiting, running, stopped or ended
 * @property {number} index of the step of the fork
 * @property {number} t of that step
 * @property {number[]} columns time steps of the predicted x_0 of the tree's columns; the final picture is one more column
 * @property {number[]} trunk time steps of the predicted x_0 of the run up to the fork
 * @property {number} evaluations of the network so far
 * @property {number} expected all of them
 * @property {boolean} isDeterministic whether no noise is added from the fork on
 * @property {boolean} hasCurve whether there are other forks, for the curve
 * @property {[t: number, std: number][]} curve the standard deviation of each finished fork
 * @property {number | null} std of the tree's final pictures; null until they are there
 * @property {number | null} largest difference between two of them, at one value
 * @property {number[]} distances of each to the picture of the run, rms
 */

/** The five panels, from left to right on a frame. */
export const PANELS = ['x_t', 'x0', 'direction', 'noise', 'x_prev'];
const COLUMNS = [
  'x_t',
  'x0',
  'eps',
  'z',
  'x_prev',
  'term_x0',
  'term_direction',
  'term_noise',
  'sum_residual',
  'mk_residual',
  'clipped',
];

/** @param {number[]} line @returns {Step} */
function stepOf([t, t_prev, alpha_bar, alpha_bar_prev, x0, direction, sigma, m, k]) {
  const sigma1 = Math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * Math.sqrt(1 - alpha_bar / alpha_bar_prev);
  const sigmaHat = t_prev ? Math.sqrt(1 - alpha_bar / alpha_bar_prev) : 0;
  return {
    t,
    t_prev,
    alpha_bar,
    alpha_bar_prev,
    x0,
    direction,
    sigma,
    m,
    k,
    sigma1,
    sigmaHat,
  };
}

/** @param {string} text @param {number} from */
const linesAfter = (text, from) => text.slice(from).split('\n').filter(Boolean);

/**
 * A number of a row: an rms, a residual, or a count.
 * @param {number[]} row
 * @param {string} name
 */
export const numberOf = (row, name) => row[COLUMNS.indexOf(name)];

export class Run {
  /** Numbers of the steps that are done. @type {number[][]} */
  rows = [];
  /** Addresses of the previews, by step. @type {Map<number, string>} */
  previews = new Map();
  /** The address of the sheet with all pictures, and how many frames stand in a row of it. @type {{ url: string, columns: number } | null} */
  sheetAt = null;
  /** Whether the sheet can be shown. */
  hasSheet = false;
  /** @type {Other | null} */
  other = null;
  /** @type {Futures | null} */
  futures = null;
  /** Whether its end was told. */
  isTold = false;
  /** Whether it comes from the page's own memory. */
  remembered = false;
  #rowsRead = 0;
  #previewsRead = 0;

  /** @param {any} value of Python's stream */
  constructor(value) {
    this.id = value.id;
    this.count = value.count;
    this.settings = { ...value.settings };
    this.T = value.T;
    const [channels, height, width] = value.shape;
    this.channels = channels;
    this.height = height;
    this.width = width;
    /** ᾱ over t. @type {[number, number][]} */
    this.curve = JSON.parse(value.alpha_bar);
    /** @type {Step[]} */
    this.plan = JSON.parse(value.plan).map(stepOf);
    /** The steps whose pictures the sheet has. @type {number[]} */
    this.kept = JSON.parse(value.kept);
    /** How many futures a fork has, and the steps at which the curve forks. @type {{ count: number, curve: number[] }} */
    this.forks = JSON.parse(value.forks);
    this.update(value);
  }

  /** @param {any} value a later one of the same run */
  update(value) {
    this.state = value.state;
    this.seconds = value.seconds;
    this.engine = value.engine;
    this.timings = value.timings;
    this.origin = value.origin;
    this.script = value.script;
    this.distances = value.distances ? JSON.parse(value.distances) : {};
    for (const line of linesAfter(value.rows, this.#rowsRead)) this.rows.push(JSON.parse(line));
    for (const line of linesAfter(value.previews, this.#previewsRead)) {
      const tab = line.indexOf('\t');
      this.previews.set(Number(line.slice(0, tab)), line.slice(tab + 1));
    }
    [this.#rowsRead, this.#previewsRead] = [value.rows.length, value.previews.length];
    this.takeFollowUps(value);
    if (value.sheet)
      this.sheetAt ??= {
        url: value.sheet.file.url,
        columns: value.sheet.columns,
      };
  }

  /** Read what a value says of what is computed after the run, also one of the same settings. @param {any} value */
  takeFollowUps(value) {
    if (value.other) this.other = JSON.parse(value.other);
    if (value.futures) this.futures = JSON.parse(value.futures);
  }

  /** Whether the futures are still to come, or are being computed. */
  get awaitsFutures() {
    return ['waiting', 'running'].includes(this.futures?.state ?? '');
  }

  /**
   * The network evaluations of the futures of a step, if none is known yet.
   * @param {number} i
   * @param {boolean} hasCurve
   */
  costOfFork(i, hasCurve) {
    const steps = new Set(hasCurve ? [i, ...this.forks.curve] : [i]);
    return [...steps].reduce((sum, step) => sum + this.forks.count * (this.plan.length - step), 0);
  }

  /** Steps whose pictures can be shown now: all kept ones once the sheet is there, the previews before. */
  get shown() {
    if (this.hasSheet) return this.kept.filter((i) => i < this.rows.length);
    return [...this.previews.keys()];
  }

  /**
   * Where a step's five panels begin on the sheet, in pixels.
   * @param {number} i
   */
  cornerOf(i) {
    const k = this.kept.indexOf(i),
      columns = this.sheetAt?.columns ?? 1;
    return {
      x: (k % columns) * PANELS.length * this.width,
      y: Math.floor(k / columns) * this.height,
    };
  }

  /**
   * The step, among some, that is nearest to where the user wants to be.
   * @param {Wish} wish
   * @param {number[]} [steps]
   */
  nearest(wish, steps = this.shown) {
    if (wish.end) return steps[steps.length - 1];
    const t = this.timeOf(wish);
    let best = steps[0];
    for (const i of steps) if (Math.abs(this.plan[i].t - t) < Math.abs(this.plan[best].t - t)) best = i;
    return best;
  }

  /** @param {Wish} wish */
  timeOf(wish) {
    return wish.end ? 0 : (wish.t ?? this.T * (1 - (wish.share ?? 0)));
  }

  /** Whether the run has come to where the user wants to be. @param {Wish} wish */
  hasReached(wish) {
    const last = this.shown.at(-1);
    return this.state !== 'running' || (last !== undefined && this.plan[last].t <= this.timeOf(wish));
  }
}

/** @typedef {{ t?: number, share?: number, end?: boolean }} Wish where the user wants to be: at a time, a share of the run, or its end */
