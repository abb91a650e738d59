// The Steps stage: five panels under Eq. 12, scrubber, charts, numbers. `element`, `trigger`, `props`, `watch` come from Gradio.
const $ = (selector, inside = element) => inside.querySelector(selector);
const panel = name => $(`[data-panel="${name}"]`);
const stage = $('.stage'), time = $('.time'), film = $('.film'), ticks = $('.ticks');
const holders = Object.fromEntries(['alpha_bar', 'sigma', 'size'].map(n => [n, $(`[data-chart="${n}"]`)]));
const FRAMES_A_SECOND = 8;
const fromAddress = +new URLSearchParams(location.search).get('t');

let run = null;          // the run on the screen
let index = -1;          // the step on the screen
let wish = fromAddress > 0 ? { t: fromAddress } : { share: 0.5 };  // where the user wants to be: kept over runs
let charts = null, playing = null, drawing = false, dirty = '', filmTimer = 0, slots = null;
let asked = 0;           // count of the newest change of the controls

// ---- what is fixed by the settings ------------------------------------------------------------------------------
function writeFormulas() {
  const form = stage.dataset.form, large = run?.settings.variance === 'large';
  const set = formulas(form, large);
  for (const name of PANELS) $('.formula', panel(name)).innerHTML = set[name] ? math(set[name]) : '';
  $('.x0 .name').innerHTML = `“predicted ${math('<i>x</i><sub>0</sub>')}”`;
  $('.direction .name').innerHTML = form === 'mk' ? 'part of <span class="m"><i>m</i></span> and <span class="m"><i>k</i></span>' : `“direction pointing to ${math(X_T)}”`;
  $('.noise .name').textContent = '“random noise”';
  const operators = form === 'mk' ? { x0: '+', direction: '', noise: '+', x_prev: '=' } : { x0: '→', direction: '+', noise: '+', x_prev: '=' };
  for (const [name, sign] of Object.entries(operators)) for (const span of $(`[data-before="${name}"]`).children) span.textContent = sign;
  $('.mk').innerHTML = math('<i>m</i>, <i>k</i>');
  $('[data-chart="alpha_bar"] .title').innerHTML = `${math(ALPHA(T_))} and the jumps of ${math('<i>τ</i>')}`;
  $('[data-chart="sigma"] .title').innerHTML = `<span class="noise-colour">${math(large ? SIGMA_HAT : SIGMA)}</span> over ${math('<i>τ</i>')}`;
  $('[data-chart="size"] .title').textContent = 'Size of each term, rms';
}

function sizePanels() {
  const space = parseFloat(getComputedStyle(stage).getPropertyValue('--pic'));
  for (const name of PANELS) {
    const canvas = $('canvas', panel(name)), factor = Math.floor(space / Math.max(run.width, run.height));
    [canvas.width, canvas.height] = [run.width, run.height];
    canvas.style.width = factor ? `${run.width * factor}px` : '';   // whole factors only; larger pictures fill the panel
    canvas.style.height = factor ? `${run.height * factor}px` : '';
    canvas.style.imageRendering = factor ? '' : 'auto';
  }
}

function drawCharts() {
  if (!run) return;
  const width = Math.max(200, holders.alpha_bar.clientWidth), height = innerWidth >= 1760 ? 248 : 208;
  charts = runCharts(run, width, height);
  for (const [name, c] of Object.entries(charts)) {
    $('.plot', holders[name]).innerHTML = c.svg;
    $('svg', holders[name]).onclick = event => {
      const x = event.offsetX, [left, right] = [c.X(run.T), c.X(0)];
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
  index = steps[nearest(steps)];
  repaint('step');
}

function goTo(target) {
  wish = target;
  place();
  if (run && index >= 0) publish('explorer:t', { t: run.plan[index].t });
}

function stepBy(n) {
  const steps = run ? run.shown : [];
  if (!steps.length) return;
  const to = Math.max(0, Math.min(steps.length - 1, steps.indexOf(index) + n));
  goTo(to === steps.length - 1 && run.state !== 'running' ? { end: true, t: run.plan[steps[to]].t } : { t: run.plan[steps[to]].t });
}

function play(on) {
  if (!on === !playing) return;
  clearInterval(playing);
  playing = null;
  if (on && run) {
    if (index === run.shown.at(-1)) goTo({ t: run.T });
    playing = setInterval(() => { if (index === run.shown.at(-1) && run.state !== 'running') play(false); else stepBy(1); }, 1000 / FRAMES_A_SECOND);
  }
  $('.play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
  $('.play path').setAttribute('d', playing ? 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z' : 'M5 2.5 13 8l-8 5.5z');
}

function repaint(what) {
  if (what === 'run') dirty = 'run';
  dirty = dirty || what;
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const all = dirty === 'run';
    dirty = '';
    if (!run) return;
    if (all) drawCharts();
    if (index < 0 || !run.rows[index]) return drawStatus();
    drawPanels(); drawTexts(); drawTrack(); drawFilm(all); drawStatus();
    moveCursors(holders, charts, run.plan[index], run.rows[index]);
  });
}

function drawPanels() {
  const frame = run.frame(index);
  if (!frame) return;   // decoding: its onload draws it
  if (current) delete stage.dataset.waiting;
  const p = run.plan[index];
  PANELS.forEach((name, k) => {
    const canvas = $('canvas', panel(name));
    canvas.getContext('2d').drawImage(frame.image, frame.x + k * run.width, frame.y, run.width, run.height, 0, 0, run.width, run.height);
  });
  stage.dataset.step = index;
  const empty = p.sigma === 0;
  $('.noise .picture').toggleAttribute('data-none', empty);
  $('.noise .none').innerHTML = `${math(`${SIGMA} = 0`)}<span>${p.t_prev === 0 ? 'no noise in the last step' : `no noise at ${math('<i>η</i> = 0')}`}</span>`;
  const describe = { x_t: `state x at t = ${p.t}`, x0: `predicted x_0 at t = ${p.t}`, direction: 'predicted noise, the direction pointing to x_t', noise: empty ? 'no noise' : 'fresh random noise z', x_prev: `next state, t = ${p.t_prev}` };
  for (const name of PANELS) $('canvas', panel(name)).setAttribute('aria-label', describe[name]);
}

const scale = `<span class="scale"><span>−1.5</span><s></s><span>+1.5</span></span>`;
function drawTexts() {
  const p = run.plan[index], row = run.rows[index], v = name => row[column(name)];
  const mk = stage.dataset.form === 'mk', rgb = run.channels === 3;
  const coefficient = (name, text) => { $('.coefficient', panel(name)).textContent = text; };
  coefficient('x_t', mk ? `${fixed(p.m, 4)} ×` : '');
  coefficient('x0', `${fixed(mk ? p.k : p.x0, 4)} ×`);
  coefficient('direction', mk ? '' : `${fixed(p.direction, 4)} ×`);
  coefficient('noise', `${fixed(p.sigma, 4)} ×`);
  $('.name', panel('x_t')).innerHTML = `state at ${math(T_)} = ${p.t}`;
  $('.name', panel('x_prev')).innerHTML = `next state, ${math(T_PREV)} := ${p.t_prev}`;
  const caption = (name, symbol, rms, signed) => {
    $('figcaption', panel(name)).innerHTML = `${math(symbol)}, rms <b>${fixed(rms, 2)}</b>${signed ? `${rgb ? ', channel mean' : ''}<br>${scale}` : '<br>shown on [−1, 1]'}`;
  };
  caption('x_t', X_T, v('x_t'));
  caption('x0', X0_HAT, v('x0'));
  caption('direction', EPS, v('eps'), true);
  if (p.sigma === 0) $('figcaption', panel('noise')).innerHTML = `${math('<i>z</i>')} is not drawn`;
  else caption('noise', '<i>z</i>', v('z'), true);
  caption('x_prev', X_PREV, v('x_prev'));

  $('[data-chart="alpha_bar"] .value').textContent = `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`;
  $('[data-chart="sigma"] .value').textContent = fixed(p.sigma, 3);
  $('[data-chart="sigma"] .value').className = 'value noise-colour';
  $('[data-chart="size"] .value').innerHTML = ['x0', 'direction', 'noise'].map(n => `<span class="${n}-colour">${fixed(v('term_' + n), 2)}</span>`).join(' ');
  const distance = run.distances[index];
  const values = (run.channels * run.height * run.width).toLocaleString('en');
  const entries = [
    [math(`${T_} → ${T_PREV}`), `${p.t} → ${p.t_prev}`],
    [math(`${ALPHA(T_)} → ${ALPHA(T_PREV)}`), `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`],
    [math(run.settings.variance === 'large' ? SIGMA_HAT : SIGMA), digits(p.sigma, 4)],
    [math('<i>m</i>, <i>k</i>'), `${fixed(p.m, 4)}, ${fixed(p.k, 4)}`],
    [`${math(`<i>m</i> ${X_T} + <i>k</i>${X0_HAT} + <i>σ z</i>`)} off by`, digits(v('mk_residual'), 2)],
    ['sum of the three terms off by', digits(v('sum_residual'), 2)],
    [`${math(X0_HAT)} to the last ${math('<i>x</i><sub>0</sub>')}, rms`, distance === undefined ? (run.state === 'ended' ? '–' : 'after the run') : fixed(distance, 3)],
    [`values clipped, of ${values}`, run.settings.clip ? v('clipped').toLocaleString('en') : 'clip is off'],
  ];
  $('dl').innerHTML = entries.map(([term, value]) => `<div><dt>${term}</dt><dd>${value}</dd></div>`).join('');
}

function drawTrack() {
  const width = ticks.clientWidth, T = run.T, y = 10, X = t => (T - t) / T * width, p = run.plan[index];
  const reached = X(run.plan[run.rows.length - 1].t_prev), every = Math.ceil(run.plan.length / 120);
  const bar = (a, b, colour, w) => `<path d="M${a} ${y}H${b}" stroke="${colour}" stroke-width="${w}" stroke-linecap="round"/>`;
  let s = bar(0, width, 'var(--line)', 1.5) + bar(0, reached, 'var(--line)', 4) + bar(0, X(p.t), 'var(--ref)', 4)
    + `<path d="M${X(p.t)} ${y}H${Math.max(X(p.t_prev), X(p.t) + 1)}" stroke="var(--ink)" stroke-width="4"/>`;
  run.plan.forEach((q, i) => { if (i % every === 0 || i === index) s += `<path d="M${X(q.t).toFixed(1)} ${y + 6}v6" stroke="${i === index ? 'var(--ink)' : 'var(--ref)'}" stroke-width="1.25"/>`; });
  s += `<path d="M${width} ${y + 6}v6" stroke="var(--ref)" stroke-width="1.25"/>`;
  const at = Math.max(24, Math.min(width - 34, X(p.t)));
  for (const share of innerWidth > 700 ? [1, .8, .6, .4, .2, 0] : [1, .5, 0]) {
    const t = Math.round(T * share);
    if (Math.abs(X(t) - at) > 58) s += `<text x="${X(t)}" y="${y + 27}" text-anchor="${share === 1 ? 'start' : share === 0 ? 'end' : 'middle'}">${t}</text>`;
  }
  s += `<circle class="knob" cx="${X(p.t)}" cy="${y}" r="8.5" fill="var(--bg)" stroke="var(--ink)" stroke-width="2.5"/><text class="now" x="${at}" y="${y + 27}" text-anchor="middle">t = ${p.t}</text>`;
  ticks.innerHTML = s;
  if (+time.max !== T) time.max = T;
  if (document.activeElement !== time || +time.value !== T - p.t) time.value = T - p.t;
  time.setAttribute('aria-valuetext', `t = ${p.t}, next ${p.t_prev}, step ${index + 1} of ${run.plan.length}`);
  $('.count').textContent = `${index + 1} of ${run.plan.length}`;
}

// Thumbnails of predicted x_0 at their ticks; those that would overlap are dropped. The strip itself is drawn once per change.
function drawFilm(all) {
  const size = 40, width = film.clientWidth, ratio = devicePixelRatio || 1;
  if (!width) return;
  const context = film.getContext('2d'), X = t => (run.T - t) / run.T * width;
  if (all || !slots) {
    slots = [];
    for (const i of run.kept) {
      const x = Math.round(X(run.plan[i].t));
      if (x + size <= width + 4 && (!slots.length || x - slots.at(-1).x >= size + 3)) slots.push({ i, x });
    }
  }
  const have = new Set(run.shown);
  film.width = width * ratio;
  film.height = 44 * ratio;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const css = getComputedStyle(document.body);
  let here = slots[0];
  for (const slot of slots) {
    const frame = have.has(slot.i) ? run.frame(slot.i) : null;
    context.fillStyle = css.getPropertyValue('--fill');
    if (frame) context.drawImage(frame.image, frame.x + run.width, frame.y, run.width, run.height, slot.x, 2, size, size);
    else context.fillRect(slot.x, 2, size, size);
    if (slot.i <= index) here = slot;
  }
  if (here) { context.strokeStyle = css.getPropertyValue('--x0'); context.lineWidth = 2.5; context.strokeRect(here.x, 2, size, size); }
}

// ---- events -----------------------------------------------------------------------------------------------------
function receive() {
  const value = props.value;
  if (!value) return;
  if (run && value.id < run.id) return;   // a late word of an older run
  if (value.count >= asked) current = true;
  if (value.state === 'error') { problem = value; delete stage.dataset.waiting; return drawStatus(); }
  problem = null;
  note = value.message;
  if (!run || run.id !== value.id) {
    const before = run;
    run = new Run(value);
    run.onSheet = () => { place(); repaint('run'); };
    run.onFrame = i => { if (i === index) repaint('step'); else { clearTimeout(filmTimer); filmTimer = setTimeout(() => repaint('step'), 60); } };
    if (!before || before.width !== run.width || before.height !== run.height) sizePanels();
    if (!before || before.settings.variance !== run.settings.variance) writeFormulas();
    drawCharts();
  } else run.update(value);
  place();
  repaint('run');
}
watch('value', receive);

time.addEventListener('input', () => { play(false); goTo({ t: run ? run.T - time.value : 0 }); });
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const go = { first: () => goTo({ t: run?.T ?? 0 }), back: () => stepBy(-1), play: () => play(!playing), forward: () => stepBy(1), last: () => goTo({ end: true }) }[button.dataset.go];
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
document.addEventListener('keydown', event => {
  if (!stage.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target !== time && target.closest('input:not([type="checkbox"]), select, textarea, [role="tab"]')) return;
  if (event.key === ' ' && target.closest('button, a, input')) return;
  const act = { ArrowLeft: () => stepBy(-1), ArrowRight: () => stepBy(1), ArrowDown: () => stepBy(-1), ArrowUp: () => stepBy(1), Home: () => goTo({ t: run?.T ?? 0 }), End: () => goTo({ end: true }), ' ': () => play(!playing) }[event.key];
  if (!act || (target !== time && event.key.match(/ArrowUp|ArrowDown/))) return;
  event.preventDefault();
  if (event.key !== ' ') play(false);
  act();
});
window.addEventListener('explorer:changed', event => { asked = event.detail.count; current = false; stage.dataset.waiting = ''; });
let resizing;
window.addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(() => { if (run) { sizePanels(); repaint('run'); } }, 120); });
new MutationObserver(() => repaint('run')).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-notation'] });
writeFormulas();
receive();
