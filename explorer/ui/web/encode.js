// The Encode stage: a real picture, its latent, the picture again, and how the error falls with S.
let times = [], facts = {}, table = {}, paper = [], measured = {}, wish = null;
function look(wanted) { wish = wanted.has('moment') ? +wanted.get('moment') : null; }
look(new URLSearchParams(location.search));

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

const lanes = () => [
  { name: 'up', title: say('encode.lane_up'), text: say('encode.rightwards') },
  { name: 'down', title: say('encode.lane_down'), text: say('encode.leftwards') },
];
function draw() {
  drawChosen(value.examples, i => `example/${i}`);
  const size = innerWidth > 700 ? 192 : 128, { picture, steps, refine } = value.settings, kind = picture === 'made' ? 'made' : typeof picture === 'number' ? 'held_out' : 'own';
  for (const canvas of $$('.trip canvas')) paint(canvas, canvas.dataset.name, size);
  write($('.first-title'), sayHtml(`encode.first.${kind}`, { picture }));
  write($('.first'), sayHtml(`encode.about.${kind}`, { width: value.shape[2], height: value.shape[1] }));
  write($('.up-calls'), say('encode.calls', { calls: steps * (1 + refine) }));
  write($('.down-calls'), say('encode.calls', { calls: steps }));
  write($('.latent'), facts.std === undefined ? '' : `${sayHtml('encode.moments', { mean: fixed(facts.mean, 3), std: fixed(facts.std, 3) })}<br>${say('encode.of_noise')}<br>${value.latent ? `<button type="button" data-use="steps">${say('tabs.steps')}</button><button type="button" data-use="a">${say('encode.as_a')}</button><button type="button" data-use="b">${say('encode.as_b')}</button>` : ''}`);
  write($('.again'), facts.mse === undefined ? '' : sayHtml('encode.error', { error: digits(facts.mse, 2) }));
  write($('.largest'), facts.largest === undefined ? '' : sayHtml('encode.largest', { largest: fixed(facts.largest, 3) }));
  write($('.what'), sayHtml('stage.at_time', { picture: formula(X_T), time: times[at] }));
  drawFilm(lanes(), times, (lane, k) => `${lane.name}/${times[k]}`, k => `t = ${times[k]}`);
  drawErrors();
  drawNoise();
}

function drawErrors() {
  const rows = [...new Set([...Object.keys(table.plain), ...Object.keys(table.refined), ...paper.map(p => p[0])].map(Number))].sort((a, b) => a - b);
  const points = entries => entries.map(([S, e]) => [Math.log10(S), Math.log10(Math.max(e, 1e-9))]), of = name => points(Object.entries(table[name]).map(([S, e]) => [+S, e]).sort((a, b) => a[0] - b[0]));
  const { refine } = value.settings, mean = measured.errors[0] ?? [], meanRefined = refine ? measured.errors[refine] ?? [] : [];
  const width = Math.max(260, $('.errors .plot').clientWidth), lines = [
    { points: points(paper), colour: 'var(--ref)', width: 1.5, label: { at: points(paper)[2], dy: -8, text: say('encode.paper') } },
    { points: points(mean), colour: 'var(--ink2)', width: 1.25, dash: '3 3', name: say('encode.mean_name') },
    { points: points(meanRefined), colour: 'var(--x0)', width: 1.25, dash: '3 3', name: say('encode.mean_refined_name') },
    { points: of('refined'), colour: 'var(--x0)', label: of('refined').length > 1 ? { at: of('refined')[1], dy: 34, text: say('encode.refined') } : null },
    { points: of('plain'), colour: 'var(--ink)', label: of('plain').length > (refine ? 2 : 1) ? { at: of('plain')[refine ? 2 : 1], dy: refine ? -8 : 18, text: say('encode.this_picture') } : null },
  ];
  const lowest = Math.min(-6, ...lines.flatMap(l => l.points.map(p => Math.floor(p[1])))), ticks = Array.from({ length: -lowest }, (_, k) => lowest + k);
  const { svg } = chart({ width, height: 232, xRange: [1, 3], yRange: [lowest, -1], yTicks: ticks, yLabel: powerOfTen, xTicks: [[1, 'S = 10', 'start'], [Math.log10(50), 50, 'middle'], [2, 100, 'middle'], [Math.log10(200), 200, 'middle'], [3, 1000, 'end']], lines, dots: lines.flatMap(l => l.points) });
  write($('.errors .plot'), svg);
  const refined = refine > 0, of10 = [table.plain[10], table.refined[10]], columns = [
    ['encode.this_picture', table.plain],
    ...refined ? [['encode.refined', table.refined, 'x0-colour']] : [],
    ['encode.mean', Object.fromEntries(mean)],
    ...meanRefined.length ? [['encode.mean_refined', Object.fromEntries(meanRefined), 'x0-colour']] : [],
    ['encode.paper', Object.fromEntries(paper)],
  ];
  const head = columns.map(([title, , colour]) => `<th${colour ? ` class="${colour}"` : ''}>${say(title)}</th>`).join('');
  const cells = S => columns.map(([, errors]) => `<td>${errors[S] === undefined ? '' : digits(errors[S], 2)}</td>`).join('');
  write($('table'), `<tr><th>${sayHtml('symbol.S')}</th>${head}</tr>` + rows.map(S => `<tr${S === value.settings.steps ? ' data-here' : ''}><td>${S}</td>${cells(S)}</tr>`).join(''));
  const gain = of10[0] / of10[1], bought = refined && gain > 0 && sayHtml(gain >= 1 ? 'encode.bought' : 'encode.overshot', { times: digits(Math.max(gain, 1 / gain), 2), calls: digits((2 + refine) / 2, 2) });
  write($('.bought'), sentences(bought, sayHtml('encode.mean_of', { note: told(measured.note) })));
}

function drawNoise() {
  if (!facts.histogram) return write($('.noise .plot'), '');
  const width = Math.max(240, $('.noise .plot').clientWidth), bins = facts.histogram.length, step = 8 / bins, top = Math.max(.45, ...facts.histogram) * 1.05;
  const bars = facts.histogram.map((d, i) => [[-4 + i * step, d], [-4 + (i + 1) * step, d]]).flat();
  const bell = Array.from({ length: 81 }, (_, i) => { const v = -4 + i / 10; return [v, Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI)]; });
  const { svg } = chart({ width, height: 232, xRange: [-4, 4], yRange: [0, top], yTicks: [], xTicks: [-4, -2, 0, 2, 4].map(v => [v, minus(String(v)), 'middle']), lines: [{ points: bell, colour: 'var(--noise)', width: 1.5, name: say('encode.normal') }, { points: bars, colour: 'var(--ink)', width: 1.5, name: say('encode.this_latent') }] });
  write($('.noise .plot'), svg);
  const far = facts.std < .85 || facts.std > 1.15;
  write($('.noise p'), sentences(sayHtml('encode.norm', { norm: fixed(facts.norm, 3) }), say(far ? 'encode.far' : 'encode.close')));
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
begin();
