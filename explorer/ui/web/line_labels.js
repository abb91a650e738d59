// Labels at the ends of the lines of a chart: beside each other without touching, each joined to its line. No DOM.

/** @typedef {import('./chart.js').Line} Line */
/** @typedef {import('./chart.js').Point} Point */

/** η and σ̂ as SVG text. */
export const ETA = '<tspan class="symbol">η</tspan>';
export const SIGMA_HAT = '<tspan class="symbol">σ</tspan><tspan class="hat" dx="-7">ˆ</tspan>';

const HEIGHT = 16; // px from one label to the next
const GAP = 14; // px from the end of the lines to their labels
const CHARACTER = 7; // px, upper bound of the mean width of a label's character

/** An upper bound of the width of labels, in px. @param {string[]} labels */
export const widthOf = (labels) => CHARACTER * Math.max(0, ...labels.map((label) => label.length));

/** The room that labels need to the right of the lines, in px. @param {string[]} labels */
export const marginFor = (labels) => GAP + widthOf(labels);

/**
 * Places for labels that are at least `apart` from each other within `low` to `high`, as near as possible to where each belongs: the
 * least sum of squared shifts, by pooling neighbours that would overlap.
 * @param {number[]} wanted
 * @param {number} apart
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
export function spread(wanted, apart, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  /** @type {{ sum: number, members: number[] }[]} each is a run of touching labels */
  const pools = [];
  const mean = (/** @type {{ sum: number, members: number[] }} */ { sum, members }) => sum / members.length;
  order.forEach((i, rank) => {
    let pool = { sum: wanted[i] - rank * apart, members: [i] };
    while (pools.length && mean(pools[pools.length - 1]) > mean(pool)) {
      const last = /** @type {typeof pool} */ (pools.pop());
      pool = { sum: last.sum + pool.sum, members: [...last.members, ...pool.members] };
    }
    pools.push(pool);
  });
  const places = Array(wanted.length).fill(0);
  const most = high - (wanted.length - 1) * apart;
  let rank = 0;
  for (const pool of pools) {
    const first = Math.max(low, Math.min(mean(pool), most));
    for (const i of pool.members) places[i] = first + apart * rank++;
  }
  return places;
}

/**
 * Put the labels to the right of the lines, each joined to its line's end.
 * @param {(Line & { text: string })[]} lines with the SVG text of their labels; each has a point
 * @param {{ last: number, perX: number, perY: number, low: number, high: number }} area the end of the lines, px per unit, and the range
 * @returns {Line[]} the leaders, and above them the lines
 */
export function labelLines(lines, { last, perX, perY, low, high }) {
  const ends = lines.map(({ points }) => points[points.length - 1][1]);
  const places = spread(ends, HEIGHT / perY, low, high);
  const near = last + GAP / perX;
  const leaders = lines.map(({ points, colour }, i) => {
    /** @type {Point[]} */
    const joined = [points[points.length - 1], [near - 3 / perX, places[i]]];
    return { points: joined, colour, width: 0.75 };
  });
  const labelled = lines.map(({ text, ...line }, i) => {
    /** @type {Point} */
    const at = [near, places[i]];
    return { ...line, label: { at, dy: 4, text, colour: line.colour } };
  });
  return [...leaders, ...labelled];
}
