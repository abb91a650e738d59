// Which run is on the screen. It reads the values of Python's stream and goes over to the newest run when that can be shown. No DOM.
import { RunMemory } from './memory.js';
import { PicturedRun } from './run_pictures.js';

const HOLD = 200; // ms that the screen may keep the run before

/**
 * @typedef {object} Screen what shows the runs
 * @property {import('./run.js').Wish} wish where the user wants to be
 * @property {any} problem an error value
 * @property {() => void} drawStatus
 * @property {() => void} showError the newest run has failed
 * @property {(before: PicturedRun | null) => void} showRun another run has come to the screen
 * @property {() => void} showMore the run on the screen has grown or ended
 * @property {() => void} showSheet all its pictures can be shown
 * @property {(i: number) => void} showFrame the preview of step i can be shown
 * @property {() => void} showFollowUps the picture of the other η or the futures have changed
 * @property {(run: PicturedRun) => void} tellEnd
 */

export class RunSwitch {
  /** The run on the screen. @type {PicturedRun | null} */
  run = null;
  /** The newest run, while the screen still shows the one before it. @type {PicturedRun | null} */
  coming = null;
  /** What Python says of the newest run. @type {any} */
  note = '';
  /** Whether other runs go first. */
  isQueued = false;
  memory = new RunMemory();
  /** When the screen began to wait for the newest run; 0: it does not wait. */
  #heldSince = 0;

  /** @param {Screen} screen */
  constructor(screen) {
    this.screen = screen;
  }

  /** @param {any} value of Python's stream */
  take(value) {
    const { screen } = this,
      newest = this.coming ?? this.run;
    if (!value || (newest && (value.id < newest.id || value.count < newest.count))) return; // a late word of an older run
    const isKnown = Boolean(newest?.remembered && value.count === newest.count); // it is all on the screen
    this.isQueued = value.state === 'queued' && !isKnown;
    if (!this.isQueued && value.state === 'error') return this.#fail(value);
    this.note = value.message;
    if (this.isQueued) return screen.drawStatus();
    screen.problem = null;
    if (isKnown) {
      newest?.takeFollowUps(value);
      screen.showFollowUps();
      return this.#tellEnd();
    }
    if (newest?.id === value.id) newest?.update(value);
    else this.#begin(new PicturedRun(value));
    this.#settle();
    if (this.run?.id !== value.id) return screen.drawStatus();
    screen.showMore();
    this.#tellEnd();
  }

  /** @param {any} value */
  #fail(value) {
    this.screen.problem = value;
    this.#heldSince = 0;
    this.screen.showError();
  }

  /** @param {PicturedRun} run that has just begun */
  #begin(run) {
    this.coming = run;
    run.onSheet = () => this.#settle(); // of a run that was made before, the sheet is all there is
    setTimeout(() => this.#settle(), Math.max(0, this.#heldSince + HOLD - performance.now()));
  }

  /**
   * The settings have changed: wait for the run of that change, or take one that is remembered.
   * @param {Record<string, any>} settings
   * @param {number} count of the change
   */
  expect(settings, count) {
    this.#heldSince ||= performance.now();
    const known = this.memory.recall(settings, count);
    if (!known) return;
    this.coming = known;
    this.screen.problem = null;
    this.note = '';
    this.isQueued = false;
    this.#settle();
  }

  // Show the newest run as soon as it has reached the time step the user is at. Until then, but not for long, the screen keeps
  // the run before it: a slider that moves must not throw the pictures back to pure noise.
  #settle() {
    const { screen, coming: shown, run: before } = this;
    if (!shown?.shown.length) return;
    if (before && !shown.hasReached(screen.wish) && performance.now() - this.#heldSince < HOLD) return;
    this.run = shown;
    this.coming = null;
    this.#heldSince = 0;
    shown.onSheet = () => {
      this.memory.remember(shown);
      if (this.run === shown) screen.showSheet();
    };
    shown.onFrame = (i) => {
      if (this.run === shown) screen.showFrame(i);
    };
    shown.onFollowUp = () => {
      if (this.run === shown) screen.showFollowUps();
    };
    screen.showRun(before);
    this.#tellEnd();
  }

  #tellEnd() {
    const { run } = this;
    if (!run || run.state !== 'ended' || run.awaitsFutures || run.isTold) return;
    run.isTold = true;
    this.memory.remember(run);
    this.screen.tellEnd(run);
  }
}
