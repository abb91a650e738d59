// The Interpolate stage: strips between latents, the pad between four, the norm of x_T along the way.
let positions = [], through = [], strips = {}, facts = {}, norms = {}, padPlaces = new Map(), place = null, wish = .33;
function look(wanted) {
  wish = wanted.has('frame') ? +wanted.get('frame') : .33;
  place = /^\d+,\d+$/.test(wanted.get('pad') ?? '') ? wanted.get('pad').split(',').map(Number) : place;
}
look(new URLSearchParams(location.search));
const pad = $('.pad'), mark = $('.mark'), padCanvas = $('.pad canvas');
const W_PLACE = math('<i>x<sub>T</sub></i>(<i>w</i>)');
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

const LANES = {
  slerp: [`Slerp ${math('<i>η</i> = 0')}`, () => 'The norm of the latent stays that of Gaussian noise all the way.'],
  lerp: [`Lerp ${math('<i>η</i> = 0')}`, () => { const least = Math.min(...norms.lerp.map(p => p[1])); return `The norm sinks to <b>${fixed(least, 2)}</b> of what noise has.${facts.lerp ? ` Contrast half-way: lerp <b>${fixed(facts.lerp.contrast_middle, 3)}</b>, slerp <b>${fixed(facts.slerp.contrast_middle, 3)}</b>.` : ''}`; }],
  ddpm: [`<span class="noise-colour">Slerp under DDPM</span> ${math('<i>η</i> = 1')}`, () => value.settings.ddpm === 'own' ? 'Every frame draws noise of its own: it drowns the latent, there is no way.' : `One noise for all frames: smooth, but the way hardly moves.${facts.ddpm && facts.slerp ? ` Its ends differ by <b>${fixed(facts.ddpm.span, 2)}</b>, slerp’s by <b>${fixed(facts.slerp.span, 2)}</b>.` : ''}`],
};
function lane(name) {
  const [title, text] = LANES[name] ?? [`Slerp at ${math(`<i>S</i> = ${name.slice(1)}`)}`, () => 'The same latents with another number of steps.'];
  const fact = facts[name];
  const extra = fact ? `<div class="facts"><span>smoothness</span><b>${fixed(fact.smoothness, 2)}</b></div><div class="facts"><span>largest change, rms</span><b>${fixed(fact.largest, 2)}</b></div><div class="facts"><span>network calls a frame</span><b>${strips[name].steps}</b></div>` : '';
  return { name, title, text: text(), extra };
}

function draw() {
  const loop = value.settings.way === 'loop', n = positions.length, w = k => loop ? positions[k] : positions[k] / positions.at(-1);
  write($('.say'), loop ? `${math('<i>x<sub>T</sub></i>')} runs through the seeds <span></span> and back; every picture is its own run of Eq. 12.` : `${W_PLACE} runs from <span></span> to <span></span>; every picture is its own run of Eq. 12.`);
  const said = loop ? [through.slice(0, -1).join(', ')] : through.map(latent => typeof latent === 'number' ? `seed ${latent}` : latent);
  $$('.say > span:not(.m)').forEach((span, i) => { span.textContent = said[i]; });
  const label = k => loop && Number.isInteger(positions[k]) ? `${through[positions[k]]}` : fixed(w(k), 2);
  write($('.what'), `${math('<i>x</i><sub>0</sub>')} at ${math('<i>w</i>')} = ${fixed(w(at), 2)}`);
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
  write($('.place'), `${math('<i>x</i><sub>0</sub>')} at ${math('<i>u</i>')} = ${u}, ${math('<i>v</i>')} = ${v}`);
  const large = $('.large canvas');
  paint(large, `pad/${place[0]}/${place[1]}`, 256);
  $('.large').setAttribute('aria-label', `the picture at u = ${u}, v = ${v}: open in Steps`);
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
  write($('.norm h3'), `Norm of ${W_PLACE} along the way, over ${math('√<i>D</i>')}`);
  const width = Math.max(260, $('.plot').clientWidth), line = kind => norms[kind].map(([p, v]) => [p / legs * span, v]);
  const middle = kind => line(kind)[Math.round(20 / legs)];
  const c = chart({ width, height: 150, xRange: [0, span], yRange: [.6, 1.1], yTicks: [.6, .8, 1], xTicks: [[0, 'w = 0', 'start'], [span / 2, digits(span / 2), 'middle'], [span, digits(span), 'end']],
    lines: [{ points: line('lerp'), colour: 'var(--ref)', label: { at: middle('lerp'), dy: -8, text: 'lerp' } }, { points: line('slerp'), colour: 'var(--ink)', label: { at: middle('slerp'), dy: -9, text: 'slerp' } }] });
  write($('.plot'), c.svg);
  const here = w(at), near = kind => line(kind).reduce((best, p) => Math.abs(p[0] - here) < Math.abs(best[0] - here) ? p : best);
  drawCursor($('.plot'), c, here, [[here, near('slerp')[1], 'var(--ink)'], [here, near('lerp')[1], 'var(--ink2)']]);
  const names = ['slerp', 'lerp', 'ddpm'].filter(name => facts[name]), heads = { slerp: 'slerp', lerp: 'lerp', ddpm: '<span class="noise-colour">DDPM</span>' };
  const table = [['smoothness: ends apart / changes added up', 'smoothness', 2], ['largest change between neighbours, rms', 'largest', 2], ['ends apart, rms', 'span', 2], ['contrast half-way', 'contrast_middle', 3], ['contrast at the ends', 'contrast_ends', 3]];
  $('.norm dl').style.gridTemplateColumns = `minmax(0, 1fr) repeat(${Math.max(1, names.length)}, auto)`;
  write($('.norm dl'), names.length ? `<dt></dt>${names.map(n => `<dd class="top">${heads[n]}</dd>`).join('')}` + table.map(([term, key, d]) => `<dt>${term}</dt>${names.map(n => `<dd>${fixed(facts[n][key], d)}</dd>`).join('')}`).join('') : '');
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
showSettings();
take();
