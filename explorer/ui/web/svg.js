// The charts that are drawn, as one SVG file that stands alone: colours and type written out, titles and a legend beside them.
const PAINT = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
function rgb(colour) {   // any CSS colour as #rrggbb, which every reader knows
  PAINT.clearRect(0, 0, 1, 1);
  PAINT.fillStyle = colour;
  PAINT.fillRect(0, 0, 1, 1);
  return `#${[...PAINT.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v.toString(16).padStart(2, '0')).join('')}`;
}
const FIGURE = { gap: 28, margin: 20, wide: 1120, line: 22, legend: 20 };
const svgNode = (name, attributes = {}, text = '') => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
};
const FAMILY = { sans: 'IBM Plex Sans, Helvetica, Arial, sans-serif', mono: 'IBM Plex Mono, Menlo, monospace', math: 'KaTeX_Math, STIX Two Text, Cambria Math, serif' };
const familyOf = css => /KaTeX/.test(css.fontFamily) ? FAMILY.math : /Mono/.test(css.fontFamily) ? FAMILY.mono : FAMILY.sans;

// A copy of a drawn node with all that the page's style gives it as attributes.
function plainCopy(node) {
  const css = getComputedStyle(node), copy = svgNode(node.localName);
  for (const { name, value } of node.attributes) if (!/^(class|style|data-|aria-)/.test(name)) copy.setAttribute(name, value);
  for (const name of ['fill', 'stroke']) if (copy.hasAttribute(name) || (name === 'fill' && /^t/.test(node.localName))) copy.setAttribute(name, css[name] === 'none' ? 'none' : rgb(css[name]));
  if (node.localName === 'text' || node.localName === 'tspan') {
    for (const [name, value] of [['font-family', familyOf(css)], ['font-size', css.fontSize], ['font-style', css.fontStyle], ['font-weight', css.fontWeight]]) copy.setAttribute(name, value);
  }
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.textContent);
    else if (!child.matches?.('.cursor, .hit')) copy.append(plainCopy(child));
  }
  return copy;
}

// A heading as words, each a list of pieces { text, css, lower }: mathematics is set in one line, with roots as √( ).
function wordsOf(heading) {
  const words = [[]], add = (text, css, lower) => text.split(/(\s+)/).forEach(part => {
    if (/^\s+$/.test(part)) { if (words.at(-1).length) words.push([]); }
    else if (part) words.at(-1).push({ text: part, css, lower });
  });
  (function walk(node, lower, mark) {
    if (node.nodeType === Node.TEXT_NODE) return add((node.textContent + (node.textContent && mark)).normalize(), getComputedStyle(node.parentNode), lower);
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches('.segments, .value, svg, input, .more')) return;
    const root = node.matches('.sqrt'), css = getComputedStyle(node);
    if (root) add('√(', css, lower);
    for (const child of node.childNodes) walk(child, node.matches('sub') ? 1 : node.matches('sup') ? -1 : lower, node.matches('.bar') && getComputedStyle(node, '::before').display !== 'none' ? '\u0304' : node.matches('.hat') ? '\u0302' : mark);
    if (root) add(')', css, lower);
  })(heading, 0, '');
  return words.filter(word => word.length);
}

function widthOf(word) {
  return word.reduce((sum, { text, css, lower }) => {
    PAINT.font = `${css.fontStyle} ${css.fontWeight} ${lower ? 9.5 : 13}px ${familyOf(css)}`;
    return sum + PAINT.measureText(text).width;
  }, 0);
}

// The heading as <text> nodes of at most `width`, one below the other.
function titleOf(heading, width) {
  const lines = [[]];
  let used = 0;
  for (const word of wordsOf(heading)) {
    const w = widthOf(word) + 4;
    if (used + w > width && lines.at(-1).length) { lines.push([]); used = 0; }
    lines.at(-1).push(word);
    used += w;
  }
  return lines.map((words, row) => {
    const text = svgNode('text', { y: 16 + row * FIGURE.line });
    let moved = 0;
    words.forEach((word, k) => word.forEach(({ text: part, css, lower }, i) => {
      const shift = lower * 3.5 - moved;
      moved = lower * 3.5;
      text.append(svgNode('tspan', { 'font-family': familyOf(css), 'font-size': lower ? 9.5 : 13, 'font-style': css.fontStyle, 'font-weight': css.fontWeight, fill: rgb(css.color), ...(shift ? { dy: shift } : {}) }, (k && !i ? '\u00a0' : '') + part));
    }));
    return text;
  });
}

// The names of lines that carry no label of their own, in rows of at most `width`.
function legendOf(svg, width, colour) {
  const nodes = [];
  let x = 0, y = 0;
  for (const line of svg.querySelectorAll('[data-name]')) {
    const name = line.dataset.name, w = 36 + widthOf([{ text: name, css: getComputedStyle(stage) }]);
    if (x && x + w > width) { x = 0; y += FIGURE.legend; }
    const path = plainCopy(line), mark = svgNode('path', { d: `M${x} ${y + 8}h16`, fill: 'none' });
    for (const key of ['stroke', 'stroke-width', 'stroke-dasharray']) if (path.hasAttribute(key)) mark.setAttribute(key, path.getAttribute(key));
    nodes.push(mark, svgNode('text', { x: x + 21, y: y + 12, 'font-family': FAMILY.sans, 'font-size': 12, fill: colour }, name));
    x += w + 6;
  }
  return { nodes, height: nodes.length ? y + FIGURE.legend : 0 };
}

function figureOf(svg) {   // one chart below its heading and legend
  const group = svgNode('g'), width = +svg.getAttribute('width');
  const heading = headingOf(svg.parentNode);
  const titles = heading ? titleOf(heading, width) : [];
  const legend = legendOf(svg, width, rgb(getComputedStyle(stage).getPropertyValue('--ink2'))), head = titles.length * FIGURE.line + 4;
  const key = svgNode('g', { transform: `translate(0 ${head})` }), chart = svgNode('g');
  key.append(...legend.nodes);
  chart.append(...plainCopy(svg).childNodes);
  group.append(...titles, key, chart);
  return { group, chart, width, above: head + legend.height, height: +svg.getAttribute('height') };
}

// All charts of this stage, in rows. An Error if none is drawn.
function chartsFile() {
  const figures = [...stage.querySelectorAll('.plot > svg')].map(figureOf), { gap, margin, wide } = FIGURE;
  if (!figures.length) throw new Error(say('menu.no_chart'));
  const rows = [[]], room = row => row.reduce((sum, f) => sum + f.width + gap, 0);
  for (const figure of figures) {
    if (rows.at(-1).length && room(rows.at(-1)) + figure.width > wide) rows.push([]);
    rows.at(-1).push(figure);
  }
  let y = margin;
  for (const row of rows) {   // the charts of a row stand on one line
    const above = Math.max(...row.map(f => f.above));
    row.forEach((figure, i) => {
      figure.group.setAttribute('transform', `translate(${margin + room(row.slice(0, i))} ${y})`);
      figure.chart.setAttribute('transform', `translate(0 ${above})`);
    });
    y += above + Math.max(...row.map(f => f.height)) + gap;
  }
  const W = Math.ceil(2 * margin - gap + Math.max(...rows.map(room))), H = Math.ceil(y - gap + margin);
  const all = svgNode('svg', { width: W, height: H, viewBox: `0 0 ${W} ${H}` });
  all.append(svgNode('title', {}, stage.getAttribute('aria-label')), svgNode('rect', { width: W, height: H, fill: rgb(getComputedStyle(stage).getPropertyValue('--bg')) }), ...figures.map(f => f.group));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(all)}\n`;
}
