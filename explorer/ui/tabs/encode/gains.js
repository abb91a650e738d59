// What the chosen inversion gains over the plain one at S = 10, as texts whose place does not depend on the numbers.
import { say, sayHtml } from '../../web/localize.js';
import { digits } from '../../web/numbers.js';
import { callsOfTrip, wordOf } from './errors.js';

const S = 10;

/**
 * The text for a ratio, and the others that may stand in its place.
 * @param {number} ratio of the plain error to this one; NaN if it is not known yet
 * @param {string} larger the word for a larger error
 * @param {(word: string, times: string) => string} textOf HTML
 * @returns {string} HTML: the texts on top of each other, so that the place of the longest is reserved; at most one is seen
 */
function gain(ratio, larger, textOf) {
  const times = digits(Math.max(ratio, 1 / ratio) || 1, 2);
  const said = ratio > 0 ? (ratio >= 1 ? 'smaller' : larger) : '';
  const texts = ['smaller', larger].map((word) => {
    const hidden = word === said ? '' : ' class="ghost" aria-hidden="true"';
    return `<span${hidden}>${textOf(word, times)}</span>`;
  });
  return `<span class="room">${texts.join('')}</span>`;
}

/**
 * The gain for this picture, with its cost, and that of the median of held-out pictures.
 * @param {object} run
 * @param {Record<string, import('./errors.js').ErrorsByLength>} run.table by inversion
 * @param {Record<string, import('./errors.js').HeldOutByLength>} run.heldOut by inversion
 * @param {string} run.inversion
 * @param {{ ahead: boolean, refine: number }} run.settings
 * @returns {string} HTML; empty for the plain inversion
 */
export function gainTexts({ table, heldOut, inversion, settings }) {
  if (inversion === 'plain') return '';
  const how = say(`encode.how.${wordOf(inversion)}`);
  const calls = digits(callsOfTrip(S, inversion) / callsOfTrip(S, 'plain'), 3);
  const larger = settings.ahead || settings.refine ? 'diverged' : 'larger';
  const ofThis = gain(table.plain[S] / table[inversion][S], larger, (word, times) =>
    sayHtml(`encode.gain.${word}`, { how, times, calls }),
  );
  const [plain, chosen] = ['plain', inversion].map((name) => heldOut[name]?.[S]);
  if (!plain?.quartiles || !chosen?.quartiles) return ofThis;
  const n = chosen.quartile_pictures;
  return (
    gain(plain.quartiles[1] / chosen.quartiles[1], 'larger', (word, times) =>
      sayHtml(`encode.gain_median.${word}`, { how, n, times }),
    ) + ofThis
  );
}
