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

const callsUp = S => S * (1 + value.settings.refine) + (value.settings.ahead ? 1 : 0);
const lanes = () => [
  { name: 'up', title: say('encode.lane_up'), text: say('encode.rightwards') },
  { name: 'down', title: say('encode.lane_down'), text: say('encode.leftwards') },
];
function draw() {
  drawChosen(value.examples, i => `example/${i}`);
  const size = innerWidth > 700 ? 192 : 128, { picture, steps } = value.settings, kind = picture === 'made' ? 'made' : typeof picture === 'number' ? 'held_out' : 'own';
  for (const canvas of $$('.trip canvas')) paint(canvas, canvas.dataset.name, size);
  write($('.first-title'), sayHtml(`encode.first.${kind}`, { picture }));
  write($('.first'), sayHtml(`encode.about.${kind}`, { width: value.shape[2], height: value.shape[1] }));
  write($('.up-calls'), say('encode.calls', { calls: callsUp(steps) }));
  write($('.down-calls'), say('encode.calls', { calls: steps }));
  write($('.latent'), facts.std === undefined ? '' : `${sayHtml('encode.moments', { mean: fixed(facts.mean, 3), std: fixed(facts.std, 3) })}<br>${say('encode.of_noise')}<br>${value.latent ? `<button type="button" data-use="steps">${say('tabs.steps')}</button><button type="button" data-use="a">${say('encode.as_a')}</button><button type="button" data-use="b">${say('encode.as_b')}</button>` : ''}`);
  write($('.again'), facts.mse === undefined ? '' : sayHtml('encode.error', { error: digits(facts.mse, 2) }));
  write($('.largest'), facts.largest === undefined ? '' : sayHtml('encode.largest', { largest: fixed(facts.largest, 3) }));
  write($('.what'), sayHtml('stage.at_time', { picture: formula(X_T), time: times[at] }));
  drawFilm(lanes(), times, (lane, k) => `${lane.name}/${times[k]}`, k => `t = ${times[k]}`);
  drawErrors();
  drawReturns();
  drawNoise();
}

// How the way up found its ε, in words: "refined-2" and "refined-3" are both refined.
const worded = inversion => inversion.replace(/-?\d+$/, '').replace('-', '_');
function drawErrors() {
  const ways = Object.keys(table), chosen = value.inversion, colourOf = way => way === 'plain' ? '' : 'x0-colour';
  const rows = [...new Set([...ways.flatMap(way => Object.keys(table[way])), ...paper.map(p => p[0])].map(Number))].sort((a, b) => a - b);
  const points = entries => entries.map(([S, e]) => [Math.log10(S), Math.log10(Math.max(e, 1e-9))]), mine = way => points(Object.entries(table[way]).map(([S, e]) => [+S, e]).sort((a, b) => a[0] - b[0]));
  const means = ways.filter(way => measured.errors[way]), several = ways.length > 1;
  const width = Math.max(260, $('.errors .plot').clientWidth), lines = [
    { points: points(paper), colour: 'var(--ref)', width: 1.5, label: { at: points(paper)[2], dy: -8, text: say('encode.paper') } },
    ...means.map(way => ({ points: points(measured.errors[way]), colour: way === 'plain' ? 'var(--ink2)' : 'var(--x0)', width: 1.25, dash: '3 3', name: `${say('encode.mean_name')}, ${say(`encode.way.${worded(way)}`)}` })),
    ...ways.map(way => {
      const line = mine(way), place = several && way === 'plain' ? 2 : 1;
      return { points: line, colour: way === 'plain' ? 'var(--ink)' : 'var(--x0)', label: line.length > place ? { at: line[place], dy: several && way === 'plain' ? -8 : 46, text: say(several ? `encode.way.${worded(way)}` : 'encode.this_picture') } : null };
    }),
  ];
  const lowest = Math.min(-6, ...lines.flatMap(l => l.points.map(p => Math.floor(p[1])))), ticks = Array.from({ length: -lowest }, (_, k) => lowest + k);
  const { svg } = chart({ width, height: 232, xRange: [1, 3], yRange: [lowest, -1], yTicks: ticks, yLabel: powerOfTen, xTicks: [[1, 'S = 10', 'start'], [Math.log10(50), 50, 'middle'], [2, 100, 'middle'], [Math.log10(200), 200, 'middle'], [3, 1000, 'end']], lines, dots: lines.flatMap(l => l.points) });
  write($('.errors .plot'), svg);
  const groups = [['encode.this_picture', ways, way => table[way]], ['encode.mean', means, way => Object.fromEntries(measured.errors[way])]].filter(([, of]) => of.length);
  const last = Object.fromEntries(paper), columns = groups.flatMap(([, of, errors]) => of.map(way => [way, errors(way)]));
  const titles = groups.map(([title, of]) => `<th colspan="${of.length}" scope="colgroup">${say(title)}</th>`).join('');
  const heads = columns.map(([way]) => `<th scope="col" class="${colourOf(way)}">${say(`encode.way.${worded(way)}`)}</th>`).join('');
  const cells = S => [...columns.map(([, errors]) => errors), last].map(errors => `<td>${errors[S] === undefined ? '' : digits(errors[S], 2)}</td>`).join('');
  const body = rows.map(S => `<tr${S === value.settings.steps ? ' data-here' : ''}><td>${S}</td>${cells(S)}</tr>`).join('');
  write($('table'), `<tr><th rowspan="2" scope="col">${sayHtml('symbol.S')}</th>${titles}<th rowspan="2" scope="col">${say('encode.paper').replace(/[,，] ?/, comma => `${comma}<br>`)}</th></tr><tr>${heads}</tr>${body}`);
  const gain = table.plain[10] / table[chosen][10], calls = (callsUp(10) + 10) / 20, how = several && say(`encode.how.${worded(chosen)}`);
  const bought = several && gain > 0 && sayHtml(gain >= 1 ? 'encode.bought' : 'encode.overshot', { how, times: digits(Math.max(gain, 1 / gain), 2), calls: digits(calls, 3) });
  write($('.bought'), sentences(bought, sayHtml('encode.mean_of', { note: told(measured.note) })));
}

function drawReturns() {
  const ways = Object.keys(table), size = innerWidth > 700 ? 96 : 64;
  write($('.returns .rows'), ways.map(way => `<div class="row"><h4>${say(`encode.way.${worded(way)}`)}</h4>${value.lengths.map(S => `<figure><button type="button" data-steps="${S}"${S === value.settings.steps ? ' data-here' : ''} aria-label="${say('encode.return_aloud', { way: say(`encode.way.${worded(way)}`), steps: S })}"><canvas data-name="back/${way}/${S}"></canvas></button><figcaption><span>${sayHtml('encode.return', { steps: S })}</span><b></b></figcaption></figure>`).join('')}</div>`).join(''));
  for (const canvas of $$('.returns canvas')) {
    const [, way, S] = canvas.dataset.name.split('/'), mse = table[way][S];
    paint(canvas, canvas.dataset.name, size);
    write($('b', canvas.closest('figure')), mse === undefined ? '' : digits(mse, 2));
  }
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
  const steps = event.target.closest('[data-steps]')?.dataset.steps;
  if (steps) return set({ steps: +steps });
  const use = event.target.closest('[data-use]')?.dataset.use;
  if (!use || !value.latent) return;
  if (use === 'steps') set({ tab: 'steps', seed: value.latent, eta: 0, variance: 'eta' });
  else set({ tab: 'interpolate', way: 'ends', [use]: value.latent });
});
function opening() { return null; }
function toggleSettings() {}
filmKeys();
begin();
