// Convert TeX to one line of Unicode text, for screen readers, plain labels and SVG files. No DOM.

const COMMANDS = {
  alpha: 'α',
  beta: 'β',
  eta: 'η',
  theta: 'θ',
  mu: 'μ',
  sigma: 'σ',
  tau: 'τ',
  omega: 'ω',
  varepsilon: 'ε',
  Sigma: 'Σ',
  nabla: '∇',
  gamma: 'γ',
  lambda: 'λ',
  prod: '∏',
  sum: '∑',
  approx: ' ≈ ',
  propto: ' ∝ ',
  ne: ' ≠ ',
  sim: ' ~ ',
  Rightarrow: ' ⇒ ',
  leftarrow: ' ← ',
  Delta: 'Δ',
  lfloor: '⌊',
  rfloor: '⌋',
  cdots: '⋯',
  cdot: '·',
  times: '×',
  to: ' → ',
  dots: '…',
  ldots: '…',
  le: ' ≤ ',
  ge: ' ≥ ',
  in: ' ∈ ',
  gt: ' > ',
  lt: ' < ',
  log: 'log ',
  sin: 'sin ',
  cos: 'cos ',
  mid: ' | ',
  '|': '∥',
  Vert: '∥',
  ',': ' ',
  ';': ' ',
  ':': ' ',
  ' ': ' ',
  quad: '  ',
  '!': '',
  left: '',
  right: '',
  bigl: '',
  bigr: '',
  Bigl: '',
  Bigr: '',
  biggl: '',
  biggr: '',
  '{': '{',
  '}': '}',
  displaystyle: '',
};
const ACCENTS = { bar: '\u0304', hat: '\u0302', tilde: '\u0303' };
const SPACED = { '=': ' = ', '+': ' + ', '-': '−', '<': ' < ', '>': ' > ', '~': ' ', ',': ', ' };
const TOKEN = /\\[a-zA-Z]+|\\.|[\s\S]/g;

/** Whether a text needs parentheses in a product, quotient or root. @param {string} text */
const isCompound = (text) => /[\s+−/·=(]/.test(text.replace(/\{[^}]*\}/g, ''));
/** @param {string} text */
const bracketed = (text) => (isCompound(text) && !/^\([^()]*\)$/.test(text) ? `(${text})` : text);

/**
 * @param {string} tex
 * @param {boolean} [barred] whether \ab is written with a bar
 */
export function plainMath(tex, barred = true) {
  const tokens = tex.match(TOKEN) ?? [];
  let at = 0;

  function raw() {
    // the content of an argument in braces
    let depth = 0,
      text = '';
    do {
      const token = tokens[at++];
      if (token === '{') depth += 1;
      else if (token === '}') depth -= 1;
      text += token;
    } while (depth > 0 && at < tokens.length);
    return text.slice(1, -1);
  }
  /** @returns {string} */
  function argument() {
    while (tokens[at] === ' ') at += 1;
    if (tokens[at] !== '{') return atom(tokens[at++] ?? '');
    at += 1;
    return group();
  }
  /** @param {string} token @returns {string} */
  function atom(token) {
    if (token === ' ') return '';
    if (!token.startsWith('\\')) return SPACED[token] ?? token;
    const name = token.slice(1);
    if (name in ACCENTS) return argument().replace(/^./u, (letter) => letter + ACCENTS[name]);
    if (name === 'ab') {
      const index = argument();
      return `α${barred ? ACCENTS.bar : ''}${index ? script('_', index) : ''}`;
    }
    if (name === 'sqrt') return `√${bracketed(argument())}`;
    if (name === 'frac' || name === 'tfrac' || name === 'dfrac')
      return `${bracketed(argument())}/${bracketed(argument())}`;
    if (name === 'htmlClass' || name === 'htmlData') {
      raw();
      return argument();
    }
    if (['mathrm', 'text', 'operatorname', 'mathit', 'mathbb', 'mathcal'].includes(name)) return argument();
    return COMMANDS[name] ?? name;
  }
  function script(mark, text) {
    if (mark === '^' && text === '2') return '²';
    return [...text.normalize('NFC')].length === 1 ? `${mark}${text}` : `${mark}{${text}}`;
  }
  function group() {
    let text = '';
    while (at < tokens.length) {
      const token = tokens[at++];
      if (token === '}') break;
      if (token === '{') text += group();
      else if (token === '_' || token === '^') text += script(token, argument());
      else text += atom(token);
    }
    return text;
  }
  return group().replace(/ +/g, ' ').trim().normalize('NFC');
}

/**
 * Split a one-line formula into normal text, indices (`lower` is 1) and exponents (`lower` is -1).
 * @param {string} plain
 * @returns {{ text: string, lower: number }[]}
 */
export function scriptsOf(plain) {
  const pieces = [];
  for (const [, base, mark, braced, single] of plain.matchAll(/([^_^]+)|([_^])(?:\{([^}]*)\}|(\S))/gu)) {
    if (base) pieces.push({ text: base, lower: 0 });
    else pieces.push({ text: braced ?? single, lower: mark === '_' ? 1 : -1 });
  }
  return pieces;
}
