// Scales from points of a path to pixels of a square canvas, in the plane or in the coordinates of the ODE. No DOM.

/**
 * @typedef {object} Run
 * @property {number[]} t of each point, ascending
 * @property {[x: number, y: number][][]} x by path and index of t
 * @property {[x: number, y: number][]} [ends] end points, also of paths that are not in x; none before all points are sampled
 *
 * @typedef {object} Scale
 * @property {(v: number) => number} X pixels from the left
 * @property {(v: number) => number} Y pixels from the top
 * @property {(path: [number, number][], moment: number) => [x: number, y: number]} place the point of a path at an index of t
 */

/** The visible part of the plane is [-RANGE, RANGE]². */
export const RANGE = 3;
const NOISE_RANGE = 6; // maximum of s
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
 * The horizontal axis is the noise level s = √((1-ᾱ)/ᾱ), the vertical axis the first coordinate of x̄ = x/√ᾱ.
 * @param {number} side of the canvas in px
 * @param {number[]} t of each point
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
 * The index of t at a position in the run: 0 is pure noise, 1 the end.
 * @param {Pick<Run, 't'>} run
 * @param {number} place
 */
export const momentAt = ({ t }, place) => Math.round((1 - place) * (t.length - 1));
