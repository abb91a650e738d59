// The Steps tab: which run and which step are on the screen, and what moves them.
import { listenToKeys, transportKeys } from '../../web/keys.js';
import { listen, page, publish, setView } from '../../web/page_state.js';
import { Stage } from '../../web/stage.js';
import { ALPHA, ALPHA_PREV, coloured, EPS, SIGMA, X0_HAT, X_PREV, X_T } from '../../web/symbols.js';
import { playClock } from '../../web/transport.js';
import { CHARTS, RunCharts } from './charts.js';
import { Equation } from './equation.js';
import { SIGMA_SQUARED } from './formulas.js';
import { LinkedHighlighting } from './linked.js';
import { RunMemory } from './memory.js';
import { Pin } from './pin.js';
import { PicturedRun } from './run_pictures.js';
import { drawRunStatus } from './status.js';
import { numbersOf } from './step_numbers.js';
import { Track } from './track.js';

const FRAMES_A_SECOND = 8;
const HOLD = 200; // ms that the screen may keep the run before
const FILM_RESTED = 60; // ms

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
  /** @type {Track} */
  track;
  /** @type {LinkedHighlighting} */
  linked;
  /** @type {Pin} */
  pin;
  /** @type {(on?: boolean) => void} */
  play;
  /** The run on the screen. @type {PicturedRun | null} */
  run = null;
  /** The newest run, while the screen still shows the one before it. @type {PicturedRun | null} */
  coming = null;
  /** The step on the screen. */
  index = -1;
  /** Where the user wants to be: kept over runs. @type {import('./run.js').Wish} */
  wish = { share: 0.5 };
  memory = new RunMemory();
  #note = '';
  #isQueued = false;
  /** When the screen began to wait for the newest run. */
  #heldSince = 0;
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
    this.track = new Track(this);
    this.linked = new LinkedHighlighting(this.stage);
    this.pin = new Pin(this);
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
      if (tab === this.tab) this.#await(count);
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
      { keys: ['ArrowDown', 'ArrowUp'], act: (key) => this.stepBy(key === 'ArrowDown' ? -1 : 1) },
      ...this.linked.keys,
      { keys: ['a'], says: 'keys.pin', act: () => this.pin.toggle() },
    ];
    listenToKeys('steps', table, { inFront: () => this.inFront, range, halt: () => this.play(false) });
  }

  look(asked) {
    const t = Number(asked.get('t'));
    this.wish = t > 0 ? { t } : { share: 0.5 };
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

  get value() {
    return this.run;
  }

  set value(value) {
    this.#take(value);
  }

  /** @param {any} value of Python's stream */
  #take(value) {
    const newest = this.coming ?? this.run;
    if (!value || (newest && (value.id < newest.id || value.count < newest.count))) return; // a late word of an older run
    const isKnown = Boolean(newest?.remembered && value.count === newest.count); // it is all on the screen
    this.#isQueued = value.state === 'queued' && !isKnown;
    if (!this.#isQueued && value.state === 'error') return this.#fail(value);
    this.#note = value.message;
    if (this.#isQueued) return this.drawStatus();
    this.problem = null;
    if (isKnown) return this.drawStatus();
    if (newest?.id === value.id) newest?.update(value);
    else this.#begin(new PicturedRun(value));
    this.settle();
    if (this.run?.id !== value.id) return this.drawStatus();
    this.place();
    this.repaint(this.run?.state === 'running' ? 'grown' : 'run');
    this.tellEnd();
  }

  #fail(value) {
    this.problem = value;
    this.#heldSince = 0;
    delete this.stage.dataset.waiting;
    this.drawStatus();
  }

  /** @param {PicturedRun} run that has just begun */
  #begin(run) {
    this.coming = run;
    run.onSheet = () => this.settle(); // of a run that was made before, the sheet is all there is
    setTimeout(() => this.settle(), Math.max(0, this.#heldSince + HOLD - performance.now()));
  }

  /** The settings have changed: wait for the run of that change, or take one that is remembered. @param {number} count */
  #await(count) {
    this.#asked = count;
    this.#heldSince ||= performance.now();
    this.stage.dataset.waiting = '';
    const known = this.memory.recall(page.settings, count);
    if (!known) return;
    this.coming = known;
    this.problem = null;
    this.#note = '';
    this.#isQueued = false;
    this.settle();
  }

  // Show the newest run as soon as it has reached the time step the user is at. Until then, but not for long, the screen keeps
  // the run before it: a slider that moves must not throw the pictures back to pure noise.
  settle() {
    const shown = this.coming,
      before = this.run;
    if (!shown?.shown.length) return;
    if (before && !shown.hasReached(this.wish) && performance.now() - this.#heldSince < HOLD) return;
    this.run = shown;
    this.coming = null;
    this.#heldSince = 0;
    shown.onSheet = () => {
      this.memory.remember(shown);
      if (this.run !== shown) return;
      this.place();
      this.repaint('run');
    };
    shown.onFrame = (i) => {
      if (this.run !== shown) return;
      if (i === this.index) return this.repaint('step');
      clearTimeout(this.#filmTimer);
      this.#filmTimer = setTimeout(() => this.repaint('step'), FILM_RESTED);
    };
    if (before?.width !== shown.width || before?.height !== shown.height) this.equation.size(shown);
    if (before?.settings.variance !== shown.settings.variance) this.writeFormulas();
    this.place();
    this.repaint('run');
    this.tellEnd();
  }

  tellEnd() {
    const { run } = this;
    if (!run || run.state !== 'ended' || run.isTold) return;
    run.isTold = true;
    this.memory.remember(run);
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
  }

  settingsChanged() {} // the run before stays until the next one

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
      this.linked.light();
      this.pin.draw(run, Boolean(this.coming));
    }
    this.drawStatus();
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
    const { run, coming, problem, index } = this;
    drawRunStatus(this, { run, coming, problem, index, note: this.#note, isQueued: this.#isQueued });
  }
}

customElements.define('explorer-steps', Steps);
