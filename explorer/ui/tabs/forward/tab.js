// The Forward stage. The picture at any t is made here, from x_0, eps and alpha_bar: a slider needs no server for it.
let x_0, eps, alphaBar, tau = [], pixels = [], processes = {}, loss = {}, T = 1000;
let t;
function look(wanted) { t = wanted.has('t_forward') ? +wanted.get('t_forward') : 300; }
look(new URLSearchParams(location.search));
const time = $('.time'), LEVEL = 1.5;
const colours = { negative: [1, 92, 85], zero: [246, 245, 241], positive: [130, 68, 8] };
const PIXEL_COLOURS = ['var(--ink)', 'var(--x0)', 'var(--direction)'];
const PROCESSES = ['markov', '1', '0.5', '0'], ABOUT = { markov: 'forward.markov', 1: 'forward.backwards', 0.5: 'forward.between', 0: 'forward.fixed' };
const nameOf = process => process === 'markov' ? say('forward.markov_name') : math(`<i>η</i> = ${process}`);
const JUMP = formula(`${X_T} = <span class="x0-colour">${sqrt(ALPHA(T_))}&thinsp;<i>x</i><sub>0</sub></span> + <span class="noise-colour">${sqrt('1−' + ALPHA(T_))}&thinsp;<i>ε</i></span>`);

function receive() {
  [x_0, eps, alphaBar] = [floats(value.x_0), floats(value.eps), floats(value.alpha_bar)];
  tau = JSON.parse(value.tau);
  pixels = JSON.parse(value.pixels);
  processes = JSON.parse(value.processes);
  loss = JSON.parse(value.loss);
  T = value.T;
  time.max = T;
  t = Math.min(T, Math.max(0, t));
  drawn = '';
  $('[name="pixels"]').placeholder = pixels.map(([row, column]) => `${row}:${column}`).join(', ');
}

// ---- pictures ---------------------------------------------------------------------------------------------------
let drawn = '';
function fill(canvas, pixel) {
  const [, H, W] = value.shape;
  if (canvas.width !== W || canvas.height !== H) [canvas.width, canvas.height] = [W, H];
  [canvas.style.width, canvas.style.height] = W > H ? ['', 'auto'] : ['auto', ''];   // the longer side as the style says
  const data = new ImageData(W, H);
  for (let i = 0; i < H * W; i++) { pixel(i, data.data, 4 * i); data.data[4 * i + 3] = 255; }
  canvas.getContext('2d').putImageData(data, 0, 0);
}
const natural = v => Math.round((Math.min(1, Math.max(-1, v)) + 1) * 127.5);
function mixed(a, b) {
  const [C, H, W] = value.shape, n = H * W;
  return (i, out, at) => { for (let c = 0; c < 3; c++) { const k = (C === 1 ? 0 : c * n) + i; out[at + c] = natural(a * x_0[k] + b * eps[k]); } };
}
function signed(values) {
  const [C, H, W] = value.shape, n = H * W;
  return (i, out, at) => {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += values[c * n + i] / C;
    const level = Math.max(-1, Math.min(1, mean / LEVEL)), end = level < 0 ? colours.negative : colours.positive;
    for (let c = 0; c < 3; c++) out[at + c] = Math.round(colours.zero[c] + (end[c] - colours.zero[c]) * Math.abs(level));
  };
}

function draw() {
  drawChosen(value.examples, i => `example/${i}`);
  write($('.say'), sayHtml('forward.lead', { jump: JUMP }));
  const a = Math.sqrt(alphaBar[t]), b = Math.sqrt(1 - alphaBar[t]);
  if (drawn === '') { fill($('.x_0'), mixed(1, 0)); fill($('.eps'), signed(eps)); drawPaths(); drawLoss(); drawTable(); }
  drawn = 'all';
  fill($('.x_t'), mixed(a, b));
  markPixels();
  write($('[data-of-coefficient="x_0"]'), `${fixed(a, 4)} ×`);
  write($('[data-of-coefficient="eps"]'), `${fixed(b, 4)} ×`);
  $('.x_t').ariaLabel = say('forward.noised_aloud', { time: t });
  write($('.now-t'), sayHtml('stage.at_time', { picture: formula(X_T), time: t }));
  write($('.T'), `${T}`);
  time.value = t;
  time.style.setProperty('--at', `${100 * t / T}%`);
  time.setAttribute('aria-valuetext', `t = ${t}`);
  drawBell();
  drawCursors();
}

function markPixels() {   // a ring around each chosen pixel, on both pictures
  for (const name of ['.x_0', '.x_t']) {
    const canvas = $(name), context = canvas.getContext('2d');
    if (name === '.x_0') fill(canvas, mixed(1, 0));
    const css = getComputedStyle(document.body);
    pixels.forEach(([row, column], i) => { context.strokeStyle = css.getPropertyValue(PIXEL_COLOURS[i].slice(4, -1)); context.lineWidth = 1; context.strokeRect(column - 1.5, row - 1.5, 4, 4); });
  }
}
$('.x_0').addEventListener('click', event => {
  const box = event.target.getBoundingClientRect(), [, H, W] = value.shape;
  const here = `${Math.floor((event.clientY - box.top) / box.height * H)}:${Math.floor((event.clientX - box.left) / box.width * W)}`;
  const now = pixels.map(([row, column]) => `${row}:${column}`);
  set({ pixels: event.ctrlKey || event.metaKey ? [...now.filter(p => p !== here).slice(-2), here].join(', ') : here });
});

// ---- the posterior of one pixel ---------------------------------------------------------------------------------
function drawBell() {   // q_sigma(x_prev | x_t, x_0) for the first pixel, x_t being the one on the screen
  const [row, column, x] = pixels[0], [, , W] = value.shape, e = eps[row * W + column];
  const from = tau.find(u => u >= t) ?? tau.at(-1), to = [...tau].reverse().find(u => u < from) ?? 0;
  const ab = alphaBar[from], prev = alphaBar[to], x_t = Math.sqrt(ab) * x + Math.sqrt(1 - ab) * e;
  const sigma1 = Math.sqrt((1 - prev) / (1 - ab)) * Math.sqrt(Math.max(0, 1 - ab / prev)), yours = +settings().eta;
  const bell = eta => ({ sigma: eta * sigma1, mean: Math.sqrt(prev) * x + Math.sqrt(Math.max(0, 1 - prev - (eta * sigma1) ** 2)) * (x_t - Math.sqrt(ab) * x) / Math.sqrt(1 - ab) });
  const width = Math.max(220, $('.bell .plot').clientWidth), range = [-2.6, 2.6], one = bell(1), top = one.sigma > 0 ? 3.2 / (one.sigma * Math.sqrt(2 * Math.PI)) : 1;
  const curve = ({ sigma, mean }) => sigma < 1e-6 ? [[mean, 0], [mean, top]] : Array.from({ length: 241 }, (_, i) => { const v = mean + (i - 120) / 30 * sigma; return [v, Math.min(top, Math.exp(-.5 * ((v - mean) / sigma) ** 2) / (sigma * Math.sqrt(2 * Math.PI)))]; }).filter(p => p[0] >= range[0] && p[0] <= range[1]);
  write($('.bell h3'), sayHtml('forward.bell', { posterior: formula(`<i>q<sub>σ</sub></i>(${X_PREV} | ${X_T}, <i>x</i><sub>0</sub>)`), from, to }));
  const mine = bell(yours);
  const { svg } = chart({ width, height: 150, xRange: range, yRange: [0, top], yTicks: [], xTicks: [[-2, '−2', 'middle'], [0, '0', 'middle'], [2, '2', 'middle']], lines: [
    { points: curve(one), colour: 'var(--ref)', width: 1.5 }, { points: curve(bell(.5)), colour: 'var(--ref)', width: 1.5, dash: '3 3' }, { points: curve(mine), colour: 'var(--noise)' } ] });
  write($('.bell .plot'), svg);
  write($('.bell p'), sayHtml('forward.yours', { yours: digits(yours, 3), mean: fixed(mine.mean, 3), std: fixed(mine.sigma, 3) }));
}

// ---- paths ------------------------------------------------------------------------------------------------------
let plots = {};
function drawPaths() {
  const several = pixels.length > 1, red = value.shape[0] === 3, key = red ? several ? 'forward.pixels_red' : 'forward.pixel_red' : several ? 'forward.pixels_grey' : 'forward.pixel_grey';
  write($('.about-paths'), sayHtml(key, { marginal: formula(`<i>q</i>(${X_T} | <i>x</i><sub>0</sub>)`) }));
  if (!$('.four').children.length) $('.four').innerHTML = PROCESSES.map(name => `<div data-process="${name}"><h4></h4><div class="plot"></div></div>`).join('');
  const band = (x, s) => Array.from({ length: 101 }, (_, i) => { const u = Math.round(i * T / 100); return [u, Math.sqrt(alphaBar[u]) * x + s * 2 * Math.sqrt(1 - alphaBar[u])]; });
  plots = {};
  for (const name of PROCESSES) {
    write($(`[data-process="${name}"] h4`), `${nameOf(name)} <span class="sub">${sayHtml(ABOUT[name])}</span>`);
    const plot = $(`[data-process="${name}"] .plot`), width = Math.max(200, plot.clientWidth), process = processes[name];
    const bands = pixels.flatMap(([, , x], i) => [{ points: band(x, 1), colour: PIXEL_COLOURS[i], width: .75, dash: '2 3' }, { points: band(x, -1), colour: PIXEL_COLOURS[i], width: .75, dash: '2 3' }, { points: band(x, 0), colour: 'var(--ref)', width: 1.5 }]);
    const paths = process.paths.flatMap((pixel, i) => pixel.map((path, k) => ({ points: path.map((v, j) => [process.t[j], v]), colour: PIXEL_COLOURS[i], width: k ? 1 : 1.5 })));
    plots[name] = chart({ width, height: 216, xRange: [0, T], yRange: [-3.1, 3.1], yTicks: [-2, 0, 2], yLabel: v => minus(String(v)), xTicks: [[0, 't = 0', 'start'], [T / 2, T / 2, 'middle'], [T, T, 'end']], lines: [...bands, ...paths] });
    write(plot, plots[name].svg);
  }
}
function drawCursors() {
  for (const [name, plot] of Object.entries(plots)) drawCursor($(`[data-process="${name}"] .plot`), plot, t, []);
  if (lossPlot) drawCursor($('.loss .plot'), lossPlot, t, []);
}

let lossPlot = null;
function drawLoss() {
  const curve = loss.curve.map(([u, v]) => [u, Math.log10(v)]);
  if (!curve.length) { lossPlot = null; write($('.loss .plot'), ''); }
  else {
    const low = Math.floor(Math.min(...curve.map(p => p[1])));
    lossPlot = chart({ width: Math.max(240, $('.loss .plot').clientWidth), height: 190, xRange: [0, T], yRange: [low, 0], yTicks: Array.from({ length: -low + 1 }, (_, k) => low + k), yLabel: powerOfTen, xTicks: [[0, 't = 0', 'start'], [T / 2, T / 2, 'middle'], [T, T, 'end']], lines: [{ points: curve, colour: 'var(--ink)' }] });
    write($('.loss .plot'), lossPlot.svg);
  }
  write($('.loss p'), sentences(sentence(loss.note), sayHtml('forward.marginals')));
}

function drawTable() {
  const rows = [['forward.mean', p => fixed(p.mean, 3)], ['forward.variance', p => fixed(p.variance, 3)], ['forward.largest', p => fixed(p.largest, 2)], ['forward.correlation', p => fixed(p.correlation, 3)], ['paths.length', p => fixed(p.straightness, 2)]];
  write($('.table table'), `<tr><td></td>${PROCESSES.map(n => `<th>${nameOf(n)}</th>`).join('')}</tr>` + rows.map(([term, of]) => `<tr><td>${sayHtml(term)}</td>${PROCESSES.map(n => `<td>${of(processes[n])}</td>`).join('')}</tr>`).join(''));
  const { bound } = processes.markov, worst = Math.max(...PROCESSES.map(n => processes[n].largest));
  write($('.told'), sentences(sayHtml(worst < bound ? 'forward.same' : 'forward.beyond', { walks: value.settings.walks, bound: fixed(bound, 2) }), sayHtml('forward.joint')));
}

function goTo(to) {
  if (!value) return;
  t = Math.max(0, Math.min(T, Math.round(to)));
  publish('explorer:view', { t_forward: t });
  repaint();
}
time.addEventListener('input', () => goTo(+time.value));
listenToKeys(TAB, transportKeys({ by: n => goTo(t + 10 * n), first: () => goTo(0), last: () => goTo(T), says: ['keys.time', 'keys.zero'] }), { inFront, range: time });
function opening() { return null; }
function toggleSettings() {}
for (const event of ['resize', 'explorer:words']) window.addEventListener(event, () => { drawn = ''; });
begin();
