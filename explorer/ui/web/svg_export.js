// Export the charts of a stage as one self-contained SVG file: styles are resolved, titles and legends are added.
import { say } from './localize.js';
import { scriptsOf } from './plain_math.js';
import { BESIDE_TITLE, headingOf } from './plot.js';

const FIGURE = { gap: 28, margin: 20, wide: 1120, line: 22, legend: 20 };
const SCRIPT = { size: 9.5, shift: 3.5 }; // of indices and exponents, in px
const SIZE = 13;
const FAMILY = {
  sans: 'IBM Plex Sans, Helvetica, Arial, sans-serif',
  mono: 'IBM Plex Mono, Menlo, monospace',
  math: 'KaTeX_Math, STIX Two Text, Cambria Math, serif',
};
const LETTER = /[\p{Script=Greek}A-Za-z]/u;

/** @typedef {{ text: string, style: Style, lower: number }} Piece part of a word; `lower` is 1 for an index, -1 for an exponent */
/** @typedef {{ family: string, slant: string, weight: string, colour: string }} Style */

const PAINT = /** @type {CanvasRenderingContext2D} */ (
  document.createElement('canvas').getContext('2d', { willReadFrequently: true })
);

/** Convert a CSS colour to #rrggbb, which every SVG reader supports. @param {string} colour */
export function rgb(colour) {
  PAINT.clearRect(0, 0, 1, 1);
  PAINT.fillStyle = colour;
  PAINT.fillRect(0, 0, 1, 1);
  const channels = [...PAINT.getImageData(0, 0, 1, 1).data].slice(0, 3);
  return `#${channels.map((v) => v.toString(16).padStart(2, '0')).join('')}`;
}

/** @param {string} name @param {Record<string, any>} [attributes] @param {string} [text] */
function svgNode(name, attributes = {}, text = '') {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
}

/** @param {CSSStyleDeclaration} css */
const familyOf = (css) =>
  /KaTeX/.test(css.fontFamily) ? FAMILY.math : /Mono/.test(css.fontFamily) ? FAMILY.mono : FAMILY.sans;
/** @param {CSSStyleDeclaration} css @returns {Style} */
const styleOf = (css) => ({ family: familyOf(css), slant: css.fontStyle, weight: css.fontWeight, colour: css.color });

/** Copy a node with its computed style as attributes. @param {Element} node */
function plainCopy(node) {
  const css = getComputedStyle(node),
    copy = svgNode(node.localName);
  for (const { name, value } of node.attributes)
    if (!/^(class|style|data-|aria-)/.test(name)) copy.setAttribute(name, value);
  for (const name of /** @type {const} */ (['fill', 'stroke'])) {
    const isText = name === 'fill' && /^t/.test(node.localName);
    if (copy.hasAttribute(name) || isText) copy.setAttribute(name, css[name] === 'none' ? 'none' : rgb(css[name]));
  }
  if (node.localName === 'text' || node.localName === 'tspan') {
    copy.setAttribute('font-family', familyOf(css));
    copy.setAttribute('font-size', css.fontSize);
    copy.setAttribute('font-style', css.fontStyle);
    copy.setAttribute('font-weight', css.fontWeight);
  }
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.textContent ?? '');
    else if (child instanceof Element && !child.matches('.cursor, .hit')) copy.append(plainCopy(child));
  }
  return copy;
}

/** The words of a heading, with formulas as plain text. @param {Element} heading @returns {Piece[][]} */
function wordsOf(heading) {
  /** @type {Piece[][]} */
  const words = [[]];
  /** @param {string} text @param {Style} style @param {number} lower */
  const add = (text, style, lower) => {
    for (const part of text.split(/(\s+)/)) {
      if (!/^\s+$/.test(part)) {
        if (part) words.at(-1)?.push({ text: part, style, lower });
      } else if (words.at(-1)?.length) words.push([]);
    }
  };
  /** @param {HTMLElement} node */
  const addFormula = (node) => {
    const style = { ...styleOf(getComputedStyle(node)), family: FAMILY.math, weight: '400' };
    for (const { text, lower } of scriptsOf(node.dataset.plain ?? '')) {
      for (const part of text.match(/(?:[\p{Script=Greek}A-Za-z]\p{M}*)+|[^\p{Script=Greek}A-Za-z]+/gu) ?? []) {
        add(part, { ...style, slant: LETTER.test(part) ? 'italic' : 'normal' }, lower);
      }
    }
  };
  /** @param {Node} node */
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      return add(
        (node.textContent ?? '').normalize(),
        styleOf(getComputedStyle(/** @type {Element} */ (node.parentNode))),
        0,
      );
    }
    if (!(node instanceof Element) || node.matches(BESIDE_TITLE)) return;
    if (node.matches('.m')) addFormula(/** @type {HTMLElement} */ (node));
    else node.childNodes.forEach(walk);
  };
  walk(heading);
  return words.filter((word) => word.length);
}

/** @param {Piece[]} word */
function widthOf(word) {
  return word.reduce((sum, { text, style, lower }) => {
    PAINT.font = `${style.slant} ${style.weight} ${lower ? SCRIPT.size : SIZE}px ${style.family}`;
    return sum + PAINT.measureText(text).width;
  }, 0);
}

/** The heading as lines of <text> nodes, at most `width` wide. @param {Element} heading @param {number} width */
function titleOf(heading, width) {
  /** @type {Piece[][][]} */
  const lines = [[]];
  let used = 0;
  for (const word of wordsOf(heading)) {
    const w = widthOf(word) + 4;
    if (used + w > width && lines.at(-1)?.length) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)?.push(word);
    used += w;
  }
  return lines.map((words, row) => {
    const text = svgNode('text', { y: 16 + row * FIGURE.line });
    let moved = 0;
    words.forEach((word, k) => {
      word.forEach(({ text: part, style, lower }, i) => {
        const shift = lower * SCRIPT.shift - moved;
        moved = lower * SCRIPT.shift;
        const type = { 'font-family': style.family, 'font-style': style.slant, 'font-weight': style.weight };
        const look = {
          ...type,
          'font-size': lower ? SCRIPT.size : SIZE,
          fill: rgb(style.colour),
          ...(shift ? { dy: shift } : {}),
        };
        text.append(svgNode('tspan', look, (k && !i ? '\u00a0' : '') + part));
      });
    });
    return text;
  });
}

/** The legend: the names of lines without a label, in rows at most `width` wide. */
function legendOf(svg, width, colour, style) {
  const nodes = [];
  let x = 0,
    y = 0;
  for (const line of svg.querySelectorAll('[data-name]')) {
    const { name } = line.dataset,
      w = 36 + widthOf([{ text: name, style, lower: 0 }]);
    if (x && x + w > width) [x, y] = [0, y + FIGURE.legend];
    const path = plainCopy(line),
      mark = svgNode('path', { d: `M${x} ${y + 8}h16`, fill: 'none' });
    for (const key of ['stroke', 'stroke-width', 'stroke-dasharray']) {
      if (path.hasAttribute(key)) mark.setAttribute(key, path.getAttribute(key) ?? '');
    }
    const type = { 'font-family': FAMILY.sans, 'font-size': 12, fill: colour };
    nodes.push(mark, svgNode('text', { x: x + 21, y: y + 12, ...type }, name));
    x += w + 6;
  }
  return { nodes, height: nodes.length ? y + FIGURE.legend : 0 };
}

/** One chart with its heading and legend. @param {HTMLElement} stage @param {SVGSVGElement} svg */
function figureOf(stage, svg) {
  const group = svgNode('g'),
    width = Number(svg.getAttribute('width')),
    css = getComputedStyle(stage);
  const heading = headingOf(/** @type {Element} */ (svg.parentNode));
  const titles = heading ? titleOf(heading, width) : [];
  const legend = legendOf(svg, width, rgb(css.getPropertyValue('--ink2')), styleOf(css));
  const head = titles.length * FIGURE.line + 4;
  const key = svgNode('g', { transform: `translate(0 ${head})` }),
    chart = svgNode('g');
  key.append(...legend.nodes);
  chart.append(...plainCopy(svg).childNodes);
  group.append(...titles, key, chart);
  return { group, chart, width, above: head + legend.height, height: Number(svg.getAttribute('height')) };
}

/**
 * Export all charts of a stage, in rows. Throws if there are none.
 * @param {HTMLElement} stage
 */
export function chartsAsSvg(stage) {
  const drawn = /** @type {SVGSVGElement[]} */ ([...stage.querySelectorAll('.plot > svg')]);
  const figures = drawn.map((svg) => figureOf(stage, svg)),
    { gap, margin, wide } = FIGURE;
  if (!figures.length) throw new Error(say('menu.no_chart'));
  /** @type {(typeof figures)[]} */
  const rows = [[]];
  /** @param {typeof figures} row */
  const room = (row) => row.reduce((sum, figure) => sum + figure.width + gap, 0);
  for (const figure of figures) {
    const row = rows[rows.length - 1];
    if (row.length && room(row) + figure.width > wide) rows.push([figure]);
    else row.push(figure);
  }
  let y = margin;
  for (const row of rows) {
    const above = Math.max(...row.map((figure) => figure.above)); // the charts in a row are aligned
    row.forEach((figure, i) => {
      figure.group.setAttribute('transform', `translate(${margin + room(row.slice(0, i))} ${y})`);
      figure.chart.setAttribute('transform', `translate(0 ${above})`);
    });
    y += above + Math.max(...row.map((figure) => figure.height)) + gap;
  }
  const W = Math.ceil(2 * margin - gap + Math.max(...rows.map(room))),
    H = Math.ceil(y - gap + margin);
  const all = svgNode('svg', { width: W, height: H, viewBox: `0 0 ${W} ${H}` });
  const background = rgb(getComputedStyle(stage).getPropertyValue('--bg'));
  all.append(
    svgNode('title', {}, stage.getAttribute('aria-label') ?? ''),
    svgNode('rect', { width: W, height: H, fill: background }),
  );
  all.append(...figures.map((figure) => figure.group));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(all)}\n`;
}
