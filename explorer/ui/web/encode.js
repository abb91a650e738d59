// The Encode stage: a real picture, its latent, the picture again, and how the error falls with S.
let times = [], facts = {}, table = {}, paper = [], measured = {}, wish = null;
function look(wanted) { wish = wanted.has('moment') ? +wanted.get('moment') : null; }
look(new URLSearchParams(location.search));
const x0 = math('<i>x</i><sub>0</sub>'), xT = math('<i>x<sub>T</sub></i>'), S_ = math('<i>S</i>');
$('.say').innerHTML = `Eq. 12 with ${math('<i>η</i> = 0')} run upwards turns any picture into its ${xT}; run downwards it returns.`;
$('.latent-title').innerHTML = `${xT}, its latent`;
$('.again-title').innerHTML = `${x0} again`;
$('.errors h3').innerHTML = `Mean squared error over ${S_}, both ways with ${S_} steps`;
$('.noise h3').innerHTML = `The values of ${xT} against a normal distribution`;

function receive() {
  times = JSON.parse(value.times);
  facts = JSON.parse(value.facts);
  table = JSON.parse(value.table);
  paper = JSON.parse(value.paper);
  measured = JSON.parse(value.measured);
  const t = wish ?? times.at(-1) / 2;
  at = times.reduce((best, u, k) => Math.abs(u - t) < Math.abs(times[best] - t) ? k : best, 0);
}
function moved(k) { wish = times[k]; publish('explorer:view', { moment: wish }); }

const LANES = [
  { name: 'up', title: 'Up: encode', text: 'from left to right' },
  { name: 'down', title: 'Down: sample', text: 'from right to left' },
];
function draw() {
  drawChosen(value.examples, i => `example/${i}`);
  const size = innerWidth > 700 ? 192 : 128, { picture, steps, refine } = value.settings;
  for (const canvas of $$('.trip canvas')) paint(canvas, canvas.dataset.name, size);
  write($('.first-title'), `${x0}, ${picture === 'made' ? 'made by the settings' : typeof picture === 'number' ? `held-out picture ${picture}` : 'your picture'}`);
  write($('.first'), picture === 'made' ? 'with η = 0' : typeof picture === 'number' ? 'not seen in training' : `its middle square, scaled to ${value.shape[2]} × ${value.shape[1]}; kept in memory alone`);
  write($('.up-calls'), `${steps * (1 + refine)} calls`);
  write($('.down-calls'), `${steps} calls`);
  write($('.latent'), facts.std === undefined ? '' : `mean <b>${fixed(facts.mean, 3)}</b>, std <b>${fixed(facts.std, 3)}</b><br>(noise has 0 and 1)<br>${value.latent ? `<button type="button" data-use="steps">Steps</button><button type="button" data-use="a">as A</button><button type="button" data-use="b">as B</button>` : ''}`);
  write($('.again'), facts.mse === undefined ? '' : `mean squared error <b>${digits(facts.mse, 2)}</b>, scaled to [0, 1]`);
  write($('.largest'), facts.largest === undefined ? '' : `largest <b>${fixed(facts.largest, 3)}</b> of 2`);
  write($('.what'), `${math(X_T)} at ${math(T_)} = ${times[at]}`);
  drawFilm(LANES, times, (lane, k) => `${lane.name}/${times[k]}`, k => `t = ${times[k]}`);
  drawErrors();
  drawNoise();
}

function drawErrors() {
  const rows = [...new Set([...Object.keys(table.plain), ...Object.keys(table.refined), ...paper.map(p => p[0])].map(Number))].sort((a, b) => a - b);
  const points = entries => entries.map(([S, e]) => [Math.log10(S), Math.log10(Math.max(e, 1e-9))]), of = name => points(Object.entries(table[name]).map(([S, e]) => [+S, e]).sort((a, b) => a[0] - b[0]));
  const width = Math.max(260, $('.errors .plot').clientWidth), lines = [
    { points: points(paper), colour: 'var(--ref)', width: 1.5, label: { at: points(paper)[2], dy: -8, text: 'paper, CIFAR-10' } },
    { points: points(measured.errors), colour: 'var(--ink2)', width: 1.25, dash: '3 3', name: 'mean of held-out pictures' },
    { points: of('refined'), colour: 'var(--x0)', label: of('refined').length > 1 ? { at: of('refined')[1], dy: 16, text: 'refined' } : null },
    { points: of('plain'), colour: 'var(--ink)', label: of('plain').length > 1 ? { at: of('plain')[1], dy: 18, text: 'this picture' } : null },
  ];
  const lowest = Math.min(-6, ...lines.flatMap(l => l.points.map(p => Math.floor(p[1])))), ticks = Array.from({ length: -lowest }, (_, k) => lowest + k);
  const { svg } = chart({ width, height: 232, xRange: [1, 3], yRange: [lowest, -1], yTicks: ticks, yLabel: powerOfTen, xTicks: [[1, 'S = 10', 'start'], [Math.log10(50), 50, 'middle'], [2, 100, 'middle'], [Math.log10(200), 200, 'middle'], [3, 1000, 'end']], lines, dots: lines.flatMap(l => l.points) });
  write($('.errors .plot'), svg);
  const refined = value.settings.refine > 0, mean = Object.fromEntries(measured.errors), cell = v => v === undefined ? '' : digits(v, 2), of10 = [table.plain[10], table.refined[10]];
  const head = `<tr><th>${S_}</th><th>this picture</th>${refined ? '<th class="x0-colour">refined</th>' : ''}<th>mean</th><th>paper, CIFAR-10</th></tr>`;
  write($('table'), head + rows.map(S => `<tr${S === value.settings.steps ? ' data-here' : ''}><td>${S}</td><td>${cell(table.plain[S])}</td>${refined ? `<td>${cell(table.refined[S])}</td>` : ''}<td>${cell(mean[S])}</td><td>${cell(Object.fromEntries(paper)[S])}</td></tr>`).join(''));
  const bought = refined && of10.every(v => v !== undefined) ? `At ${S_} = 10 the refinement makes the error <b>${digits(of10[0] / of10[1], 2)}</b> times smaller for <b>${digits((2 + value.settings.refine) / 2, 2)}</b> times the calls. ` : '';
  write($('.bought'), bought + `<span></span>`);
  $('.bought span').textContent = `Mean: ${measured.note}.`;
}

function drawNoise() {
  if (!facts.histogram) return write($('.noise .plot'), '');
  const width = Math.max(240, $('.noise .plot').clientWidth), bins = facts.histogram.length, step = 8 / bins, top = Math.max(.45, ...facts.histogram) * 1.05;
  const bars = facts.histogram.map((d, i) => [[-4 + i * step, d], [-4 + (i + 1) * step, d]]).flat();
  const bell = Array.from({ length: 81 }, (_, i) => { const v = -4 + i / 10; return [v, Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI)]; });
  const { svg } = chart({ width, height: 232, xRange: [-4, 4], yRange: [0, top], yTicks: [], xTicks: [-4, -2, 0, 2, 4].map(v => [v, minus(String(v)), 'middle']), lines: [{ points: bell, colour: 'var(--noise)', width: 1.5, name: 'normal distribution' }, { points: bars, colour: 'var(--ink)', width: 1.5, name: 'this latent' }] });
  write($('.noise .plot'), svg);
  const far = facts.std < .85 || facts.std > 1.15;
  write($('.noise p'), `‖${xT}‖ over ${math('√<i>D</i>')} is <b>${fixed(facts.norm, 3)}</b>. ${far ? 'This latent is far from Gaussian noise: with so few steps the way up does not arrive. Flat areas stay flat.' : 'Close to the norm of Gaussian noise.'}`);
}

element.addEventListener('click', event => {
  const use = event.target.closest('[data-use]')?.dataset.use;
  if (!use || !value.latent) return;
  if (use === 'steps') set({ tab: 'steps', seed: value.latent, eta: 0, variance: 'eta' });
  else set({ tab: 'interpolate', way: 'ends', [use]: value.latent });
});
function opening() { return null; }
function toggleSettings() {}
filmKeys();
showSettings();
take();
