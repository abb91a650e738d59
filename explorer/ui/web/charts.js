// Line charts in SVG: hairlines, direct labels, one cursor. x runs downwards when xRange is [1000, 0]. A line that has no label
// but a name is told in the legend of a saved chart.
const bold = width => 'projector' in document.body.dataset ? 1.6 * width : width;   // to be seen from the last row
function chart({ width, height, xRange, yRange, xTicks, yTicks, yLabel = v => v, lines, dots = [] }) {
  const left = 34, right = 8, top = 8, bottom = 20;
  const X = v => left + (v - xRange[0]) / (xRange[1] - xRange[0]) * (width - left - right);
  const Y = v => height - bottom - (v - yRange[0]) / (yRange[1] - yRange[0]) * (height - top - bottom);
  const point = p => `${X(p[0]).toFixed(1)} ${Y(p[1]).toFixed(1)}`;
  let s = '', hits = '';   // hits: what can be pointed at, wider than the lines and above them all
  for (const v of yTicks) s += `<path d="M${left} ${Y(v)}H${width - right}" stroke="var(--grid)"/><text x="${left - 6}" y="${Y(v) + 4}" text-anchor="end">${yLabel(v)}</text>`;
  for (const [v, label, anchor] of xTicks) s += `<text x="${X(v)}" y="${height - 4}" text-anchor="${anchor}">${label}</text>`;
  s += `<path d="M${left} ${height - bottom}H${width - right}" stroke="var(--ref)"/>`;
  for (const line of lines) {
    if (line.points.length > 1) {
      const d = `d="M${line.points.map(point).join('L')}" fill="none"`, link = line.link ? ` data-link="${line.link}"` : '';
      s += `<path class="line" ${d}${link} stroke="${line.colour}" stroke-width="${bold(line.width || 2.25)}" stroke-dasharray="${line.dash || 'none'}" stroke-linejoin="round" stroke-linecap="round"${line.name ? ` data-name="${line.name}"` : ''}/>`;
      if (link) hits += `<path class="hit" ${d}${link} stroke-width="16"/>`;
    } else if (line.points.length) s += `<circle cx="${X(line.points[0][0])}" cy="${Y(line.points[0][1])}" r="2" fill="${line.colour}"/>`;
    if (line.label) s += `<text class="label" x="${X(line.label.at[0])}" y="${Y(line.label.at[1]) + line.label.dy}" text-anchor="start">${line.label.text}</text>`;
  }
  for (const p of dots) s += `<circle cx="${X(p[0])}" cy="${Y(p[1])}" r="1.9" fill="var(--ink2)"/>`;
  return { svg: `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">${s}<g class="cursor"></g>${hits}</svg>`, X, Y, top, foot: height - bottom };
}

// The heading that a chart stands under, and what is said of the chart to those who do not see it.
function headingOf(plot) {
  let heading = plot.previousElementSibling;
  while (heading && !/^H[1-6]$/.test(heading.tagName)) heading = heading.previousElementSibling;
  return heading;
}
function describeChart(plot) {
  const of = [...plot.querySelectorAll('text.label, [data-name]')].map(node => node.dataset.name ?? node.textContent);
  if (!plot.firstChild) return plot.removeAttribute('role');
  plot.role = 'img';
  plot.ariaLabel = say(of.length ? 'chart.aloud_lines' : 'chart.aloud', { title: headingOf(plot)?.textContent ?? '', lines: of.join('; ') });
}

// The part of a chart that follows the scrubber.
function drawCursor(holder, { X, Y, top, foot }, x, points, extra = '') {
  const line = `<path d="M${X(x)} ${top}V${foot}" stroke="var(--ink)" stroke-width="1"/>`;
  const marks = points.map(([px, py, colour, link]) => `<circle cx="${X(px)}" cy="${Y(py)}" r="4" fill="${colour}" stroke="var(--bg)" stroke-width="1.5"${link ? ` data-link="${link}"` : ''}/>`).join('');
  holder.querySelector('.cursor').innerHTML = line + extra + marks;
}
