// Finished runs that the page still has, by their settings: a slider moved back finds its pictures here. The server is asked
// all the same, and its answer passed over. No DOM.

const MOST_PIXELS = 3e7; // of their sheets, decoded: 120 MB

/** @typedef {import('./run_pictures.js').PicturedRun} PicturedRun */

/** @param {PicturedRun} run */
const pixelsOf = ({ sheet }) => (sheet ? sheet.naturalWidth * sheet.naturalHeight : 0);

export class RunMemory {
  /** @type {Map<string, PicturedRun>} */
  #runs = new Map();

  /** @param {number} [mostPixels] */
  constructor(mostPixels = MOST_PIXELS) {
    this.mostPixels = mostPixels;
  }

  /** @param {PicturedRun} run */
  remember(run) {
    if (run.state !== 'ended' || !run.sheet) return;
    const key = JSON.stringify(run.settings);
    this.#runs.delete(key);
    this.#runs.set(key, run);
    let pixels = [...this.#runs.values()].reduce((sum, each) => sum + pixelsOf(each), 0);
    for (const [oldest, each] of this.#runs) {
      if (pixels <= this.mostPixels) break;
      pixels -= pixelsOf(each);
      this.#runs.delete(oldest);
    }
  }

  /**
   * The run of these settings, if it is known, as the answer to the change `count`.
   * @param {Record<string, any>} settings
   * @param {number} count
   */
  recall(settings, count) {
    const names = Object.keys(this.#runs.values().next().value?.settings ?? {});
    const known = this.#runs.get(JSON.stringify(Object.fromEntries(names.map((name) => [name, settings[name]]))));
    return known && Object.assign(known, { count, isTold: false, remembered: true });
  }
}
