// The Steps stage: which run and which step are on the screen, and what moves them. The drawing is in panels.js, track.js,
// charts_of_run.js, status.js and memory.js, which share this scope. `element`, `trigger`, `props` and `watch` come from Gradio.
const $ = (selector, inside = element) => inside.querySelector(selector);
const panel = name => $(`[data-panel="${name}"]`);
const stage = $('.stage'), time = $('.time'), film = $('.film'), ticks = $('.ticks');
const holders = Object.fromEntries(['alpha_bar', 'sigma', 'size'].map(n => [n, $(`[data-chart="${n}"]`)]));
const FRAMES_A_SECOND = 8, HOLD = 200;   // HOLD in ms
const fromAddress = +new URLSearchParams(location.search).get('t');

let run = null;          // the run on the screen
let coming = null;       // the newest run, while the screen still shows the one before it
let heldSince = 0;       // when the screen began to wait for it
let index = -1;          // the step on the screen
let wish = fromAddress > 0 ? { t: fromAddress } : { share: 0.5 };  // where the user wants to be: kept over runs
let charts = null, drawing = false, filmTimer = 0, slots = null;
const dirty = new Set();
let drawnAt = true;
let asked = 0;           // count of the newest change of the controls

// ---- what is fixed by the settings ------------------------------------------------------------------------------
function writeFormulas() {
  const form = stage.dataset.form, large = run?.settings.variance === 'large';
  const set = formulas(form, large);
  for (const name of PANELS) {
    $('.formula', panel(name)).innerHTML = set[name] ? math(set[name]) : '';
    const aloud = (form === 'mk' && { x_t: 'm_x_t', x0: 'k_x0', direction: 'in_mk' }[name]) || name;
    $('.formula', panel(name)).ariaLabel = say(`formula.${aloud}`);
  }
  const coefficients = form === 'mk' ? { x_t: 'x_t m', x0: 'x0 k' } : { x_t: 'x_t', x0: 'x0 alpha_bar_prev' };
  for (const [name, link] of Object.entries({ ...coefficients, direction: 'direction', noise: 'noise sigma' })) $('.coefficient', panel(name)).dataset.link = link;
  $('.x0 .name').innerHTML = sayHtml('player.x0');
  $('.direction .name').innerHTML = sayHtml(form === 'mk' ? 'player.in_mk' : 'player.direction');
  $('.noise .name').textContent = say('player.noise');
  const operators = form === 'mk' ? { x0: '+', direction: '', noise: '+', x_prev: '=' } : { x0: '→', direction: '+', noise: '+', x_prev: '=' };
  for (const [name, sign] of Object.entries(operators)) for (const span of $(`[data-before="${name}"]`).children) span.textContent = sign;
  $('.mk').innerHTML = math('<i>m</i>, <i>k</i>');
  $('[data-chart="alpha_bar"] .title').innerHTML = sayHtml('chart.alpha_bar');
  $('[data-chart="sigma"] .title').innerHTML = sayHtml('chart.sigma', { symbol: { html: `<span class="noise-colour">${math(large ? SIGMA_HAT : SIGMA)}</span>` } });
  $('[data-chart="size"] .title').textContent = say('chart.size');
}

function sizePanels() {
  const space = parseFloat(getComputedStyle(stage).getPropertyValue('--pic')), zoom = stage.currentCSSZoom ?? 1;
  for (const name of PANELS) {
    const canvas = $('canvas', panel(name)), factor = Math.floor(space * zoom / Math.max(run.width, run.height) + 1e-3) / zoom;
    [canvas.width, canvas.height] = [run.width, run.height];
    canvas.style.width = factor ? `${run.width * factor}px` : '';   // whole factors only; larger pictures fill the panel
    canvas.style.height = factor ? `${run.height * factor}px` : '';
    canvas.style.imageRendering = factor ? '' : 'auto';
  }
}

function drawCharts(names) {
  const width = Math.max(200, holders.alpha_bar.clientWidth), height = parseFloat(getComputedStyle(stage).getPropertyValue('--chart'));
  charts = runCharts(run, width, height);
  for (const name of names) {
    const c = charts[name];
    $('.plot', holders[name]).innerHTML = c.svg;
    $('svg', holders[name]).onclick = event => {
      const box = event.currentTarget.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * width, [left, right] = [c.X(run.T), c.X(0)];
      goTo({ t: run.T * (right - x) / (right - left) });
    };
  }
}

// ---- the step on the screen -------------------------------------------------------------------------------------
function nearest(steps) {
  if (wish.end) return steps.length - 1;
  const t = wish.t ?? run.T * (1 - wish.share);
  let best = 0;
  steps.forEach((i, n) => { if (Math.abs(run.plan[i].t - t) < Math.abs(run.plan[steps[best]].t - t)) best = n; });
  return best;
}

function place() {   // choose the step that is nearest to the wish among those that can be shown, and draw it
  const steps = run ? run.shown : [];
  if (!steps.length) return;
  const to = steps[nearest(steps)];
  if (to === index) return;
  index = to;
  repaint('step');
}

function goTo(target) {
  wish = target;
  place();
  if (run && index >= 0) publish('explorer:view', { t: run.plan[index].t });
}

function stepBy(n) {
  const steps = run ? run.shown : [];
  if (!steps.length) return;
  const to = Math.max(0, Math.min(steps.length - 1, steps.indexOf(index) + n));
  goTo(to === steps.length - 1 && run.state !== 'running' ? { end: true, t: run.plan[steps[to]].t } : { t: run.plan[steps[to]].t });
}

const play = player(FRAMES_A_SECOND, () => { if (run && index === run.shown.at(-1)) goTo({ t: run.T }); return Boolean(run); }, () => {
  if (index === run.shown.at(-1) && run.state !== 'running') return false;
  stepBy(1);
  return true;
});

// Draw in the next animation frame: 'run' all of it, 'grown' what more steps change, 'step' what another step changes.
function repaint(what) {
  dirty.add(what);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const all = dirty.has('run'), grown = all || dirty.has('grown'), moved = all || dirty.has('step');
    dirty.clear();
    if (!run) return;
    if (grown) drawCharts(all ? Object.keys(holders) : ['size']);
    if (index >= 0 && run.rows[index]) {
      if (moved) { drawPanels(); drawTexts(); }
      drawTrack();
      drawFilm(all);
      moveCursors(holders, charts, run.plan[index], run.rows[index]);
    }
    light();
    drawStatus();
    drawPin();
  });
}

// ---- events -----------------------------------------------------------------------------------------------------
function receive() {
  const value = props.value, newest = coming ?? run;
  if (!value || (newest && (value.id < newest.id || value.count < newest.count))) return;   // a late word of an older run
  queued = value.state === 'queued' && !(newest?.remembered && value.count === newest.count);
  if (queued) { note = value.message; return drawStatus(); }
  if (value.state === 'error') { problem = value; heldSince = 0; delete stage.dataset.waiting; return drawStatus(); }
  problem = null;
  note = value.message;
  if (newest?.remembered && value.count === newest.count) return drawStatus();   // it is all on the screen
  if (newest?.id === value.id) newest.update(value);
  else {
    coming = new Run(value);
    coming.onSheet = settle;   // of a run that was made before, the sheet is all there is
    setTimeout(settle, Math.max(0, heldSince + HOLD - performance.now()));
  }
  settle();
  if (run?.id !== value.id) return drawStatus();
  place();
  repaint(run.state === 'running' ? 'grown' : 'run');
  tellEnd();
}

function tellEnd() {
  if (run.state !== 'ended' || run.told) return;
  run.told = true;
  remember(run);
  publish('explorer:ended', { tab: 'steps', count: run.count });
}

// Show the newest run as soon as it has reached the time step the user is at. Until then, but not for long, the screen keeps
// the run before it: a slider that moves must not throw the pictures back to pure noise.
function settle() {
  if (!coming?.shown.length || (run && !reached(coming) && performance.now() - heldSince < HOLD)) return;
  const before = run;
  [run, coming, heldSince] = [coming, null, 0];
  const shown = run;
  run.onSheet = () => { remember(shown); if (run === shown) { place(); repaint('run'); } };
  run.onFrame = i => {
    if (run !== shown) return;
    if (i === index) repaint('step'); else { clearTimeout(filmTimer); filmTimer = setTimeout(() => repaint('step'), 60); }
  };
  if (before?.width !== run.width || before?.height !== run.height) sizePanels();
  if (before?.settings.variance !== run.settings.variance) writeFormulas();
  place();
  repaint('run');
  tellEnd();
}

function reached(next) {
  const t = wish.end ? 0 : wish.t ?? next.T * (1 - wish.share);
  return next.state !== 'running' || next.plan[next.shown.at(-1)].t <= t;
}
watch('value', receive);

time.addEventListener('input', () => { play(false); goTo({ t: run ? run.T - time.value : 0 }); });
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const go = { first: () => goTo({ t: run?.T ?? 0 }), back: () => stepBy(-1), play: () => play(), forward: () => stepBy(1), last: () => goTo({ end: true }) }[button.dataset.go];
  if (go) { if (button.dataset.go !== 'play') play(false); go(); }
  else if (button.matches('.stop')) trigger('stop');
  else if (button.matches('.repair') && problem?.repair) publish('explorer:set', { [problem.repair.key]: problem.repair.value });
  else if (button.matches('.python') && run?.script) copy(button, run.script);
  else if (button.matches('.link')) copy(button, location.href);
});
element.addEventListener('change', event => {
  if (event.target.name !== 'form') return;
  stage.dataset.form = event.target.value;
  writeFormulas();
  repaint('step');
});
listenToKeys('steps', [
  ...transportKeys({ by: stepBy, first: () => goTo({ t: run?.T ?? 0 }), last: () => goTo({ end: true }), play }),
  { keys: ['ArrowDown', 'ArrowUp'], act: key => stepBy(key === 'ArrowDown' ? -1 : 1) },
  ...lightKeys(),
  { keys: ['a'], says: 'keys.pin', act: () => togglePin() },
], { inFront: () => Boolean(stage.offsetParent), range: time, halt: () => play(false) });
window.addEventListener('explorer:changed', event => {
  if (event.detail.tab !== 'steps') return;
  asked = event.detail.count;
  heldSince ||= performance.now();
  stage.dataset.waiting = '';
  const known = recall(window.explorer.settings, asked);
  if (!known) return;
  [coming, problem, note, queued] = [known, null, '', false];
  settle();
});
// Another tab says where in the run to look, as it opens one here.
window.addEventListener('explorer:view', event => { if (event.detail.t && !stage.offsetParent) wish = { t: event.detail.t }; });
window.addEventListener('explorer:look', ({ detail }) => { wish = +detail.get('t') > 0 ? { t: +detail.get('t') } : { share: 0.5 }; });
// A tab that was hidden has no width: draw when it comes to the front.
new ResizeObserver(() => { if (run && stage.offsetParent && !drawnAt) { drawnAt = true; sizePanels(); slots = null; repaint('run'); } else if (!stage.offsetParent) drawnAt = false; }).observe(stage);
let resizing;
window.addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(() => { if (run) { sizePanels(); slots = null; repaint('run'); } }, 120); });
new MutationObserver(() => repaint('run')).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-notation', 'data-projector'] });
speak(element, () => { writeFormulas(); drawStatus(); repaint('run'); });
receive();
