// The Quality stage: measured distances over S and eta beside the paper's, distance against time, and pictures of the cells.
let measured = { cells: [] }, paper = { steps: [], tables: {} }, samples = { steps: [], pictures: 0 };
let data;
function look(wanted) { data = wanted.get('paper') === 'CIFAR10' ? 'CIFAR10' : 'CelebA'; }
look(new URLSearchParams(location.search));
const ETAS = ['0', '0.2', '0.5', '1', 'large'];
const LOOK = { 0: ['var(--ink)', 2.5], 0.2: ['color-mix(in oklab, var(--ink) 60%, var(--noise))', 1.5], 0.5: ['color-mix(in oklab, var(--noise) 50%, var(--ref))', 1.75], 1: ['var(--noise)', 2.25], large: ['var(--noise)', 1.5, '2 4'] };
const NAME = { 0: 'η = 0', 0.2: '0.2', 0.5: '0.5', 1: 'η = 1', large: 'σ̂' };
const symbol = eta => eta === 'large' ? math('<span class="hat"><i>σ</i></span>') : math(`<i>η</i> = ${eta}`);
$('.python').dataset.say = 'quality.copy';

function receive() {
  measured = JSON.parse(value.measured);
  paper = JSON.parse(value.paper);
  samples = JSON.parse(value.samples);
}

const ours = () => {
  const of = {};
  for (const [S, eta, distance, spread, seconds, pictures] of measured.cells) (of[eta] ??= []).push({ S, distance, spread, seconds, pictures });
  for (const rows of Object.values(of)) rows.sort((a, b) => a.S - b.S);
  return of;
};
const theirs = () => Object.fromEntries(Object.entries(paper.tables[data]).map(([eta, row]) => [eta, row.map((distance, i) => ({ S: paper.steps[i], distance }))]));

const ROOM = 60;   // pixels from "S = 10" to the next number
const TICKS = [.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000];
function curves(where, of, x, ticks, height, floor = null) {
  const box = $(`.${where} .plot`), all = Object.values(of).flat();
  if (!all.length) return write(box, '');
  const [low, high] = [Math.min(...all.map(c => c.distance), floor ?? Infinity) * .8, Math.max(...all.map(c => c.distance)) * 1.2].map(Math.log), xs = all.map(c => Math.log(x(c)));
  const lines = ETAS.filter(eta => of[eta]).map(eta => {
    const [colour, width, dash] = LOOK[eta], points = of[eta].map(c => [Math.log(x(c)), Math.log(c.distance)]);
    return { points, colour, width, dash, eta };
  });
  const [first, last] = [Math.min(...xs), Math.max(...xs)], room = (last - first) * .12 || 1;
  if (floor) lines.push({ points: [[Math.min(...xs), Math.log(floor)], [Math.max(...xs), Math.log(floor)]], colour: 'var(--x0)', width: 1.5, dash: '2 3', eta: 'real' });
  let level = -Infinity;   // labels at the right ends, kept apart
  const apart = (high - low) / height * 17;
  for (const line of [...lines].sort((a, b) => a.points.at(-1)[1] - b.points.at(-1)[1])) {
    level = Math.max(level + apart, line.points.at(-1)[1]);
    line.label = { at: [last + room * .1, level], dy: 4, text: NAME[line.eta] ?? say('quality.real') };
  }
  const width = Math.max(260, box.clientWidth), [one, two] = ticks;
  if (two && (two[0] - one[0]) / (last + room - first) * width < ROOM) ticks = [[one[0], String(one[1]).replace('S = ', ''), 'middle'], ...ticks.slice(1)];   // no room for the name of the axis
  const { svg } = chart({ width, height, xRange: [first, last + room], yRange: [low, Math.max(high, level)], yTicks: TICKS.map(Math.log).filter(v => v >= low && v <= high), yLabel: v => digits(Math.exp(v)), xTicks: ticks, lines, dots: lines.filter(l => l.eta !== 'real').flatMap(l => l.points) });
  write(box, svg);
}
const stepTicks = of => [...new Set(Object.values(of).flat().map(c => c.S))].sort((a, b) => a - b).map((S, i) => [Math.log(S), i ? S : `S = ${S}`, i ? 'middle' : 'start']);

function heat(where, of) {
  const steps = [...new Set(Object.values(of).flat().map(c => c.S))].sort((a, b) => a - b), etas = ETAS.filter(eta => of[eta]), box = $(`.${where} .heat`);
  if (!steps.length) return write(box, `<p class="how">${where === 'heat-ours' ? say('quality.nothing') : ''}</p>`);
  box.style.gridTemplateColumns = `44px repeat(${etas.length}, minmax(0, 1fr))`;
  const values = Object.values(of).flat().map(c => Math.log(c.distance)), [low, high] = [Math.min(...values), Math.max(...values)];
  const cells = [`<span class="axis">${math('<i>S</i>')}</span>`, ...etas.map(eta => `<span class="axis">${symbol(eta)}</span>`)];
  for (const S of steps) {
    const row = etas.map(eta => of[eta].find(c => c.S === S)), best = Math.min(...row.filter(Boolean).map(c => c.distance));
    cells.push(`<span class="axis">${S}</span>`, ...row.map(c => c ? `<span${c.distance === best ? ' class="best"' : ''} style="background: color-mix(in oklab, var(--noise) ${Math.round(48 * (Math.log(c.distance) - low) / (high - low || 1))}%, var(--bg))" title="${c.pictures ? say('quality.cell', { n: c.pictures, spread: digits(c.spread, 2) }) : ''}">${digits(c.distance, 3)}</span>` : '<span></span>'));
  }
  write(box, cells.join(''));
}

function draw() {
  const mine = ours(), other = theirs(), any = measured.cells.length > 0;
  write($('.ours h3'), any ? say('quality.ours_of', { n: Math.min(...measured.cells.map(c => c[5])) }) : say('quality.ours'));
  write($('.ours .how'), any ? sentences(sentence(measured.features), sentence(measured.reference)) : sentence(measured.note));
  curves('ours', mine, c => c.S, stepTicks(mine), 240, measured.real);
  curves('theirs', other, c => c.S, stepTicks(other), 240);
  heat('heat-ours', mine);
  heat('heat-theirs', other);
  drawSpeed(mine);
  drawSamples();
}

function drawSpeed(mine) {
  const all = Object.values(mine).flat();
  const ticks = all.length ? TICKS.filter(v => v >= Math.min(...all.map(c => c.seconds)) && v <= Math.max(...all.map(c => c.seconds))).map(v => [Math.log(v), say('stage.seconds', { seconds: v }), 'middle']) : [];
  curves('speed', mine, c => c.seconds, ticks, 200);
  const slow = mine['1']?.at(-1), fast = slow && mine['0']?.find(c => c.distance - slow.distance <= Math.hypot(c.spread, slow.spread));   // to the standard error of their difference
  write($('.faster'), !all.length ? '' : fast && fast.S < slow.S ? sayHtml('quality.faster', { few: fast.S, many: slow.S, times: digits(slow.seconds / fast.seconds, 2) }) : say('quality.no_faster'));
}

function drawSamples() {
  const box = $('.samples'), { steps, pictures: count } = samples;
  box.hidden = !steps.length;
  box.style.setProperty('--n', innerWidth > 700 ? steps.length : 2);
  const shown = innerWidth > 700 ? steps : steps.slice(0, 2), etas = ['0', '0.5', '1', 'large'];
  const cells = ['<span></span>', ...shown.map(S => `<span>${math('<i>S</i>')} = ${S}</span>`)];
  for (const eta of etas) {
    cells.push(`<span>${symbol(eta)}</span>`);
    for (const S of shown) cells.push(`<span class="cell">${Array.from({ length: count }, (_, i) => `<button type="button" class="cell" data-open="${S}/${eta}/${i}" aria-label="${say('stage.open', { what: say('quality.picture', { steps: S, noise: NAME[eta], n: i + 1 }) })}"><canvas data-name="${S}/${eta}/${i}"></canvas></button>`).join('')}</span>`);
  }
  write(box, cells.join(''));
  if (!shown.length) return;
  const room = ($('.samples').clientWidth - (innerWidth > 700 ? 72 : 44)) / shown.length - 8, size = room / count >= 64 ? 64 : Math.floor(room / count);
  box.style.setProperty('--p', `${size}px`);
  for (const canvas of $$('canvas', box)) paint(canvas, canvas.dataset.name, size);
}

function opening(button) {
  const [S, eta, i] = button.dataset.open.split('/'), { seed, noise_seed } = value.settings;
  return { seed: (typeof seed === 'number' ? seed : 0) + +i, noise_seed: noise_seed + +i, steps: +S, eta: eta === 'large' ? 1 : +eta, variance: eta === 'large' ? 'large' : 'eta' };
}
for (const input of $$('[name="paper"]')) input.addEventListener('change', event => {
  event.stopPropagation();
  data = input.value;
  publish('explorer:view', { paper: data === 'CIFAR10' ? data : null });
  repaint();
});
function toggleSettings() { $(`[name="paper"][value="${data}"]`).checked = true; }
begin();
