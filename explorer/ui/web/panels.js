// The five pictures under Eq. 12, their captions and coefficients, and the numbers of the step. Shares the player's scope.
function drawPanels() {
  const frame = run.frame(index);
  if (!frame) return;   // decoding: its onload draws it
  if (run.count >= asked) delete stage.dataset.waiting;
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
  const mk = stage.dataset.form === 'mk', rgb = run.channels === 3, large = run.settings.variance === 'large';
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
  $('[data-chart="size"] .value').innerHTML = ['x0', 'direction', 'noise'].map(n => `<span class="${n}-colour" data-link="${n}">${fixed(v('term_' + n), 2)}</span>`).join(' ');
  const range = `t = ${p.t} → ${p.t_prev}`;
  $('[data-chart="alpha_bar"] .plot').ariaLabel = `Chart of alpha bar over t. ${range}: ${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`;
  $('[data-chart="sigma"] .plot').ariaLabel = `Chart of sigma over tau. ${range}: ${fixed(p.sigma, 3)}`;
  $('[data-chart="size"] .plot').ariaLabel = `Chart of the size of each term, rms. ${range}: predicted x_0 ${fixed(v('term_x0'), 2)}, direction ${fixed(v('term_direction'), 2)}, noise ${fixed(v('term_noise'), 2)}`;
  const distance = run.distances[index];
  const values = (run.channels * run.height * run.width).toLocaleString('en');
  const entries = [
    [math(`${T_} → ${T_PREV}`), `${p.t} → ${p.t_prev}`],
    [math(`${ALPHA(T_)} → ${ALPHA(T_PREV)}`), `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`, 'alpha_bar alpha_bar_prev'],
    large ? [math(`${SIGMA_HAT}, ${SIGMA}(1)`), `${digits(p.sigma, 4)}, ${digits(p.sigma1, 4)}`, 'sigma noise']
      : [math(`${SIGMA} = <i>η</i> ${SIGMA}(1)`), `${digits(p.sigma, 4)} = ${digits(run.settings.eta, 3)} × ${digits(p.sigma1, 4)}`, 'sigma noise'],
    [`${math(`1−${ALPHA(T_PREV)}`)}, direction² + σ²`, `${fixed(1 - p.alpha_bar_prev, 3)}, ${fixed(p.direction ** 2 + p.sigma ** 2, 3)}`, 'direction'],
    [math('<i>m</i>, <i>k</i>'), `${fixed(p.m, 4)}, ${fixed(p.k, 4)}`, 'm k'],
    [`${math(`<i>m</i> ${X_T} + <i>k</i>${X0_HAT} + <i>σ z</i>`)} off by`, digits(v('mk_residual'), 2)],
    ['sum of the three terms off by', digits(v('sum_residual'), 2)],
    [`${math(X0_HAT)} to the last ${math('<i>x</i><sub>0</sub>')}, rms`, distance === undefined ? (run.state === 'ended' ? '–' : 'after the run') : fixed(distance, 3), 'x0'],
    [`values clipped, of ${values}`, run.settings.clip ? v('clipped').toLocaleString('en') : 'clip is off'],
  ];
  $('dl').innerHTML = entries.map(([term, value, link]) => `<div${link ? ` data-link="${link}"` : ''}><dt>${term}</dt><dd>${value}</dd></div>`).join('');
}
