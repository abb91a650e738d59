// The Interpolate stage: strips between latents, the pad between four, the norm of x_T along the way.
let positions = [], through = [], strips = {}, facts = {}, norms = {}, padPlaces = new Map(), place = null, wish = .33;
function look(wanted) {
  wish = wanted.has('frame') ? +wanted.get('frame') : .33;
  place = /^\d+,\d+$/.test(wanted.get('pad') ?? '') ? wanted.get('pad').split(',').map(Number) : place;
}
look(new URLSearchParams(location.search));
const pad = $('.pad'), mark = $('.mark'), padCanvas = $('.pad canvas');
let padKey = '', padDrawn = new Map();

function receive() {
  positions = JSON.parse(value.positions);
  through = JSON.parse(value.through);
  strips = JSON.parse(value.strips);
  facts = JSON.parse(value.facts);
  norms = JSON.parse(value.norms);
  const names = JSON.parse(value.pad_names), latents = JSON.parse(value.pad);
  padPlaces = new Map(names.map((name, i) => [name, latents[i]]));
  const last = value.settings.side - 1;
  place = place ? place.map(v => Math.min(last, v)) : [Math.round(last / 3), Math.round(last / 2)];
  at = positions.reduce((best, p, k) => Math.abs(p - wish * positions.at(-1)) < Math.abs(positions[best] - wish * positions.at(-1)) ? k : best, 0);
}

function moved(k) {
  wish = positions[k] / positions.at(-1);
  publish('explorer:view', { frame: +wish.toFixed(4) });
}

const ETA = v => math(`<i>η</i> = ${v}`);
const TITLES = {
  slerp: () => `${say('interpolate.slerp')} ${ETA(0)}`, lerp: () => `${say('interpolate.lerp')} ${ETA(0)}`,
  ddpm: () => `<span class="noise-colour">${say('interpolate.ddpm')}</span> ${ETA(1)}`,
};
const both = (key, measure, d, names) => names.every(name => facts[name]) && sayHtml(key, Object.fromEntries(names.map(name => [name, fixed(facts[name][measure], d)])));
const ABOUT = {
  slerp: () => say('interpolate.on_shell'),
  lerp: () => sentences(sayHtml('interpolate.sinks', { least: fixed(Math.min(...norms.lerp.map(p => p[1])), 2) }), both('interpolate.contrasts', 'contrast_middle', 3, ['lerp', 'slerp'])),
  ddpm: () => value.settings.ddpm === 'own' ? say('interpolate.drowns') : sentences(say('interpolate.hardly_moves'), both('interpolate.spans', 'span', 2, ['ddpm', 'slerp'])),
};
function lane(name) {
  const fact = facts[name], pairs = fact ? [['interpolate.smoothness', fixed(fact.smoothness, 2)], ['interpolate.largest', fixed(fact.largest, 2)], ['interpolate.calls', strips[name].steps]] : [];
  return {
    name, title: TITLES[name]?.() ?? sayHtml('interpolate.slerp_at', { setting: formula(`<i>S</i> = ${name.slice(1)}`) }), text: ABOUT[name]?.() ?? say('interpolate.other_steps'),
    extra: pairs.map(([term, number]) => `<div class="facts"><span>${say(term)}</span><b>${number}</b></div>`).join(''),
  };
}

function draw() {
  const loop = value.settings.way === 'loop', n = positions.length, w = k => loop ? positions[k] : positions[k] / positions.at(-1);
  const [from, to] = through.map(latent => typeof latent === 'number' ? say('interpolate.seed', { latent }) : latent);
  write($('.say'), loop ? sayHtml('interpolate.lead_loop', { latents: through.slice(0, -1).join(', ') }) : sayHtml('interpolate.lead', { from, to }));
  const label = k => loop && Number.isInteger(positions[k]) ? `${through[positions[k]]}` : fixed(w(k), 2);
  write($('.what'), sayHtml('interpolate.at_w', { place: fixed(w(at), 2) }));
  drawFilm(Object.keys(strips).map(lane), positions.map((_, k) => label(k)), (lane, k) => `${lane.name}/${k}`, k => `w = ${fixed(w(k), 2)}`);
  drawPad();
  drawNorm(w);
}

// ---- the pad ----------------------------------------------------------------------------------------------------
function drawPad() {
  const side = value.settings.side, [, H, W] = value.shape, cell = Math.min(64, Math.max(W, H)), key = `${side}/${cell}`;
  if (key !== padKey) { padKey = key; padDrawn = new Map(); padCanvas.width = padCanvas.height = side * cell; }
  const context = padCanvas.getContext('2d');
  for (const name of padPlaces.keys()) {
    const entry = pictures.get(name), image = entry?.ready ? entry.image : entry?.before;
    if (!image || padDrawn.get(name) === image) continue;
    padDrawn.set(name, image);
    const [, row, column] = name.split('/');
    const scale = cell / Math.max(W, H), [w, h] = [W * scale, H * scale];
    context.drawImage(image, column * cell + (cell - w) / 2, row * cell + (cell - h) / 2, w, h);
  }
  const share = 100 / side;
  Object.assign(mark.style, { left: `${place[1] * share}%`, top: `${place[0] * share}%`, width: `${share}%`, height: `${share}%` });
  const [v, u] = place.map(p => fixed(p / (side - 1), 2));
  pad.setAttribute('aria-valuetext', `u = ${u}, v = ${v}`);
  pad.setAttribute('aria-valuenow', u);
  write($('.place'), sayHtml('interpolate.at_uv', { across: u, down: v }));
  const large = $('.large canvas');
  paint(large, `pad/${place[0]}/${place[1]}`, 256);
  $('.large').setAttribute('aria-label', say('stage.open', { what: say('interpolate.picture_at', { across: u, down: v }) }));
}

function goOn(row, column) {
  const last = value.settings.side - 1, to = [row, column].map(v => Math.max(0, Math.min(last, v)));
  if (to[0] === place[0] && to[1] === place[1]) return;
  place = to;
  publish('explorer:view', { pad: place.join(',') });
  repaint();
}
function point(event) {
  const box = pad.getBoundingClientRect(), side = value.settings.side;
  goOn(Math.floor((event.clientY - box.top) / box.height * side), Math.floor((event.clientX - box.left) / box.width * side));
}
pad.addEventListener('pointerdown', event => { if (!value) return; pad.setPointerCapture(event.pointerId); pad.focus(); point(event); event.preventDefault(); });
pad.addEventListener('pointermove', event => { if (value && pad.hasPointerCapture(event.pointerId)) point(event); });
function stepOn(key) {
  if (!value) return;
  const last = value.settings.side - 1, [row, column] = place;
  goOn(...{ ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], Home: [0, 0], End: [last, last] }[key]);
}
filmKeys({ keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], says: 'keys.pad', act: stepOn, on: '.pad' }, { keys: ['Home', 'End'], says: 'keys.corners', act: stepOn, on: '.pad' });

// ---- the norm, and the numbers ----------------------------------------------------------------------------------
function drawNorm(w) {
  const legs = positions.at(-1), loop = value.settings.way === 'loop', span = loop ? legs : 1;
  write($('.norm h3'), sayHtml('interpolate.norm'));
  const width = Math.max(260, $('.plot').clientWidth), line = kind => norms[kind].map(([p, v]) => [p / legs * span, v]);
  const middle = kind => line(kind)[Math.round(20 / legs)];
  const c = chart({ width, height: 150, xRange: [0, span], yRange: [.6, 1.1], yTicks: [.6, .8, 1], xTicks: [[0, 'w = 0', 'start'], [span / 2, digits(span / 2), 'middle'], [span, digits(span), 'end']],
    lines: [{ points: line('lerp'), colour: 'var(--ref)', label: { at: middle('lerp'), dy: -8, text: say('interpolate.lerp_short') } }, { points: line('slerp'), colour: 'var(--ink)', label: { at: middle('slerp'), dy: -9, text: say('interpolate.slerp_short') } }] });
  write($('.plot'), c.svg);
  const here = w(at), near = kind => line(kind).reduce((best, p) => Math.abs(p[0] - here) < Math.abs(best[0] - here) ? p : best);
  drawCursor($('.plot'), c, here, [[here, near('slerp')[1], 'var(--ink)'], [here, near('lerp')[1], 'var(--ink2)']]);
  const names = ['slerp', 'lerp', 'ddpm'].filter(name => facts[name]), heads = { slerp: say('interpolate.slerp_short'), lerp: say('interpolate.lerp_short'), ddpm: '<span class="noise-colour">DDPM</span>' };
  const table = [['smoothness', 2], ['largest', 2], ['span', 2], ['contrast_middle', 3], ['contrast_ends', 3]];
  $('.norm dl').style.gridTemplateColumns = `minmax(0, 1fr) repeat(${Math.max(1, names.length)}, auto)`;
  write($('.norm dl'), names.length ? `<dt></dt>${names.map(n => `<dd class="top">${heads[n]}</dd>`).join('')}` + table.map(([key, d]) => `<dt>${say(`interpolate.number.${key}`)}</dt>${names.map(n => `<dd>${fixed(facts[n][key], d)}</dd>`).join('')}`).join('') : '');
}

function opening(button) {
  const name = button.dataset.open;
  if (name === 'pad') { const latent = padPlaces.get(`pad/${place[0]}/${place[1]}`); return { seed: plain(latent), eta: 0, variance: 'eta' }; }
  const { latents, noise_seeds, steps, eta } = strips[name];
  return { seed: latents[at], noise_seed: noise_seeds[at], steps, eta };
}
const plain = latent => /^\d{1,15}$/.test(latent) ? +latent : latent;

function toggleSettings(now) {
  for (const option of $$('[data-way]')) option.hidden = option.dataset.way !== now.way;
}
begin();
