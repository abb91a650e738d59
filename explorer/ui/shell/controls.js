// The control column, and the one place that knows all settings: its own, and those that the tabs ask it to change. It
// writes the address, and tells the tab in front to run. The tabs read window.explorer and hear 'explorer:settings'.
const $ = selector => element.querySelector(selector);
const form = $('.controls');
const FIELDS = ['checkpoint', 'seed', 'eta', 'steps', 'spacing', 'variance', 'noise_seed', 'clip'];
const DEFAULTS = props.defaults;   // of the control column and of every tab
const RUN = { steps: () => trigger('run_steps'), compare: () => trigger('run_compare'), consistency: () => trigger('run_consistency'), interpolate: () => trigger('run_interpolate'),
  encode: () => trigger('run_encode'), forward: () => trigger('run_forward'), paths: () => trigger('run_paths'), quality: () => trigger('run_quality') };
const VIEWS = ['t', 'show', 'moment', 'frame', 'pad', 't_forward', 'plane', 'place', 'paper', 'notation', 'stop'];   // what only the browser needs to know of the address
const MAX_DIE = 10000;
let settings = { ...DEFAULTS }, view = {}, tab = 'steps', count = 0, T = 1000;
const done = {};   // by tab: the settings of its last finished run

// ---- labels -----------------------------------------------------------------------------------------------------
for (const die of element.querySelectorAll('.die')) die.innerHTML = DIE;
const SEGMENTS = { spacing: ['linear', 'quadratic', 'leading'], variance: ['eta', 'large'], notation: ['ddpm', 'ddim'], language: Object.keys(spoken.LANGUAGES) };
for (const [name, values] of Object.entries(SEGMENTS)) $(`[data-segments="${name}"]`).innerHTML = values.map(value => `<label><input type="radio" name="${name}" value="${value}"><span></span></label>`).join('');
function nameSegments() {
  for (const [name, values] of Object.entries(SEGMENTS)) values.forEach((value, i) => {
    const label = $(`[data-segments="${name}"]`).children[i];
    if (name === 'language') [label.lang, label.lastChild.textContent] = [value, spoken.LANGUAGES[value]];
    else label.lastChild.innerHTML = sayHtml(`choice.${value}`);
    if (['variance', 'notation'].includes(name)) label.firstChild.setAttribute('aria-label', say(`choice.${value}_aloud`));
  });
}

// S runs on a logarithmic scale: a third of the way for each factor of ten at T = 1000.
const position = { eta: v => v, steps: S => 1000 * Math.log(S) / Math.log(T) };
const stepsAt = p => Math.round(Math.exp(p / 1000 * Math.log(T)));
function drawStops() {
  const stops = { eta: [0, .2, .5, 1], steps: [...[1, 10, 20, 50, 100, 1000].filter(S => 1.6 * S < T), T] };
  for (const [name, values] of Object.entries(stops)) {
    const range = $(`[data-range="${name}"]`), box = $(`[data-stops="${name}"]`);
    box.replaceChildren(...values.map(v => Object.assign(document.createElement('button'), { type: 'button', textContent: v, ariaLabel: say(`controls.${name}_stop`, { value: v }) })));
    values.forEach((v, i) => { box.children[i].style.left = `${position[name](v) / range.max * 100}%`; box.children[i].dataset.set = name; });
  }
}

// ---- settings to inputs and back --------------------------------------------------------------------------------
function show() {
  window.explorer = { settings, view, tab };
  const current = checkpoints[settings.checkpoint];
  if (current && current.T !== T) { T = current.T; drawStops(); }
  showCheckpoint();
  for (const name of FIELDS) {
    const input = form.elements[name];
    if (!input || input === nameBox) continue;
    if (input.type === 'checkbox') input.checked = settings[name];
    else if (document.activeElement !== input || !['number', 'text'].includes(input.type)) input.value = name === 'eta' && Number.isFinite(settings.eta) && settings.eta === +settings.eta.toFixed(2) ? settings.eta.toFixed(2) : settings[name];
    input.setAttribute?.('aria-invalid', 'false');
  }
  for (const name of ['eta', 'steps']) {
    const range = $(`[data-range="${name}"]`), p = position[name](+settings[name]);
    if (!Number.isFinite(p)) continue;
    if (document.activeElement !== range) range.value = p;
    range.style.setProperty('--at', `${Math.min(100, Math.max(0, p / range.max * 100))}%`);
    range.setAttribute('aria-valuetext', String(settings[name]));
  }
  const large = settings.variance === 'large' && tab === 'steps', idle = new Set(props.idle[tab]);
  if (tab === 'steps') { if (large) idle.add('eta'); else if (+settings.eta === 0) idle.add('noise_seed'); }
  for (const name of FIELDS) {
    const field = $(`[data-field="${name}"]`);
    field.toggleAttribute('data-idle', idle.has(name));
    field.title = idle.has(name) ? say('controls.idle') : '';
    for (const input of field.querySelectorAll('input, select')) input.ariaDescription = field.title || null;
  }
  $('.pill').innerHTML = `${math('<i>η</i>')} <span></span> · ${math('<i>S</i>')} <span></span> · ${sayHtml('controls.seed_short')} <span></span> ▾`;
  [(+settings.eta).toFixed(2), settings.steps, settings.seed].forEach((v, i) => { $('.pill').querySelectorAll('span:not(.m)')[i].textContent = large && i === 0 ? 'σ̂' : v; });
  const notation = form.elements.notation.value = view.notation === 'ddim' ? 'ddim' : 'ddpm';
  if (document.body.dataset.notation !== notation) document.body.dataset.notation = notation;   // all formulas follow it
  $('#control-seeds').replaceChildren(...(current?.seeds ?? []).map(seed => new Option(seed, seed)));
  form.elements.language.value = spoken.language;
  $('.credit').textContent = current?.credit ?? '';
}

function writeAddress() {
  if (keepAddress) return;
  const query = new URLSearchParams();
  if (tab !== 'steps') query.set('tab', tab);
  for (const [name, value] of Object.entries(settings)) if (value !== DEFAULTS[name]) query.set(name, value === true ? '1' : value === false ? '0' : value);
  for (const name of VIEWS) if (view[name] !== undefined && view[name] !== null) query.set(name, view[name]);
  if (spoken.language !== spoken.browser) query.set('lang', spoken.language);
  for (const [key, value] of new URLSearchParams(location.search)) if (key.startsWith('__')) query.set(key, value);
  const text = query.toString();
  history.replaceState(null, '', text ? `?${text}` : location.pathname);
}

// What a tab's pictures depend on: two requests that agree in this need not run twice.
const asked = name => JSON.stringify([...FIELDS.filter(f => !props.idle[name]?.includes(f)), ...props.options[name]].map(f => settings[f]));

function send(change, notice = '') {
  settings = { ...settings, ...fitting(change) };
  if ('checkpoint' in change) leaveTyped();
  count += 1;
  show();
  writeAddress();
  publish('explorer:settings', window.explorer);
  publish('explorer:changed', { count, tab });
  delete done[tab];
  props.value = { ...settings, count, notice };
  trigger('input');
  RUN[tab]?.();
}

function open(name) {   // a tab comes to the front: run it, unless what it shows is what would come out
  if (name === tab) return;
  tab = name;
  show();
  writeAddress();
  publish('explorer:settings', window.explorer);
  if (done[tab] !== asked(tab)) send({});
}

function change({ tab: wanted, ...settings }, notice = '') {
  if (!wanted || wanted === tab) return send(settings, notice);
  tab = wanted;
  const titles = document.querySelectorAll('#tabs > .tab-wrapper :is([role="tab"], .overflow-dropdown button)');   // a narrow page keeps the last ones in a menu
  titles[Object.keys(RUN).indexOf(wanted)]?.click();
  send(settings, notice);
}

// A picture that was saved says what made it: all settings, and what was looked at. Only known names are read.
const typed = (name, text) => typeof DEFAULTS[name] === 'boolean' ? { 1: true, 0: false }[text] ?? text
  : typeof DEFAULTS[name] === 'number' && (name === 'eta' ? text.trim() && Number.isFinite(+text) : /^-?[0-9]{1,15}$/.test(text)) ? +text : text;
const look = (given, kept = {}) => {   // all that is looked at, as `given` says
  view = { ...kept, ...Object.fromEntries(VIEWS.filter(key => given.has(key)).map(key => [key, given.get(key)])) };
  publish('explorer:look', given);
};
const fieldsIn = given => Object.fromEntries(Object.keys(DEFAULTS).map(key => [key, given.has(key) ? typed(key, given.get(key)) : DEFAULTS[key]]));
const tabIn = given => Object.hasOwn(RUN, given.get('tab')) ? given.get('tab') : 'steps';
function restore(query, notice, keepsAddress = false) {
  const given = new URLSearchParams(query), fields = fieldsIn(given);
  if (!keepsAddress) given.delete('stop');   // a picture's lesson is over
  const put = name => { look(given); change({ tab: tabIn(given), ...fields, checkpoint: name }, notice); };
  if (mustOpen(fields.checkpoint)) openCheckpoint(fields.checkpoint, put, keepsAddress);
  else put(fields.checkpoint);
}
// An example sets all but the checkpoint and the seeds, and of the tabs' own settings those of its tab.
function follow(query) {
  const given = new URLSearchParams(query), wanted = tabIn(given), named = fieldsIn(given);
  const set = [...FIELDS.filter(name => given.has(name) || !['checkpoint', 'seed', 'noise_seed'].includes(name)), ...props.options[wanted]];
  look(given, { notation: view.notation });
  change({ tab: wanted, ...Object.fromEntries(set.map(name => [name, named[name]])) });
}

function take(value) {   // the fields of a value from Python; the rest of it is not ours to send back
  for (const name of Object.keys(DEFAULTS)) if (name in value) settings[name] = value[name];
  show();
}

const read = input => input.type === 'checkbox' ? input.checked
  : input.name === 'seed' && /^-?[0-9]{1,15}$/.test(input.value.trim()) ? Number(input.value)
  : input.type !== 'number' ? input.value
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
  if (input.name === 'language') { spoken.language = input.value; writeAddress(); }
  else if (input === nameBox) chooseCheckpoint();
  else if (input.name === 'notation') publish('explorer:view', { notation: input.value === 'ddim' ? 'ddim' : null });
  else if (FIELDS.includes(input.name)) send({ [input.name]: read(input) });
});
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.die) send({ [button.dataset.die]: Math.floor(Math.random() * MAX_DIE) });
  else if (button.dataset.set) send({ [button.dataset.set]: +button.textContent });
  else if (button.dataset.tool) publish(`explorer:${button.dataset.tool}`);
  else if (button.matches('.pill')) button.setAttribute('aria-expanded', form.classList.toggle('open'));
});
form.addEventListener('submit', event => { event.preventDefault(); send({}); });
window.addEventListener('explorer:to-controls', () => {   // η first: it is what one comes for
  if ($('.pill').offsetParent && !form.classList.contains('open')) $('.pill').click();
  $('[data-range="eta"]').focus();
});
form.addEventListener('keydown', event => {
  if (event.key !== 'Escape' || !form.classList.contains('open')) return;
  event.preventDefault();
  $('.pill').click();
  $('.pill').focus();
});
window.addEventListener('explorer:set', event => change(event.detail));
window.addEventListener('explorer:restore', ({ detail: { settings: query, name } }) => restore(query, { say: 'controls.restored', values: { name } }));
window.addEventListener('explorer:follow', event => follow(event.detail));
window.addEventListener('explorer:tab', event => open(event.detail));
window.addEventListener('explorer:ended', event => { if (event.detail.count === count) done[event.detail.tab] = asked(event.detail.tab); });
let writing;
window.addEventListener('explorer:view', event => {
  view = { ...view, ...event.detail };
  if ('notation' in event.detail) show();
  window.explorer = { settings, view, tab };
  clearTimeout(writing);
  writing = setTimeout(writeAddress, 200);   // a drag must not flood the history
});
watch('value', () => {   // only the restored address comes from Python
  if (!props.value || (props.value.count ?? 0) < count) return;
  Object.assign(checkpoints, props.value.checkpoints);
  take(props.value);
  if (!props.value.tab) return;
  tab = props.value.tab;
  if (props.value.later) restore(location.search, '', true);
  send({}, props.value.notice);
});

const address = new URLSearchParams(location.search);
for (const name of VIEWS) if (address.has(name)) view[name] = address.get(name);
speak(element, () => { nameSegments(); drawStops(); show(); said.textContent = told(reported); });
take(props.value || {});
