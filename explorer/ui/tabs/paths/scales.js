// Where on a square canvas a point of a path lies: in the plane itself, or in the coordinates of the ODE. No DOM.

/**
 * @typedef {object} Run
 * @property {number[]} t of its shown moments, ascending
 * @property {[x: number, y: number][][]} x by path and moment
 * @property {[x: number, y: number][]} ends where more of its paths end
 *
 * @typedef {object} Scale
 * @property {(v: number) => number} X pixels from the left
 * @property {(v: number) => number} Y pixels from the top
 * @property {(path: [number, number][], moment: number) => [x: number, y: number]} place of a path at a moment
 */

/** The plane is shown on [-RANGE, RANGE]². */
export const RANGE = 3;
const NOISE_RANGE = 6; // s is shown up to it
const AXIS = { left: 34, right: 10 }; // px

/**
 * The plane itself.
 * @param {number} side of the canvas in px
 * @returns {Scale}
 */
export function planeScale(side) {
  /** @param {number} v */
  const X = (v) => ((v + RANGE) / (2 * RANGE)) * side;
  /** @param {number} v */
  const Y = (v) => ((RANGE - v) / (2 * RANGE)) * side;
  return { X, Y, place: (path, moment) => [X(path[moment][0]), Y(path[moment][1])] };
}

/**
 * The coordinates in which the ODE is dx̄ = ε ds.
 * The noise s = √((1-ᾱ)/ᾱ) goes to the right, and the first coordinate of x̄ = x/√ᾱ upwards.
 * @param {number} side of the canvas in px
 * @param {number[]} t of the moments
 * @param {Float32Array} alphaBar
 * @returns {Scale}
 */
export function odeScale(side, t, alphaBar) {
  const { left, right } = AXIS;
  /** @param {number} s */
  const X = (s) => left + (s / NOISE_RANGE) * (side - left - right);
  /** @param {number} v */
  const Y = (v) => side / 2 - (v / (2.2 * NOISE_RANGE)) * side;
  return {
    X,
    Y,
    place: (path, moment) => {
      const ab = alphaBar[t[moment]];
      return [X(Math.sqrt((1 - ab) / ab)), Y(path[moment][0] / Math.sqrt(ab))];
    },
  };
}

/**
 * The moment of a run at a place of its way: 0 is pure noise, 1 the end.
 * @param {Pick<Run, 't'>} run
 * @param {number} place
 */
export const momentAt = ({ t }, place) => Math.round((1 - place) * (t.length - 1));
