// The control column: native inputs, one value with all settings, one event 'input'. The address bar always holds them.
const $ = selector => element.querySelector(selector);
const form = $('.controls');
const FIELDS = { checkpoint: 'text', seed: 'int', eta: 'float', steps: 'int', spacing: 'text', variance: 'text', noise_seed: 'int', clip: 'bool' };
const DEFAULTS = props.defaults;
const MAX_DIE = 10000;
let settings = { ...DEFAULTS }, count = 0, t = null, T = 1000;

// ---- labels -----------------------------------------------------------------------------------------------------
for (const [name, symbol] of Object.entries({ x_T: '<i>x<sub>T</sub></i>', eta: '<i>η</i>', S: '<i>S</i>', tau: '<i>τ</i>', z: '<i>z</i>', x0: X0_HAT })) $(`.${name}`).innerHTML = math(symbol);
for (const die of element.querySelectorAll('.die')) die.innerHTML = '<svg width="18" height="18" viewBox="0 0 16 16" fill="currentColor" stroke="currentColor" stroke-width="1.2" aria-hidden="true"><rect x="2.5" y="2.5" width="11" height="11" rx="2.5" fill="none"/><circle cx="5.6" cy="5.6" r=".8"/><circle cx="10.4" cy="10.4" r=".8"/><circle cx="8" cy="8" r=".8"/><circle cx="10.4" cy="5.6" r=".8"/><circle cx="5.6" cy="10.4" r=".8"/></svg>';
const SEGMENTS = {
  spacing: [['linear', 'linear'], ['quadratic', 'quadratic'], ['leading', 'leading']],
  variance: [['eta', math('<i>σ</i>(<i>η</i>)')], ['large', math('<span class="hat"><i>σ</i></span>')]],
  notation: [['ddpm', `${math('<span class="bar"><i>α</i></span><sub><i>t</i></sub>')} DDPM`], ['ddim', `${math('<i>α<sub>t</sub></i>')} DDIM`]],
};
const SPOKEN = { eta: 'sigma of eta', large: 'sigma hat', ddpm: 'alpha bar, as in DDPM', ddim: 'alpha, as in DDIM' };
for (const [name, choices] of Object.entries(SEGMENTS)) $(`[data-segments="${name}"]`).innerHTML = choices.map(([value, label]) =>
  `<label><input type="radio" name="${name}" value="${value}"${SPOKEN[value] ? ` aria-label="${SPOKEN[value]}"` : ''}><span>${label}</span></label>`).join('');

// S runs on a logarithmic scale: a third of the way for each factor of ten at T = 1000.
const position = { eta: v => v, steps: S => 1000 * Math.log(S) / Math.log(T) };
const stepsAt = p => Math.round(Math.exp(p / 1000 * Math.log(T)));
function drawStops() {
  const stops = { eta: [0, .2, .5, 1], steps: [1, 10, 20, 50, 100, 1000].filter(S => S <= T) };
  for (const [name, values] of Object.entries(stops)) {
    const range = $(`[data-range="${name}"]`), box = $(`[data-stops="${name}"]`);
    box.replaceChildren(...values.map(v => Object.assign(document.createElement('button'), { type: 'button', textContent: v, ariaLabel: `${name} ${v}` })));
    values.forEach((v, i) => { box.children[i].style.left = `${position[name](v) / range.max * 100}%`; box.children[i].dataset.set = name; });
  }
}

// ---- settings to inputs and back --------------------------------------------------------------------------------
function show() {
  if (props.lengths[settings.checkpoint] && props.lengths[settings.checkpoint] !== T) { T = props.lengths[settings.checkpoint]; drawStops(); }
  for (const name of Object.keys(FIELDS)) {
    const input = form.elements[name];
    if (!input) continue;
    if (FIELDS[name] === 'bool') input.checked = settings[name];
    else if (document.activeElement !== input || input.type !== 'number') input.value = name === 'eta' && Number.isFinite(settings.eta) && settings.eta === +settings.eta.toFixed(2) ? settings.eta.toFixed(2) : settings[name];
    input.setAttribute?.('aria-invalid', 'false');
  }
  for (const name of ['eta', 'steps']) {
    const range = $(`[data-range="${name}"]`), p = position[name](+settings[name]);
    if (!Number.isFinite(p)) continue;
    if (document.activeElement !== range) range.value = p;
    range.style.setProperty('--at', `${Math.min(100, Math.max(0, p / range.max * 100))}%`);
    range.setAttribute('aria-valuetext', String(settings[name]));
  }
  const large = settings.variance === 'large';
  $('[data-field="eta"]').toggleAttribute('data-idle', large);
  $('[data-field="noise_seed"]').toggleAttribute('data-idle', !large && +settings.eta === 0);
  $('.pill').innerHTML = `${math('<i>η</i>')} <span></span> · ${math('<i>S</i>')} <span></span> · seed <span></span> ▾`;
  [(+settings.eta).toFixed(2), settings.steps, settings.seed].forEach((v, i) => { $('.pill').querySelectorAll('span:not(.m)')[i].textContent = large && i === 0 ? 'σ̂' : v; });
  form.elements.notation.value = document.body.dataset.notation || 'ddpm';
  $('#control-seeds').replaceChildren(...(props.seeds[settings.checkpoint] || []).map(seed => new Option(seed, seed)));
  $('.credit').textContent = props.credits[settings.checkpoint] || '';
}

function writeAddress() {
  const query = new URLSearchParams();
  for (const name of Object.keys(FIELDS)) if (settings[name] !== DEFAULTS[name]) query.set(name, FIELDS[name] === 'bool' ? (settings[name] ? '1' : '0') : settings[name]);
  if (t !== null) query.set('t', t);
  if (document.body.dataset.notation === 'ddim') query.set('notation', 'ddim');
  for (const [key, value] of new URLSearchParams(location.search)) if (key.startsWith('__')) query.set(key, value);
  const text = query.toString();
  history.replaceState(null, '', text ? `?${text}` : location.pathname);
}

function send(change) {
  settings = { ...settings, ...change };
  count += 1;
  show();
  writeAddress();
  window.dispatchEvent(new CustomEvent('explorer:changed', { detail: { count } }));
  props.value = { ...settings, count };
  trigger('input');
}

function take(value) {   // the fields of a value from Python; the rest of it (count, notice) is not ours to send back
  for (const name of Object.keys(FIELDS)) if (name in value) settings[name] = value[name];
  show();
}

const read = input => FIELDS[input.name] === 'bool' ? input.checked
  : FIELDS[input.name] === 'text' ? input.value
  : input.value === '' ? null : Number(input.value);

// ---- events -----------------------------------------------------------------------------------------------------
element.addEventListener('input', event => {
  const input = event.target, name = input.dataset.range;
  if (name === 'eta') send({ eta: +input.value });
  else if (name === 'steps') send({ steps: stepsAt(+input.value) });
});
element.addEventListener('keydown', event => {   // one arrow key is one step of S, whatever the scale
  const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (event.target.dataset.range !== 'steps' || !move) return;
  event.preventDefault();
  const S = Math.min(T, Math.max(1, settings.steps + move));
  event.target.value = position.steps(S);
  send({ steps: S });
});
element.addEventListener('change', event => {
  const input = event.target;
  if (input.name === 'notation') { document.body.dataset.notation = input.value; writeAddress(); }
  else if (input.name in FIELDS) send({ [input.name]: read(input) });
});
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.die) send({ [button.dataset.die]: Math.floor(Math.random() * MAX_DIE) });
  else if (button.dataset.set) send({ [button.dataset.set]: +button.textContent });
  else if (button.matches('.pill')) button.setAttribute('aria-expanded', form.classList.toggle('open'));
});
form.addEventListener('submit', event => { event.preventDefault(); send({}); });
window.addEventListener('explorer:set', event => send(event.detail));
window.addEventListener('explorer:t', event => { t = event.detail.t; clearTimeout(window.explorerAddress); window.explorerAddress = setTimeout(writeAddress, 200); });
watch('value', () => {
  if (!props.value || (props.value.count ?? 0) < count) return;   // an answer to something older than what is on the screen
  take(props.value);
});

const address = new URLSearchParams(location.search);
if (address.get('notation') === 'ddim') document.body.dataset.notation = 'ddim';
if (+address.get('t') > 0) t = +address.get('t');
form.elements.checkpoint.replaceChildren(...props.checkpoints.map(name => new Option(name, name)));
drawStops();
take(props.value || {});
