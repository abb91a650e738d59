// Formulas, rendered by KaTeX. It never gets text from a user.
import { notation } from './page_state.js';
import { plainMath } from './plain_math.js';
import { renderToString } from './vendor/katex/katex.js';

/** The expansion of \ab{t}, by notation. */
const ALPHA_BAR = { ddpm: '\\bar\\alpha_{#1}', ddim: '\\alpha_{#1}' };
/** @type {Map<string, string>} */
const rendered = new Map();

/**
 * A formula as HTML, <span class="m">, with its plain-text form in data-plain.
 * @param {string} tex
 * @param {string} [plain]
 */
export function math(tex, plain) {
  const symbols = notation(),
    key = symbols + tex;
  const known = rendered.get(key);
  if (known) return known;
  const line = plain ?? plainMath(tex, symbols === 'ddpm');
  const set = renderToString(tex, {
    output: 'html',
    trust: true,
    strict: false,
    macros: { '\\ab': ALPHA_BAR[symbols] },
  });
  const barred = tex.includes('\\ab') ? ' data-barred' : '';
  const html = `<span class="m" role="math" aria-label="${line}" data-plain="${line}"${barred}>${set}</span>`;
  rendered.set(key, html);
  return html;
}

/**
 * A formula as a value for `sayHtml`.
 * @param {string} tex
 */
export const formula = (tex) => ({ html: math(tex) });

/**
 * The text of an element, with formulas as plain text.
 * @param {Node} node
 */
export function textOf(node) {
  const copy = /** @type {HTMLElement} */ (node.cloneNode(true));
  for (const part of copy.querySelectorAll('.m'))
    part.replaceWith(/** @type {HTMLElement} */ (part).dataset.plain ?? '');
  return copy.textContent ?? '';
}
