// What the table of Quality shows, as sentences with the numbers of the loaded checkpoint.
import { say, sayHtml, sentences } from '../../web/localize.js';
import { digits } from '../../web/numbers.js';
import { heatRows } from './cells.js';
import { ddimBesideDdpm, lowestOfDdim } from './conclusions.js';

/** @typedef {import('./cells.js').Cells} Cells */
/**
 * @typedef {object} Real the distance of real pictures, see RealDistance in quality_file.py
 * @property {number} distance
 * @property {number} standard_error
 * @property {number} pictures
 * @property {number} draws
 * @property {number | null} deviation
 */
/**
 * @typedef {object} Measured
 * @property {import('./cells.js').Measurement[]} cells
 * @property {Real | null} [real]
 * @property {{ distance: number, pictures: number } | null} [floor]
 */

/** The answer to the question in the title. @param {import('./conclusions.js').Parity} found */
export const headline = ({ reached, ...values }) =>
  sayHtml(`quality.parity_${reached}`, { ...values, fewer: digits(values.fewer ?? NaN, 2) });

/**
 * The list of conclusions, as HTML.
 * @param {Cells} cells
 * @param {Measured} measured
 */
export function findings(cells, measured) {
  const items = [besides(cells), lowest(cells), limits(measured), sayHtml('quality.differs')];
  return items.map((item) => (item ? `<li>${item}</li>` : '')).join('');
}

/** DDIM beside DDPM at each S. @param {Cells} cells */
function besides(cells) {
  const { lower, alike, higher } = ddimBesideDdpm(cells);
  if (!lower.length && !alike.length && !higher.length) return '';
  return sentences(
    lower.length > 0 && sayHtml('quality.ddim_lower', { list: lower.join(', ') }),
    higher.length > 0 && sayHtml('quality.ddim_higher', { list: higher.join(', ') }),
    alike.length > 0 && sayHtml('quality.ddim_alike', { list: alike.join(', ') }),
    sayHtml('quality.rule'),
  );
}

/** How often η = 0 is the best. @param {Cells} cells */
function lowest(cells) {
  const { times, of } = cells['0'] ? lowestOfDdim(heatRows(cells)) : { times: 0, of: 0 };
  return of ? sayHtml('quality.lowest', { times, of }) : '';
}

/** What can be seen with this number of pictures. @param {Measured} measured */
function limits({ real, floor }) {
  return sentences(
    floor && sayHtml('quality.perfect', { n: floor.pictures, floor: digits(floor.distance) }),
    real &&
      sayHtml(`quality.real_${real.draws > 1 ? 'draws' : real.draws ? 'once' : 'extrapolated'}`, {
        n: real.pictures,
        draws: real.draws,
        real: digits(real.distance),
        error: digits(real.standard_error, 2),
        deviation: digits(real.deviation ?? NaN, 2),
      }),
    floor && say('quality.near'),
  );
}
