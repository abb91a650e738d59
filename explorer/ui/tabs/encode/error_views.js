// Chart and table of reconstruction errors: this picture, held-out pictures, and the paper.
import { say, sayHtml } from '../../web/localize.js';
import { digits, powerOfTen, thousands } from '../../web/numbers.js';
import { chart } from '../../web/plot.js';
import {
  byLength,
  callsOfTrip,
  heldOutLine,
  lengthsOf,
  logPoints,
  mostFrequent,
  powersFor,
  spreadLabels,
  wordOf,
} from './errors.js';

/**
 * @typedef {object} Errors
 * @property {Record<string, import('./errors.js').ErrorsByLength>} table of this picture, by inversion
 * @property {Record<string, import('./errors.js').HeldOutByLength>} heldOut by inversion
 * @property {import('./errors.js').ErrorOfLength[]} paper
 */

const HEIGHT = 300; // px
const MARGIN = { left: 40, right: 132, top: 24, bottom: 38 };
const PAPER = 'var(--ref)';
const LABEL_GAP = 14; // px
const LABEL_SHIFT = 0.03; // decades of S, from the end of a line to its label

/** @param {string} inversion */
const nameOf = (inversion) => say(`encode.way.${wordOf(inversion)}`);

/** @param {string} inversion */
const colourOf = (inversion) => (inversion === 'plain' ? 'var(--ink)' : 'var(--x0)');

/** How a line of held-out pictures is called. @param {import('./errors.js').HeldOutByLength} cells */
function nameOfHeldOut(cells) {
  const { ofMedians } = heldOutLine(cells);
  const counts = Object.values(cells).map((cell) => (ofMedians ? cell.quartile_pictures : cell.pictures) ?? 0);
  const n = mostFrequent(counts.filter(Boolean)) ?? 0;
  return say(ofMedians ? 'encode.median_of' : 'encode.mean_of', { n });
}

/**
 * The lines of the chart, each with the text of its label.
 * @param {Errors} errors
 * @returns {(import('../../web/chart.js').Line & { text: string })[]}
 */
function linesOf({ table, heldOut, paper }) {
  const ofPaper = { points: logPoints(paper), colour: PAPER, width: 1.5, text: say('encode.paper') };
  const ofHeldOut = Object.entries(heldOut).map(([inversion, cells]) => ({
    ...heldOutLine(cells),
    colour: colourOf(inversion),
    width: 1.25,
    dash: '3 3',
    text: nameOfHeldOut(cells), // the colour says of which inversion
  }));
  const ofThis = Object.entries(table).map(([inversion, errors]) => ({
    points: logPoints(byLength(errors)),
    colour: colourOf(inversion),
    text: nameOf(inversion),
  }));
  return [ofPaper, ...ofHeldOut, ...ofThis].filter(({ points }) => points.length);
}

/**
 * @param {Errors} errors
 * @param {number} width
 * @returns {string} SVG
 */
export function errorChart(errors, width) {
  const lines = linesOf(errors);
  const powers = powersFor(lines.flatMap(({ points }) => points));
  const yRange = /** @type {[number, number]} */ ([powers[0], -1]);
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
  /** @param {number} y */
  const heightOf = (y) => ((yRange[1] - y) / (yRange[1] - yRange[0])) * plotHeight;
  const ends = lines.map(({ points }) => points[points.length - 1]);
  const heights = ends.map(([, y]) => heightOf(y));
  const placed = spreadLabels(heights, LABEL_GAP);
  const { svg } = chart({
    width,
    height: HEIGHT,
    margin: MARGIN,
    xRange: [1, 3],
    yRange,
    yTicks: powers,
    yLabel: powerOfTen,
    xTicks: errors.paper.map(([S]) => [Math.log10(S), S, 'middle']),
    xTitle: say('encode.axis_steps'),
    yTitle: say('encode.axis_error'),
    lines: lines.map(({ text, bars, ...line }, i) => ({
      ...line,
      bars: bars?.map(
        ([x, low, high]) => /** @type {import('../../web/chart_marks.js').Bar} */ ([x, Math.max(low, yRange[0]), high]),
      ),
      label: {
        at: [ends[i][0] + LABEL_SHIFT, ends[i][1]],
        dy: placed[i] - heights[i] + 4,
        text,
        colour: line.colour === PAPER ? 'var(--ink2)' : line.colour,
      },
    })),
    dots: lines.flatMap(({ points }) => points),
  });
  return svg;
}

/**
 * @param {string} value HTML
 * @param {string} beside HTML, in smaller type below
 * @param {string} [title] plain text
 */
const cell = (value, beside, title = '') =>
  `<td${title ? ` title="${title}"` : ''}>${value || '&nbsp;'}<small>${beside || '&nbsp;'}</small></td>`;

/**
 * The columns of one inversion.
 * @param {string} inversion
 * @param {import('./errors.js').ErrorsByLength} errors of this picture
 * @param {import('./errors.js').HeldOutByLength} cells
 * @param {boolean} narrow leave out the means, where there are medians
 */
function columnsOf(inversion, errors, cells, narrow) {
  const medians = mostFrequent(Object.values(cells).flatMap((entry) => entry.quartile_pictures ?? []));
  const means = mostFrequent(Object.values(cells).map((entry) => entry.pictures));
  /** The number of pictures of a cell, where it is not that of the column. */
  const counted = (n, usual) => (n === usual ? '' : ` ${say('encode.count', { n })}`);
  /** @type {{ head: string, cellOf: (S: number) => string }[]} */
  const columns = [
    {
      head: say('encode.this_picture'),
      cellOf: (S) => cell(errors[S] === undefined ? '' : digits(errors[S], 2), ''),
    },
  ];
  if (medians !== undefined)
    columns.push({
      head: say('encode.median_of', { n: medians }),
      cellOf(S) {
        const { quartiles, quartile_pictures } = cells[S] ?? {};
        if (!quartiles) return cell('', '');
        const [first, median, third] = quartiles.map((v) => digits(v, 2));
        return cell(median, `${first}&nbsp;– ${third}${counted(quartile_pictures, medians)}`);
      },
    });
  if (means !== undefined && !(narrow && medians !== undefined))
    columns.push({
      head: say('encode.mean_of', { n: means }),
      cellOf(S) {
        if (!cells[S]) return cell('', '');
        const { mean, standard_error, pictures } = cells[S];
        return cell(digits(mean, 2), `±&nbsp;${digits(standard_error, 2)}${counted(pictures, means)}`);
      },
    });
  return { inversion, columns };
}

/**
 * @param {Errors} errors
 * @param {number} steps S of the settings: its row is highlighted
 * @param {boolean} narrow whether there is no room for means beside medians
 * @returns {string} HTML
 */
export function errorTable({ table, heldOut, paper }, steps, narrow) {
  const groups = Object.entries(table).map(([inversion, errors]) =>
    columnsOf(inversion, errors, heldOut[inversion] ?? {}, narrow),
  );
  const titles = groups.map(({ inversion, columns }) => {
    const colour = inversion === 'plain' ? '' : ' class="x0-colour"';
    return `<th colspan="${columns.length}" scope="colgroup"${colour}>${nameOf(inversion)}</th>`;
  });
  const columns = groups.flatMap((group) => group.columns);
  const heads = columns.map(({ head }) => `<th scope="col">${head}</th>`);
  const ofPaper = say('encode.paper').replace(/[,，] ?/, (comma) => `${comma}<br>`);
  const head =
    `<tr><th rowspan="2" scope="col">${sayHtml('symbol.S')}</th>${titles.join('')}` +
    `<th rowspan="2" scope="col">${ofPaper}</th></tr><tr>${heads.join('')}</tr>`;
  const published = Object.fromEntries(paper);
  const rows = lengthsOf(table, paper).map((S) => {
    const cells = columns.map(({ cellOf }) => cellOf(S));
    const last = cell(published[S] === undefined ? '' : digits(published[S], 2), '');
    return `<tr${S === steps ? ' data-here' : ''}><td>${S}</td>${cells.join('')}${last}</tr>`;
  });
  return head + rows.join('');
}

/**
 * The choices of the largest S of the table, each with what it costs.
 * @param {object} table
 * @param {number[]} table.offered S to choose from, ascending
 * @param {number[]} table.lengths S that are in the table
 * @param {string[]} table.inversions
 * @returns {string} HTML
 */
export function largerChoices({ offered, lengths, inversions }) {
  const largest = Math.max(...lengths);
  let calls = 0;
  return offered
    .map((S) => {
      if (S > largest) calls += inversions.reduce((sum, inversion) => sum + callsOfTrip(S, inversion), 0);
      const cost = S > largest ? `<small>${say('encode.more_calls', { calls: thousands(calls) })}</small>` : '';
      const text = `${sayHtml('encode.up_to', { steps: S })}${cost}`;
      return `<button type="button" data-largest="${S}" aria-pressed="${S <= largest}">${text}</button>`;
    })
    .join('');
}
