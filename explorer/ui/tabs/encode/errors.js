// Reconstruction errors over the number of steps S, prepared for chart and table. No DOM.

/** @typedef {[S: number, error: number]} ErrorOfLength a mean squared error in [0, 1] */
/** @typedef {Record<string, number>} ErrorsByLength errors by S */

/**
 * The errors of held-out pictures.
 * @typedef {object} HeldOut
 * @property {number} mean
 * @property {number} standard_error of the mean
 * @property {number} pictures of the mean
 * @property {[first: number, median: number, third: number]} [quartiles]
 * @property {number} [quartile_pictures]
 */
/** @typedef {Record<string, HeldOut>} HeldOutByLength by S */

const SMALLEST = 1e-9; // avoids the logarithm of 0

/**
 * The name of an inversion in text keys, without its number of iterations: "ahead-refined-2" is "ahead_refined".
 * @param {string} inversion
 */
export const wordOf = (inversion) => inversion.replace(/-?\d+$/, '').replaceAll('-', '_');

const logOf = (error) => Math.log10(Math.max(error, SMALLEST));

/**
 * Points of a chart with logarithmic axes.
 * @param {ErrorOfLength[]} errors
 * @returns {[x: number, y: number][]}
 */
export const logPoints = (errors) => errors.map(([S, error]) => [Math.log10(S), logOf(error)]);

/**
 * Entries by S, ascending.
 * @template Entry
 * @param {Record<string, Entry>} bySteps
 * @returns {[S: number, Entry][]}
 */
export function byLength(bySteps) {
  /** @type {[number, any][]} */
  const entries = Object.entries(bySteps).map(([S, entry]) => [Number(S), entry]);
  return entries.sort((a, b) => a[0] - b[0]);
}

/**
 * S of each row of the table, ascending.
 * @param {Record<string, ErrorsByLength>} table by inversion
 * @param {ErrorOfLength[]} paper
 */
export function lengthsOf(table, paper) {
  const measured = Object.values(table).flatMap((errors) => Object.keys(errors).map(Number));
  return [...new Set([...measured, ...paper.map(([S]) => S)])].sort((a, b) => a - b);
}

/**
 * The line of held-out pictures: medians with bars from the first to the third quartile; means with bars of two standard errors
 * where no quartiles were measured at all.
 * @param {HeldOutByLength} cells
 * @returns {{ points: [x: number, y: number][], bars: [x: number, low: number, high: number][], ofMedians: boolean }}
 */
export function heldOutLine(cells) {
  const entries = byLength(cells);
  const ofMedians = entries.some(([, cell]) => cell.quartiles);
  const triples = entries.flatMap(([S, { mean, standard_error, quartiles }]) => {
    if (ofMedians) return quartiles ? [[S, ...quartiles]] : [];
    return [[S, mean - 2 * standard_error, mean, mean + 2 * standard_error]];
  });
  return {
    points: logPoints(triples.map(([S, , middle]) => [S, middle])),
    bars: triples.map(([S, low, , high]) => [Math.log10(S), logOf(low), logOf(high)]),
    ofMedians,
  };
}

/**
 * The exponents of the ticks on the error axis, from the lowest one needed to -1.
 * @param {[x: number, y: number][]} points
 */
export function powersFor(points) {
  const lowest = Math.min(-6, ...points.map(([, y]) => Math.floor(y)));
  return Array.from({ length: -lowest }, (_, k) => lowest + k);
}

/**
 * Move labels apart that would overlap, each as little as possible, and keep their order.
 * @param {number[]} heights in px, downwards
 * @param {number} gap the smallest distance
 * @returns {number[]} the heights to use
 */
export function spreadLabels(heights, gap) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  /** @type {{ members: number[], top: number }[]} groups of touching labels */
  const groups = [];
  for (const i of order) {
    let group = { members: [i], top: heights[i] };
    for (
      let above = groups.at(-1);
      above && above.top + above.members.length * gap > group.top;
      above = groups.at(-1)
    ) {
      groups.pop();
      const members = [...above.members, ...group.members];
      const wished = members.map((member, k) => heights[member] - k * gap);
      group = { members, top: wished.reduce((sum, v) => sum + v, 0) / members.length };
    }
    groups.push(group);
  }
  const placed = [...heights];
  for (const { members, top } of groups) for (const [k, i] of members.entries()) placed[i] = top + k * gap;
  return placed;
}

/**
 * The most frequent number, the first one if there are several; undefined for no numbers.
 * @param {number[]} numbers
 */
export function mostFrequent(numbers) {
  const count = (n) => numbers.filter((other) => other === n).length;
  return [...numbers].sort((a, b) => count(b) - count(a)).at(0);
}

/**
 * Network calls of an encoding.
 * @param {number} S
 * @param {{ refine: number, ahead: boolean }} settings
 */
export const callsUp = (S, { refine, ahead }) => S * (1 + refine) + (ahead ? 1 : 0);

/**
 * Network calls of a round trip.
 * @param {number} S
 * @param {string} inversion
 */
export function callsOfTrip(S, inversion) {
  const refine = Number(/refined-(\d+)$/.exec(inversion)?.[1] ?? 0);
  return callsUp(S, { refine, ahead: inversion.startsWith('ahead') }) + S;
}
