// Charts on the page: scaled for projector mode, with a label for screen readers and a cursor. Geometry is in chart.js.
import { cursorMarks, lineChart } from './chart.js';
import { currentLanguage, say } from './localize.js';
import { textOf } from './math.js';

/** @typedef {import('./chart.js').Chart} Chart */

/** A line width, thicker in projector mode. @param {number} width */
export const bold = (width) => ('projector' in document.body.dataset ? 1.6 * width : width);

/**
 * @param {import('./chart.js').ChartOptions} options
 * @returns {Chart}
 */
export const chart = (options) => lineChart({ ...options, emphasis: bold(1) });

/**
 * The heading above a chart.
 * @param {Element} plot
 * @returns {HTMLElement | null}
 */
export function headingOf(plot) {
  let heading = plot.previousElementSibling;
  while (heading && !/^H[1-6]$/.test(heading.tagName)) heading = heading.previousElementSibling;
  return /** @type {HTMLElement | null} */ (heading);
}

/** Selector of the contents of a heading that are not its title. */
export const BESIDE_TITLE = '.segments, .value, svg, input, .more';

/** The text of a heading. @param {Element} heading */
function titleOf(heading) {
  const copy = /** @type {Element} */ (heading.cloneNode(true));
  for (const part of copy.querySelectorAll(BESIDE_TITLE)) part.remove();
  return textOf(copy).trim();
}

/**
 * The label of a chart for screen readers.
 * @param {Element} plot
 */
export function describeChart(plot) {
  if (!plot.firstChild) return plot.removeAttribute('role');
  const named = /** @type {HTMLElement[]} */ ([...plot.querySelectorAll('text.label, [data-name]')]);
  const lines = named.map((node) => node.dataset.name ?? node.textContent);
  const heading = headingOf(plot);
  const values = { title: heading ? titleOf(heading) : '', lines: lines.join('; ') };
  plot.role = 'img';
  plot.ariaLabel = say(lines.length ? 'chart.aloud_lines' : 'chart.aloud', values);
}

/**
 * @param {Element} holder of the chart
 * @param {Chart} drawn
 * @param {number} x
 * @param {[x: number, y: number, colour: string, link?: string][]} points
 * @param {string} [extra]
 */
export function drawCursor(holder, drawn, x, points, extra = '') {
  const cursor = holder.querySelector('.cursor');
  if (cursor) cursor.innerHTML = cursorMarks(drawn, x, points, extra);
}

/** The HTML that each element's content was made from. @type {WeakMap<Element, string>} */
const sources = new WeakMap();

/**
 * Replace an element's content only when it changes, so that focus and hover are kept. The label of a chart is updated in any case,
 * because it depends on the language.
 * @param {Element} target
 * @param {string} html
 */
export function write(target, html) {
  const isPlot = target.matches('.plot'),
    source = isPlot ? currentLanguage() + html : html;
  if (sources.get(target) === source) return;
  sources.set(target, source);
  target.innerHTML = html;
  if (isPlot) describeChart(target);
}
