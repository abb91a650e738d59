// The Steps tab: which step of the run is on the screen, and what moves it.
import { listenToKeys, transportKeys } from '../../web/keys.js';
import { listen, page, publish, setView } from '../../web/page_state.js';
import { Stage } from '../../web/stage.js';
import { ALPHA, ALPHA_PREV, coloured, EPS, SIGMA, X0_HAT, X_PREV, X_T } from '../../web/symbols.js';
import { playClock } from '../../web/transport.js';
import { CHARTS, RunCharts } from './charts.js';
import { Equation } from './equation.js';
import { SIGMA_SQUARED } from './formulas.js';
import { FuturesView } from './futures.js';
import { Lead } from './lead.js';
import { LinkedHighlighting } from './linked.js';
import { Pin } from './pin.js';
import { readingsOf } from './readings.js';
import { RunSwitch } from './run_switch.js';
import { drawRunStatus } from './status.js';
import { numbersOf } from './step_numbers.js';
import { Track } from './track.js';

const FRAMES_A_SECOND = 8;
const FILM_RESTED = 60; // ms
/** The step that the tab opens on: the picture is to be seen in x_t, and what the step takes away from the noise too. */
const OPENING = { share: 0.75 };

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */
/** @typedef {'run' | 'grown' | 'step'} Change what is to be drawn anew: all of a run, what more steps change, what another step changes */

class Steps extends Stage {
  static formulas = [
    `${X0_HAT} = \\frac{${X_T} - \\sqrt{1-${ALPHA}}\\,${EPS}}{\\sqrt{${ALPHA}}}`,
    `${X_PREV} = ${coloured('x0', `\\sqrt{${ALPHA_PREV}}\\,${X0_HAT}`)} + ` +
      `${coloured('direction', `\\sqrt{1-${ALPHA_PREV}-${SIGMA_SQUARED}}\\,${EPS}`)} + ${coloured('noise', `${SIGMA}\\,z`)}`,
  ];

  offersDiffusers = true;
  /** @type {Equation} */
  equation;
  /** @type {RunCharts} */
  charts;
  /** @type {Lead} */
  lead;
  /** @type {Track} */
  track;
  /** @type {LinkedHighlighting} */
  linked;
  /** @type {Pin} */
  pin;
  /** @type {FuturesView} */
  futures;
  /** @type {(on?: boolean) => void} */
  play;
  runs = new RunSwitch(this);
  /** The step on the screen. */
  index = -1;
  /** Where the user wants to be: kept over runs. @type {import('./run.js').Wish} */
  wish = OPENING;
  /** Count of the newest change of the controls. */
  #asked = 0;
  /** @type {Set<Change>} */
  #dirty = new Set();
  #isDrawing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #filmTimer;

  prepare() {
    const time = this.$('.time');
    this.equation = new Equation(this);
    this.charts = new RunCharts(this, (t) => this.goTo({ t }));
    this.lead = new Lead(this);
    this.track = new Track(this);
    this.linked = new LinkedHighlighting(this.stage);
    this.pin = new Pin(this);
    this.futures = new FuturesView(this);
    this.play = playClock({
      button: this.$('.play'),
      perSecond: FRAMES_A_SECOND,
      begin: () => {
        if (this.run && this.index === this.run.shown.at(-1)) this.goTo({ t: this.run.T });
        return Boolean(this.run);
      },
      tick: () => {
        if (!this.run || (this.index === this.run.shown.at(-1) && this.run.state !== 'running')) return false;
        this.stepBy(1);
        return true;
      },
    });
    time.addEventListener('input', () => {
      this.play(false);
      this.goTo({ t: this.run ? this.run.T - time.value : 0 });
    });
    this.addEventListener('change', (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.name !== 'form') return;
      this.stage.dataset.form = input.value;
      this.equation.writeFormulas(this.run);
      this.repaint('step');
    });
    this.#listenToKeys(time);
    listen('changed', ({ tab, count }) => {
      if (tab !== this.tab) return;
      this.#asked = count;
      this.stage.dataset.waiting = '';
      this.runs.expect(page.settings, count);
    });
    // Another tab says where in the run to look, as it opens one here.
    listen('view', ({ t }) => {
      if (t && !this.inFront) this.wish = { t };
    });
    listen('words', () => this.writeFormulas());
    this.writeFormulas();
  }

  #listenToKeys(range) {
    const first = () => this.goTo({ t: this.run?.T ?? 0 }),
      last = () => this.goTo({ end: true });
    const moves = { by: (n) => this.stepBy(n), first, last, play: this.play };
    /** @type {import('../../web/keys.js').KeyRow[]} */
    const table = [
      ...transportKeys(moves),
      {
        keys: ['ArrowDown', 'ArrowUp'],
        act: (key) => this.stepBy(key === 'ArrowDown' ? -1 : 1),
      },
      ...this.linked.keys,
      { keys: ['a'], says: 'keys.pin', act: () => this.pin.toggle() },
    ];
    listenToKeys('steps', table, {
      inFront: () => this.inFront,
      range,
      halt: () => this.play(false),
    });
  }

  look(asked) {
    const t = Number(asked.get('t'));
    this.wish = t > 0 ? { t } : OPENING;
    this.futures?.look(asked); // the first look comes before prepare, and reads the address itself
  }

  press(button) {
    const { go } = button.dataset,
      { play } = this;
    if (!go) return super.press(button);
    if (go === 'play') return play();
    play(false);
    if (go === 'first') this.goTo({ t: this.run?.T ?? 0 });
    else if (go === 'last') this.goTo({ end: true });
    else this.stepBy(go === 'back' ? -1 : 1);
  }

  // ---- values ----

  /** The run on the screen. */
  get run() {
    return this.runs.run;
  }

  get value() {
    return this.run;
  }

  set value(value) {
    this.runs.take(value);
  }

  get isComplete() {
    return super.isComplete && !this.run?.awaitsFutures;
  }

  /** @param {PicturedRun | null} before */
  showRun(before) {
    const run = /** @type {PicturedRun} */ (this.run);
    if (before?.width !== run.width || before?.height !== run.height) this.equation.size(run);
    if (before?.settings.variance !== run.settings.variance) this.writeFormulas();
    this.showSheet();
  }

  showMore() {
    this.place();
    this.repaint(this.run?.state === 'running' ? 'grown' : 'run');
  }

  showSheet() {
    this.place();
    this.repaint('run');
  }

  /** @param {number} i */
  showFrame(i) {
    if (i === this.index) return this.repaint('step');
    clearTimeout(this.#filmTimer);
    this.#filmTimer = setTimeout(() => this.repaint('step'), FILM_RESTED);
  }

  showFollowUps() {
    this.repaint('grown');
  }

  showError() {
    delete this.stage.dataset.waiting;
    this.drawStatus();
  }

  /** @param {PicturedRun} run */
  tellEnd(run) {
    publish('ended', { tab: this.tab, count: run.count });
  }

  // ---- the step on the screen ----

  /** Choose the step that is nearest to the wish among those that can be shown, and draw it. */
  place() {
    const to = this.run?.shown.length ? this.run.nearest(this.wish) : this.index;
    if (to === this.index) return;
    this.index = to;
    this.repaint('step');
  }

  /** @param {import('./run.js').Wish} wish */
  goTo(wish) {
    this.wish = wish;
    this.place();
    if (this.run && this.index >= 0) setView({ t: this.run.plan[this.index].t });
  }

  /** @param {number} n */
  stepBy(n) {
    const { run } = this,
      steps = run?.shown ?? [];
    if (!run || !steps.length) return;
    const to = Math.max(0, Math.min(steps.length - 1, steps.indexOf(this.index) + n)),
      { t } = run.plan[steps[to]];
    this.goTo(to === steps.length - 1 && run.state !== 'running' ? { end: true, t } : { t });
  }

  // ---- drawing ----

  writeFormulas() {
    this.equation.writeFormulas(this.run);
    this.charts.writeTitles(this.run);
    this.lead.showSettings();
  }

  readings() {
    return this.run ? readingsOf(this.run, this.index) : {};
  }

  settingsChanged() {
    this.lead.showSettings(); // the run before stays until the next one
  }

  resized() {
    if (!this.run) return;
    this.equation.size(this.run);
    this.track.forget();
    this.repaint('run');
  }

  /** Draw in the next animation frame. @param {Change} [what] */
  repaint(what = 'run') {
    this.#dirty.add(what);
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.draw();
    });
  }

  draw() {
    const all = this.#dirty.has('run'),
      grown = all || this.#dirty.has('grown'),
      moved = all || this.#dirty.has('step');
    const { run, index } = this;
    this.#dirty.clear();
    if (run) {
      if (grown) this.charts.draw(run, all ? CHARTS : ['size']);
      if (index >= 0 && run.rows[index]) this.#drawStep(run, index, moved, all);
      this.lead.draw(run);
      this.linked.light();
      this.pin.draw(run, Boolean(this.runs.coming));
      this.futures.draw(run, index);
    }
    this.drawStatus();
    this.tellReadings();
  }

  /** @param {PicturedRun} run @param {number} index @param {boolean} moved @param {boolean} all */
  #drawStep(run, index, moved, all) {
    if (moved) {
      const isDrawn = this.equation.draw(run, index); // else its picture is being decoded, and draws it then
      if (isDrawn && run.count >= this.#asked) delete this.stage.dataset.waiting;
      this.equation.writeTexts(run, index);
      this.charts.writeValues(run, index);
      this.$('dl').innerHTML = numbersOf(run, index);
    }
    this.track.draw(run, index);
    this.track.drawFilm(run, index, all);
    this.charts.moveCursors(run, index);
  }

  drawStatus() {
    const { run, coming, note, isQueued } = this.runs;
    drawRunStatus(this, {
      run,
      coming,
      problem: this.problem,
      index: this.index,
      note,
      isQueued,
    });
  }
}

customElements.define('explorer-steps', Steps);
