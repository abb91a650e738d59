// What the stages of pictures share: values as they come from Python, their pictures, their settings, the status row.
// A stage's own script defines `draw()`, and `receive(value)` if it wants to look at a value first.
const $ = (selector, inside = element) => inside.querySelector(selector);
const $$ = (selector, inside = element) => [...inside.querySelectorAll(selector)];
const stage = $('.stage'), TAB = stage.dataset.tab;
const settings = () => window.explorer?.settings ?? {}, inFront = () => Boolean(stage.offsetParent);

let value = null;        // the newest value that is not an error
let problem = null;      // an error value, until the next good one
let queued = null;       // a value that only says how many runs go first
const pictures = new Map();   // name → { image, id of the run it came with }
let read = { id: -1, length: 0 };

// ---- pictures ---------------------------------------------------------------------------------------------------
function readPictures() {
  if (read.id !== value.id) read = { id: value.id, length: 0 };
  for (const line of value.pictures.slice(read.length).split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const image = new Image(), entry = { image, id: value.id, ready: false }, name = line.slice(0, tab);
    const before = pictures.get(name);
    image.onload = () => { entry.ready = true; repaint(); };
    image.src = line.slice(tab + 1);
    if (before?.ready) entry.before = before.image;   // until the new one is decoded
    pictures.set(name, entry);
  }
  read.length = value.pictures.length;
}

// Put a picture on a canvas of `size` CSS pixels: by a whole factor and sharp, or smaller and smooth. Blank if there is none.
function paint(canvas, name, size) {
  const entry = pictures.get(name), image = entry && (entry.ready ? entry.image : entry.before);
  canvas.classList.toggle('stale', Boolean(entry) && entry.id !== value.id);
  if (!image) { canvas.classList.add('blank'); canvas.painted = null; return; }
  canvas.classList.remove('blank');
  if (canvas.painted === image && canvas.size === size) return;
  [canvas.painted, canvas.size] = [image, size];
  if (canvas.width !== image.naturalWidth || canvas.height !== image.naturalHeight) [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext('2d').drawImage(image, 0, 0);
  const side = Math.max(image.naturalWidth, image.naturalHeight);
  canvas.style.imageRendering = size % side === 0 ? 'pixelated' : 'auto';
}

// Replace an element's content only when it changes, so that what is pointed at or focused stays.
function write(target, html) {
  if (target.source === html) return;
  target.source = html;
  target.innerHTML = html;
  if (target.matches('.plot')) describeChart(target);
}

let drawing = false;
function repaint() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; if (value && stage.offsetParent) draw(); drawStatus(); });
}

// ---- values from Python -----------------------------------------------------------------------------------------
function take() {
  const next = props.value;
  if (!next || next.id < (problem ?? value)?.id) return;   // a late word of an older run
  queued = next.state === 'queued' ? next : null;
  if (queued) return drawStatus();
  if (next.state === 'error') { problem = next; showProblem(); return drawStatus(); }
  if (!(problem?.own && next.id === problem.id)) problem = null;   // a file that was refused stays so while the run goes on
  value = next;
  showProblem();
  readPictures();
  receive?.(value);
  repaint();
  if (value.state === 'ended') publish('explorer:ended', { tab: TAB, count: value.count });
}

function showProblem() {   // beside the field it is about, if it is one of this tab
  for (const note of $$('.problem')) note.remove();
  for (const input of $$('[name][aria-invalid="true"]')) input.setAttribute('aria-invalid', 'false');
  const input = problem?.field && $(`[name="${problem.field}"]`);
  if (!input) return;
  input.setAttribute('aria-invalid', 'true');
  const note = Object.assign(document.createElement('p'), { className: 'problem', role: 'alert', textContent: told(problem.message) });
  input.closest('.option').append(note);
}

function drawStatus() {
  const state = queued?.state ?? (problem ? 'error' : value?.state ?? 'waiting'), kept = problem && value ? ' What is shown is the last good run.' : '';
  $('.status').dataset.state = state;
  if ($('.state').textContent !== STATES[state]) $('.state').textContent = STATES[state];
  const message = told(queued?.message) ?? (problem ? told(problem.message) + kept : told(value?.message) ?? '');
  $('.message').textContent = message;
  $('.status').toggleAttribute('data-note', state !== 'error' && message !== '');
  $('.repair').hidden = !problem?.repair;
  if (problem?.repair) $('.repair').textContent = told(problem.repair.label);
  $('.stop').hidden = !['running', 'queued'].includes(state);
  if (!value) return;
  const { evaluations: n, expected, seconds } = value, number = v => v.toLocaleString('en');
  $('.nfe').textContent = n === null ? '' : n < expected ? `NFE ${number(n)} of ${number(expected)}` : n ? `NFE ${number(n)}` : value.pictures ? 'all from before' : '';
  $('.seconds').textContent = n || (n === null && seconds) ? `${seconds.toFixed(1)} s` : '';
  $('.rate').textContent = n ? `${(1000 * seconds / n).toFixed(0)} ms a picture and step${byEngine(value.engine)}` : '';
}

// ---- settings of the tab ----------------------------------------------------------------------------------------
const inputs = () => $$('.option [name]');
function showSettings() {
  const now = settings();
  for (const input of inputs()) {
    if (!(input.name in now)) continue;
    if (input.type === 'checkbox') input.checked = now[input.name];
    else if (input.type === 'radio') input.checked = input.value === String(now[input.name]);
    else if (document.activeElement !== input || input.type === 'range') input.value = now[input.name];
    if (input.type === 'range') { input.style.setProperty('--at', `${100 * (input.value - input.min) / (input.max - input.min)}%`); $(`[data-of="${input.name}"]`).textContent = input.value; }
  }
  toggleSettings?.(now);
}
const typed = input => input.type === 'checkbox' ? input.checked : input.type === 'number' || input.type === 'range' ? (input.value === '' ? null : +input.value)
  : /^[0-9]{1,15}$/.test(input.value.trim()) && input.dataset.latent !== undefined ? +input.value : input.value;
const set = change => publish('explorer:set', change);

element.addEventListener('change', event => { if (event.target.closest('.option') && event.target.name && event.target.type !== 'range') set({ [event.target.name]: typed(event.target) }); });
element.addEventListener('input', event => { if (event.target.closest('.option') && event.target.type === 'range') set({ [event.target.name]: typed(event.target) }); });
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.die) set({ [button.dataset.die]: dice(button.dataset.die) });
  else if (button.dataset.current) set({ [button.dataset.current]: settings().seed });
  else if (button.dataset.open) { const open = opening(button); if (open) set({ tab: 'steps', variance: 'eta', ...open }); }
  else if (button.matches('.stop')) trigger('stop');
  else if (button.matches('.repair') && problem?.repair) set({ [problem.repair.key]: problem.repair.value });
  else if (button.matches('.python') && value?.script) copy(button, value.script);
  else if (button.matches('.link')) copy(button, location.href);
});
const random = () => Math.floor(Math.random() * 10000);
const dice = name => name === 'latents' || name === 'loop' ? String(settings()[name]).split(/,(?![^(]*\))/).map(random).join(', ') : random();

watch('value', take);
window.addEventListener('explorer:look', ({ detail }) => { if (typeof look === 'function') look(detail); });
window.addEventListener('explorer:settings', () => { showSettings(); repaint(); });
let resizing;
new ResizeObserver(() => { clearTimeout(resizing); resizing = setTimeout(repaint, 60); }).observe(stage);
new MutationObserver(repaint).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-notation', 'data-projector'] });
for (const die of $$('.die')) die.innerHTML = DIE;
