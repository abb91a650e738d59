// The Paths stage: points of a plane on their way from noise to a mixture, the density of x_t behind them, its score as arrows.
let weights = [], means = [], stds = [], runs = {}, sweep = {}, exact = {}, plane = 'x', at = 1;
function look(wanted) {
  plane = wanted.get('plane') === 'ode' ? 'ode' : 'x';
  at = wanted.has('place') ? Math.min(1, Math.max(0, +wanted.get('place'))) : 1;
}
look(new URLSearchParams(location.search));
const time = $('.time'), RANGE = 3, S_RANGE = 6, GRID = 96, ARROWS = 15;
let alphaBar = [1];
const COLOURS = { 0: '--ink', yours: '--x0', 1: '--noise' };

function receive() {
  [weights, means, stds] = JSON.parse(value.mixture);
  runs = JSON.parse(value.runs);
  sweep = JSON.parse(value.sweep);
  exact = JSON.parse(value.exact);
  alphaBar = floats(value.alpha_bar);
}

// ---- the mixture noised to alpha_bar, in closed form ----------------------------------------------------------------
function noised(ab) {
  const a = Math.sqrt(ab);
  return means.map(([x, y], k) => { const v = ab * stds[k] ** 2 + 1 - ab; return [a * x, a * y, v, weights[k] / (2 * Math.PI * v)]; });
}
function densityAndScore(parts, x, y) {
  let p = 0, gx = 0, gy = 0;
  for (const [mx, my, v, w] of parts) {
    const dx = mx - x, dy = my - y, q = w * Math.exp(-(dx * dx + dy * dy) / (2 * v));
    p += q; gx += q * dx / v; gy += q * dy / v;
  }
  return [p, gx / (p || 1), gy / (p || 1)];
}

const backdrop = document.createElement('canvas');
backdrop.width = backdrop.height = GRID;
let behind = '';
function drawBackdrop(t) {
  const css = getComputedStyle(document.body), key = `${value.settings.mixture}/${t}/${document.body.className}`;
  if (key === behind) return;
  behind = key;
  const parts = noised(alphaBar[t]), field = new Float32Array(GRID * GRID), colour = css.getPropertyValue('--x0').trim();
  let most = 0;
  for (let j = 0; j < GRID; j++) for (let i = 0; i < GRID; i++) most = Math.max(most, field[j * GRID + i] = densityAndScore(parts, ((i + .5) / GRID * 2 - 1) * RANGE, (1 - (j + .5) / GRID * 2) * RANGE)[0]);
  const [r, g, b] = [1, 3, 5].map(k => parseInt(colour.slice(k, k + 2), 16)), data = new ImageData(GRID, GRID);
  for (let i = 0; i < GRID * GRID; i++) data.data.set([r, g, b, Math.round(150 * Math.sqrt(field[i] / most))], 4 * i);
  backdrop.getContext('2d').putImageData(data, 0, 0);
}

// ---- one plane ------------------------------------------------------------------------------------------------------
function drawPlane(name) {
  const canvas = $(`[data-run="${name}"] canvas`), run = runs[name], ratio = devicePixelRatio || 1, side = canvas.clientWidth;
  if (canvas.width !== Math.round(side * ratio)) canvas.width = canvas.height = Math.round(side * ratio);
  const c = canvas.getContext('2d'), css = getComputedStyle(document.body), colour = n => css.getPropertyValue(n).trim();
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, side, side);
  if (!run) return;
  const here = step(run), t = run.t[here];
  let X, Y, place;
  if (plane === 'x') {
    X = v => (v + RANGE) / (2 * RANGE) * side; Y = v => (RANGE - v) / (2 * RANGE) * side;
    place = (path, j) => [X(path[j][0]), Y(path[j][1])];
    c.imageSmoothingEnabled = true;
    c.drawImage(backdrop, 0, 0, side, side);
    if ($('.with-score').checked) drawScore(c, X, Y, t, colour('--ink3'));
  } else {   // s to the right, the first coordinate of x / sqrt(alpha_bar) upwards
    const s = u => Math.sqrt((1 - alphaBar[u]) / alphaBar[u]);
    X = v => 34 + v / S_RANGE * (side - 44); Y = v => side / 2 - v / (2.2 * S_RANGE) * side;
    place = (path, j) => [X(s(run.t[j])), Y(path[j][0] / Math.sqrt(alphaBar[run.t[j]]))];
    axes(c, side, X, Y, colour);
  }
  c.save();
  c.beginPath(); c.rect(0, 0, side, side); c.clip();
  run.x.forEach((path, k) => {
    c.strokeStyle = colour(COLOURS[name]);
    c.globalAlpha = k === 0 ? 1 : name === '0' || plane === 'ode' ? .55 : .22;
    c.lineWidth = k === 0 ? 2 : 1;
    c.beginPath();
    for (let j = path.length - 1; j >= here; j--) { const [px, py] = place(path, j); j === path.length - 1 ? c.moveTo(px, py) : c.lineTo(px, py); }
    c.stroke();
  });
  c.globalAlpha = 1;
  const dot = (path, j, filled) => { const [px, py] = place(path, j); c.beginPath(); c.arc(px, py, 3, 0, 7); c.fillStyle = filled ? colour('--ink') : colour('--bg'); c.fill(); c.strokeStyle = colour('--ink2'); c.lineWidth = 1.25; c.stroke(); };
  if (plane === 'x' && here === 0) { c.fillStyle = colour('--ink'); c.globalAlpha = .35; for (const [x, y] of run.ends) c.fillRect(X(x) - .75, Y(y) - .75, 1.5, 1.5); c.globalAlpha = 1; }
  for (const path of run.x) { if (plane === 'x') dot(path, path.length - 1, false); dot(path, here, true); }
  c.restore();
  canvas.setAttribute('aria-label', say('paths.canvas', { n: run.x.length, time: t }));
}
const step = run => Math.round((1 - at) * (run.t.length - 1));

function drawScore(c, X, Y, t, colour) {
  const parts = noised(alphaBar[t]), scale = RANGE / ARROWS * 1.5;
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = 1;
  for (let i = 0; i < ARROWS; i++) for (let j = 0; j < ARROWS; j++) {
    const x = ((i + .5) / ARROWS * 2 - 1) * RANGE, y = ((j + .5) / ARROWS * 2 - 1) * RANGE, [, gx, gy] = densityAndScore(parts, x, y);
    const size = Math.hypot(gx, gy) || 1, long = scale * Math.min(1, .25 + .75 * size / (size + 2)), [dx, dy] = [gx / size * long, gy / size * long];
    c.globalAlpha = .45;
    c.beginPath(); c.moveTo(X(x), Y(y)); c.lineTo(X(x + dx), Y(y + dy)); c.stroke();
    c.beginPath(); c.arc(X(x + dx), Y(y + dy), 1.5, 0, 7); c.fill();
  }
  c.globalAlpha = 1;
}
function axes(c, side, X, Y, colour) {
  c.strokeStyle = colour('--grid'); c.fillStyle = colour('--ink3'); c.font = '11px "Explorer Mono", monospace'; c.lineWidth = 1;
  for (const v of [0, 2, 4, 6]) { c.beginPath(); c.moveTo(X(v), 8); c.lineTo(X(v), side - 18); c.stroke(); c.fillText(v ? v : 's = 0', X(v) - (v ? 3 : 12), side - 5); }
  for (const v of [-4, 0, 4]) { c.beginPath(); c.moveTo(34, Y(v)); c.lineTo(side, Y(v)); c.stroke(); c.fillText(minus(String(v)), 12, Y(v) + 4); }
}

// ---- numbers ----------------------------------------------------------------------------------------------------------
const etaOf = name => runs[name]?.eta ?? value.settings.eta;
const HEADS = { 0: () => `DDIM ${math('<i>η</i> = 0')}`, yours: () => sayHtml('paths.yours', { setting: formula(etaOf('yours') === 'large' ? '<span class="hat"><i>σ</i></span>' : `<i>η</i> = ${digits(+etaOf('yours'), 3)}`) }), 1: () => `DDPM ${math('<i>η</i> = 1')}` };
function draw() {
  const first = runs['0'];
  if (!first) return;
  const t = first.t[step(first)];
  drawBackdrop(t);
  for (const name of ['0', 'yours', '1']) { write($(`[data-run="${name}"] h3`), `<span class="${name === '1' ? 'noise-colour' : name === 'yours' ? 'x0-colour' : ''}">${HEADS[name]()}</span>`); drawPlane(name); }
  time.value = Math.round(1000 * at);
  time.style.setProperty('--at', `${100 * at}%`);
  time.setAttribute('aria-valuetext', `t = ${t}`);
  write($('.here'), `t = ${t}`);
  const names = Object.keys(HEADS).sort((a, b) => ['0', 'yours', '1'].indexOf(a) - ['0', 'yours', '1'].indexOf(b)).filter(n => runs[n]);
  const rows = [['paths.length', r => fixed(r.straight_ode, 2)], ['paths.length_in_plane', r => fixed(r.straight, 1)], [exact.modes < 10 ? 'paths.shares_of_modes' : 'paths.shares', r => `${fixed(100 * r.shares[0], 1)}–${fixed(100 * r.shares[1], 1)} %`], ['paths.spread', r => fixed(r.spread, 2)], ['paths.energy', r => fixed(r.energy, 3).replace('−0.000', '0.000')]];
  write($('.table table'), `<tr><td></td>${names.map(n => `<th>${HEADS[n]()}</th>`).join('')}</tr>` + rows.map(([term, of]) => `<tr><td>${sayHtml(term, { n: exact.modes })}</td>${names.map(n => `<td>${of(runs[n])}</td>`).join('')}</tr>`).join(''));
  write($('.told'), sayHtml('paths.told', { points: value.settings.points }));
  drawSweep('sweep', 'end');
  drawSweep('before', 'before');
}
function drawSweep(where, key) {
  const plot = $(`.${where} .plot`), width = Math.max(220, plot.clientWidth), kinds = { 0: ['var(--ink)', 'none'], 1: ['var(--noise)', 'none'], large: ['var(--noise)', '2 3'] };
  const lines = Object.entries(kinds).map(([kind, [colour, dash]]) => ({ points: Object.entries(sweep[kind]).map(([S, cell]) => [Math.log(S), cell[key]]).sort((a, b) => a[0] - b[0]), colour, dash, width: 2 }));
  const top = key === 'end' ? 2.4 : 1.8, bottom = key === 'end' ? .6 : .6;
  lines.unshift({ points: [[Math.log(5), 1], [Math.log(1000), 1]], colour: 'var(--x0)', width: 1.5, dash: '2 3' });
  const name = { 1: ['η = 0', -6], 2: ['η = 1', 14], 3: ['σ̂', -8] };
  lines.forEach((line, i) => { const p = line.points[Math.min(i === 3 ? 2 : 3, line.points.length - 1)]; if (name[i] && line.points.length > 3) line.label = { at: p, dy: name[i][1], text: name[i][0] }; });
  const { svg } = chart({ width, height: 190, xRange: [Math.log(5), Math.log(1000)], yRange: [bottom, top], yTicks: [1, 1.5, 2].filter(v => v <= top), xTicks: [[Math.log(5), 'S = 5', 'start'], [Math.log(20), 20, 'middle'], [Math.log(100), 100, 'middle'], [Math.log(1000), 1000, 'end']], lines, dots: lines.slice(1).flatMap(l => l.points) });
  write(plot, svg);
}

function goTo(to) {
  at = Math.min(1, Math.max(0, to));
  publish('explorer:view', { place: at === 1 ? null : +at.toFixed(3) });
  repaint();
}
const one = () => 1 / ((runs['0']?.t.length ?? 2) - 1);   // a step of the run
const play = player(24, () => { if (at === 1) goTo(0); return Boolean(runs['0']); }, () => {
  if (!stage.offsetParent || at >= 1) return false;
  goTo(at + Math.max(1 / 120, one()));
  return true;
});
time.addEventListener('input', () => { play(false); goTo(time.value / 1000); });
element.addEventListener('click', event => {
  const go = event.target.closest('[data-go]')?.dataset.go;
  if (go === 'play') play();
  else if (go) { play(false); goTo(go === 'first' ? 0 : 1); }
});
listenToKeys(TAB, transportKeys({ by: n => goTo(at + n * one()), first: () => goTo(0), last: () => goTo(1), play }), { inFront, range: time, halt: () => play(false) });
for (const input of $$('[name="plane"]')) input.addEventListener('change', event => {
  event.stopPropagation();
  plane = input.value;
  publish('explorer:view', { plane: plane === 'ode' ? 'ode' : null });
  repaint();
});
$('.with-score').addEventListener('change', event => { event.stopPropagation(); repaint(); });
function opening() { return null; }
function toggleSettings() { $(`[name="plane"][value="${plane}"]`).checked = true; }
begin();
