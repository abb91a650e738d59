// Marks of a line chart beside its lines, as SVG text: markers, error bars, bands and titles of axes. No DOM.

/** @typedef {'circle' | 'square' | 'triangle' | 'inverted' | 'diamond' | 'cross'} Marker */
/** @typedef {[x: number, low: number, high: number]} Bar */

const RADIUS = 3.6; // px
const CAP = 2.5; // px: half of the width of an error bar's end
/** Outlines for a radius of 1. @type {Record<Marker, [x: number, y: number][]>} */
const OUTLINES = {
  circle: [],
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  triangle: [[0, -1.2], [1.15, 0.9], [-1.15, 0.9]],
  inverted: [[0, 1.2], [1.15, -0.9], [-1.15, -0.9]],
  diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  cross: [[-1.1, -0.4], [-0.4, -0.4], [-0.4, -1.1], [0.4, -1.1], [0.4, -0.4], [1.1, -0.4], [1.1, 0.4], [0.4, 0.4], [0.4, 1.1], [-0.4, 1.1], [-0.4, 0.4], [-1.1, 0.4]],
}; // prettier-ignore

/**
 * @param {Marker} kind
 * @param {number} x px
 * @param {number} y px
 * @param {string} colour
 * @param {number} [scale]
 */
export function marker(kind, x, y, colour, scale = 1) {
  const r = RADIUS * scale;
  const paint = `class="marker" fill="${colour}" stroke="var(--bg)" stroke-width="0.8"`;
  if (kind === 'circle') return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" ${paint}/>`;
  const points = OUTLINES[kind].map(([dx, dy]) => `${(x + r * dx).toFixed(1)} ${(y + r * dy).toFixed(1)}`);
  return `<path d="M${points.join('L')}Z" ${paint}/>`;
}

/**
 * A vertical error bar.
 * @param {number} x px
 * @param {number} from px
 * @param {number} to px
 * @param {string} colour
 */
export function errorBar(x, from, to, colour) {
  const [left, right] = [x - CAP, x + CAP].map((v) => v.toFixed(1));
  const d = `M${x.toFixed(1)} ${from.toFixed(1)}V${to.toFixed(1)}M${left} ${to.toFixed(1)}H${right}M${left} ${from.toFixed(1)}H${right}`;
  return `<path class="bar" d="${d}" fill="none" stroke="${colour}" stroke-width="1" stroke-opacity="0.75"/>`;
}

/**
 * A horizontal band across the chart.
 * @param {{ left: number, right: number, from: number, to: number }} box px
 * @param {string} colour
 */
export const band = ({ left, right, from, to }, colour) =>
  `<path class="band" d="M${left} ${from.toFixed(1)}H${right}V${to.toFixed(1)}H${left}Z" fill="${colour}" fill-opacity="0.18"/>`;
