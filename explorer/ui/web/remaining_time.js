// The remaining time of a run, from the measured rate of network calls and the number of calls that are left. No DOM.

const MEMORY = 3; // seconds: how far back the rate is measured
const LEAST = { seconds: 0.5, calls: 4 }; // before that there is no rate
const TOLERANCE = 1.25; // a smaller rise of the estimate is taken as noise

export class RemainingTime {
  #id = -1;
  #last = { seconds: 0, evaluations: 0 };
  /** Seconds and calls, older ones with less weight. */
  #sums = { seconds: 0, calls: 0 };
  /** @type {number | null} */
  #left = null;

  /**
   * Take the newest value of a run.
   * @param {{ id: number, evaluations: number | null, expected: number | null, seconds: number }} value
   * @returns {number | null} seconds that are left; null while that is unknown, and at the end
   */
  update({ id, evaluations, expected, seconds }) {
    if (evaluations === null || expected === null) return null;
    if (id !== this.#id) this.#restart(id);
    const passed = seconds - this.#last.seconds;
    const calls = evaluations - this.#last.evaluations;
    if (passed > 0 && calls > 0) this.#measure(passed, calls, expected - evaluations, { seconds, evaluations });
    if (seconds < LEAST.seconds || evaluations < LEAST.calls || evaluations >= expected) return null;
    return this.#left;
  }

  /** @param {number} id of the new run */
  #restart(id) {
    this.#id = id;
    this.#last = { seconds: 0, evaluations: 0 };
    this.#sums = { seconds: 0, calls: 0 };
    this.#left = null;
  }

  /**
   * @param {number} passed seconds since the last value
   * @param {number} calls since the last value
   * @param {number} rest number of calls that are left
   * @param {{ seconds: number, evaluations: number }} now
   */
  #measure(passed, calls, rest, now) {
    const weight = Math.exp(-passed / MEMORY);
    this.#sums = { seconds: this.#sums.seconds * weight + passed, calls: this.#sums.calls * weight + calls };
    this.#last = now;
    const estimate = (rest * this.#sums.seconds) / this.#sums.calls;
    const rises = this.#left !== null && estimate > this.#left && estimate < TOLERANCE * this.#left;
    if (!rises) this.#left = estimate;
  }
}

/**
 * Seconds as they are shown: in fives above 20 s, in minutes above 90 s.
 * @param {number} seconds
 * @returns {{ unit: 'seconds' | 'minutes', n: number }}
 */
export function roundTime(seconds) {
  if (seconds > 90) return { unit: 'minutes', n: Math.round(seconds / 60) };
  if (seconds > 20) return { unit: 'seconds', n: 5 * Math.round(seconds / 5) };
  return { unit: 'seconds', n: Math.max(1, Math.ceil(seconds)) };
}
