// The sliders of the control column: where a value stands on each, and which values have a button below it. No DOM.

/** The length of the slider of S. */
const LENGTH = 1000;
const ETA_STOPS = [0, 0.2, 0.5, 1];
const STEPS_STOPS = [1, 10, 20, 50, 100, 1000];
/** Two stops of S need at least this ratio: else their numbers touch. */
const LEAST_RATIO = 1.6;

/** The settings that have a slider. */
export const SLIDERS = /** @type {const} */ (['eta', 'steps']);
/** @typedef {(typeof SLIDERS)[number]} Slider */

/**
 * Where a value stands on its slider. The scale of S is logarithmic and ends at T.
 * @param {Slider} name
 * @param {number} value
 * @param {number} T
 */
export const positionOf = (name, value, T) => (name === 'eta' ? value : (LENGTH * Math.log(value)) / Math.log(T));

/**
 * The value at a position of a slider.
 * @param {Slider} name
 * @param {number} position
 * @param {number} T
 */
export const valueAt = (name, position, T) =>
  name === 'eta' ? position : Math.round(Math.exp((position / LENGTH) * Math.log(T)));

/**
 * The values that have a button.
 * @param {Slider} name
 * @param {number} T
 */
export const stopsOf = (name, T) =>
  name === 'eta' ? ETA_STOPS : [...STEPS_STOPS.filter((S) => LEAST_RATIO * S < T), T];

/**
 * The time step at which a run starts, the largest of τ: see `timesteps` in explorer/schedule.py. NaN if S is no number of steps.
 * @param {string} spacing
 * @param {number} S
 * @param {number} T
 */
export function startOf(spacing, S, T) {
  if (!(Number.isInteger(S) && S >= 1 && S <= T)) return NaN;
  if (spacing === 'leading') return 1 + (S - 1) * Math.floor(T / S);
  if (spacing !== 'quadratic-ddim') return T;
  const root = S > 1 ? Math.sqrt(T * 0.8) : 0;
  return 1 + Math.max(S - 1, Math.floor(root * root));
}

/** The range of each number in a field, and how far an arrow key moves it. @type {Record<string, (T: number) => number[]>} */
const FIELD_RANGES = {
  eta: () => [0, 1, 0.05],
  steps: (T) => [1, T, 1],
  noise_seed: () => [0, Number.MAX_SAFE_INTEGER, 1],
};

/**
 * The number in a field after an arrow key up or down. Undefined for other keys and fields, and if there is no number yet.
 * @param {string} key
 * @param {string} name of the field
 * @param {number} value
 * @param {number} T
 */
export function numberAfterKey(key, name, value, T) {
  const move = { ArrowUp: 1, ArrowDown: -1 }[key];
  if (!move || !FIELD_RANGES[name] || !Number.isFinite(value)) return undefined;
  const [low, high, step] = FIELD_RANGES[name](T);
  return +Math.min(high, Math.max(low, value + move * step)).toFixed(6);
}

const MOVES = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

/**
 * S after an arrow key, which moves it by one. Undefined for other keys.
 * @param {string} key
 * @param {number} S
 * @param {number} T
 */
export function stepsAfterKey(key, S, T) {
  const move = MOVES[key];
  return move && Math.min(T, Math.max(1, S + move));
}
