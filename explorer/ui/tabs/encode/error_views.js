// Chart and table of reconstruction errors: this picture, the mean of held-out pictures, and the paper.
import { say, sayHtml } from '../../web/localize.js';
import { digits, powerOfTen } from '../../web/numbers.js';
import { chart } from '../../web/plot.js';
import { byLength, lengthsOf, logPoints, powersFor, wordOf } from './errors.js';

/**
 * @typedef {object} Errors
 * @property {Record<string, import('./errors.js').ErrorsByLength>} table of this picture, by inversion
 * @property {Record<string, import('./errors.js').ErrorOfLength[]>} means of held-out pictures, by inversion
 * @property {import('./errors.js').ErrorOfLength[]} paper
 */

const HEIGHT = 232; // px

/** @param {string} inversion */
const nameOf = (inversion) => say(`encode.way.${wordOf(inversion)}`);

/**
 * The line of this picture. With two lines, the labels are placed so that they do not overlap.
 * @param {string} inversion
 * @param {import('./errors.js').ErrorsByLength} errors
 * @param {boolean} several whether there are lines of other inversions
 */
function lineOf(inversion, errors, several) {
  const points = logPoints(byLength(errors));
  const above = several && inversion === 'plain';
  const at = points[above ? 2 : 1];
  const text = several ? nameOf(inversion) : say('encode.this_picture');
  const label = at ? { at, dy: above ? -8 : 46, text } : null;
  return { points, colour: inversion === 'plain' ? 'var(--ink)' : 'var(--x0)', label };
}

/** @param {string} inversion @param {import('./errors.js').ErrorOfLength[]} errors */
const lineOfMean = (inversion, errors) => ({
  points: logPoints(errors),
  colour: inversion === 'plain' ? 'var(--ink2)' : 'var(--x0)',
  width: 1.25,
  dash: '3 3',
  name: `${say('encode.mean_name')}, ${nameOf(inversion)}`,
});

/**
 * @param {Errors} errors
 * @param {number} width
 * @returns {string} SVG
 */
export function errorChart({ table, means, paper }, width) {
  const ofPaper = logPoints(paper);
  const several = Object.keys(table).length > 1;
  const lines = [
    {
      points: ofPaper,
      colour: 'var(--ref)',
      width: 1.5,
      label: { at: ofPaper[2], dy: -8, text: say('encode.paper') },
    },
    ...Object.entries(means).map(([inversion, errors]) => lineOfMean(inversion, errors)),
    ...Object.entries(table).map(([inversion, errors]) => lineOf(inversion, errors, several)),
  ];
  const points = lines.flatMap((line) => line.points);
  const powers = powersFor(points);
  const { svg } = chart({
    width,
    height: HEIGHT,
    xRange: [1, 3],
    yRange: [powers[0], -1],
    yTicks: powers,
    yLabel: powerOfTen,
    xTicks: [
      [1, 'S = 10', 'start'],
      [Math.log10(50), 50, 'middle'],
      [2, 100, 'middle'],
      [Math.log10(200), 200, 'middle'],
      [3, 1000, 'end'],
    ],
    lines,
    dots: points,
  });
  return svg;
}

/**
 * @param {Errors} errors
 * @param {number} steps S of the settings: its row is highlighted
 * @returns {string} HTML
 */
export function errorTable({ table, means, paper }, steps) {
  const ofMeans = Object.entries(means).map(
    ([inversion, errors]) => /** @type {const} */ ([inversion, Object.fromEntries(errors)]),
  );
  const groups = [
    { title: say('encode.this_picture'), columns: Object.entries(table) },
    { title: say('encode.mean'), columns: ofMeans },
  ].filter(({ columns }) => columns.length);
  const columns = groups.flatMap((group) => group.columns);
  const titles = groups.map((group) => `<th colspan="${group.columns.length}" scope="colgroup">${group.title}</th>`);
  const ways = columns.map(([inversion]) => {
    return `<th scope="col" class="${inversion === 'plain' ? '' : 'x0-colour'}">${nameOf(inversion)}</th>`;
  });
  const ofPaper = say('encode.paper').replace(/[,，] ?/, (comma) => `${comma}<br>`);
  const head =
    `<tr><th rowspan="2" scope="col">${sayHtml('symbol.S')}</th>${titles.join('')}` +
    `<th rowspan="2" scope="col">${ofPaper}</th></tr><tr>${ways.join('')}</tr>`;
  const errors = [...columns.map(([, column]) => column), Object.fromEntries(paper)];
  const rows = lengthsOf(table, paper).map((S) => {
    const cells = errors.map((column) => `<td>${column[S] === undefined ? '' : digits(column[S], 2)}</td>`);
    return `<tr${S === steps ? ' data-here' : ''}><td>${S}</td>${cells.join('')}</tr>`;
  });
  return head + rows.join('');
}
