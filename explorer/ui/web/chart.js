// A line chart as SVG text, with direct labels and a cursor. No DOM; plot.js puts it on the page.
import { band, errorBar, marker } from './chart_marks.js';

/**
 * @typedef {[x: number, y: number]} Point
 * @typedef {object} Line
 * @property {Point[]} points
 * @property {string} colour
 * @property {number} [width]
 * @property {string} [dash]
 * @property {string} [link] the quantities that it shows, see tabs/steps/linked.js
 * @property {string} [name] name of a line without a label, for saved charts and screen readers
 * @property {{ at: Point, dy: number, text: string, colour?: string } | null} [label]
 * @property {import('./chart_marks.js').Marker} [marker] at every point
 * @property {import('./chart_marks.js').Bar[]} [bars] error bars
 *
 * @typedef {object} ChartOptions
 * @property {number} width
 * @property {number} height
 * @property {[number, number]} xRange may descend, as [1000, 0]
 * @property {[number, number]} yRange
 * @property {[value: number, label: string | number, anchor: string][]} xTicks
 * @property {number[]} yTicks
 * @property {(value: number) => string | number} [yLabel]
 * @property {Line[]} lines
 * @property {Point[]} [dots]
 * @property {number} [emphasis] factor of the line widths
 * @property {Partial<typeof MARGIN>} [margin] px
 * @property {string} [xTitle] below the ticks; needs a larger margin at the bottom
 * @property {string} [yTitle] above the chart; needs a larger margin at the top
 * @property {{ from: number, to: number, colour: string }[]} [bands] horizontal ones, behind the lines
 *
 * @typedef {object} Chart
 * @property {string} svg
 * @property {(x: number) => number} X
 * @property {(y: number) => number} Y
 * @property {number} top
 * @property {number} foot
 */

export const MARGIN = { left: 34, right: 8, top: 8, bottom: 20 };

/**
 * @param {ChartOptions} options
 * @returns {Chart}
 */
export function lineChart({
  width,
  height,
  xRange,
  yRange,
  xTicks,
  yTicks,
  yLabel = (v) => v,
  lines,
  dots = [],
  emphasis = 1,
  margin = {},
  xTitle = '',
  yTitle = '',
  bands = [],
}) {
  const { left, right, top, bottom } = { ...MARGIN, ...margin };
  const foot = height - bottom,
    end = width - right;
  /** @param {number} v */
  const X = (v) => left + ((v - xRange[0]) / (xRange[1] - xRange[0])) * (end - left);
  /** @param {number} v */
  const Y = (v) => foot - ((v - yRange[0]) / (yRange[1] - yRange[0])) * (foot - top);
  /** @param {Point} p */
  const point = (p) => `${X(p[0]).toFixed(1)} ${Y(p[1]).toFixed(1)}`;

  const drawn = [],
    hits = []; // hits: pointer targets, wider than the lines and on top
  for (const v of yTicks) {
    drawn.push(`<path d="M${left} ${Y(v)}H${end}" stroke="var(--grid)"/>`);
    drawn.push(`<text x="${left - 6}" y="${Y(v) + 4}" text-anchor="end">${yLabel(v)}</text>`);
  }
  for (const [v, label, anchor] of xTicks)
    drawn.push(`<text x="${X(v)}" y="${foot + 16}" text-anchor="${anchor}">${label}</text>`);
  if (xTitle)
    drawn.push(`<text class="title" x="${(left + end) / 2}" y="${height - 4}" text-anchor="middle">${xTitle}</text>`);
  if (yTitle) drawn.push(`<text class="title" x="2" y="12" text-anchor="start">${yTitle}</text>`);
  for (const { from, to, colour } of bands) drawn.push(band({ left, right: end, from: Y(from), to: Y(to) }, colour));
  drawn.push(`<path d="M${left} ${foot}H${end}" stroke="var(--ref)"/>`);
  for (const line of lines) {
    const link = line.link ? ` data-link="${line.link}"` : '',
      name = line.name ? ` data-name="${line.name}"` : '';
    for (const [x, low, high] of line.bars ?? []) drawn.push(errorBar(X(x), Y(low), Y(high), line.colour));
    if (line.points.length > 1) {
      const d = `d="M${line.points.map(point).join('L')}" fill="none"`;
      const stroke = `stroke="${line.colour}" stroke-width="${emphasis * (line.width || 2.25)}" stroke-dasharray="${line.dash || 'none'}"`;
      drawn.push(`<path class="line" ${d}${link} ${stroke} stroke-linejoin="round" stroke-linecap="round"${name}/>`);
      if (link) hits.push(`<path class="hit" ${d}${link} stroke-width="16"/>`);
    } else if (line.points.length && !line.marker) {
      drawn.push(`<circle cx="${X(line.points[0][0])}" cy="${Y(line.points[0][1])}" r="2" fill="${line.colour}"/>`);
    }
    for (const [x, y] of line.marker ? line.points : [])
      drawn.push(marker(line.marker ?? 'circle', X(x), Y(y), line.colour, emphasis));
    if (line.label) {
      const { at, dy, text, colour } = line.label;
      const style = colour ? ` style="fill: ${colour}"` : '';
      drawn.push(`<text class="label" x="${X(at[0])}" y="${Y(at[1]) + dy}" text-anchor="start"${style}>${text}</text>`);
    }
  }
  for (const p of dots) drawn.push(`<circle cx="${X(p[0])}" cy="${Y(p[1])}" r="1.9" fill="var(--ink2)"/>`);
  const inside = `${drawn.join('')}<g class="cursor"></g>${hits.join('')}`;
  const svg = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${inside}</svg>`;
  return { svg, X, Y, top, foot };
}

/**
 * The part of a chart that follows the scrubber.
 * @param {Chart} chart
 * @param {number} x
 * @param {[x: number, y: number, colour: string, link?: string][]} points
 * @param {string} [extra]
 */
export function cursorMarks({ X, Y, top, foot }, x, points, extra = '') {
  const line = `<path d="M${X(x)} ${top}V${foot}" stroke="var(--ink)" stroke-width="1"/>`;
  const marks = points.map(([px, py, colour, link]) => {
    const linked = link ? ` data-link="${link}"` : '';
    return `<circle cx="${X(px)}" cy="${Y(py)}" r="4" fill="${colour}" stroke="var(--bg)" stroke-width="1.5"${linked}/>`;
  });
  return line + extra + marks.join('');
}
