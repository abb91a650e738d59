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
  $('.noise .none').innerHTML = `${math(`${SIGMA} = 0`)}<span>${sayHtml(p.t_prev === 0 ? 'player.none_last' : 'player.none_eta')}</span>`;
  for (const name of PANELS) {
    const seen = name === 'noise' && empty ? 'no_noise' : name;
    $('canvas', panel(name)).ariaLabel = say(`player.alt_${seen}`, { value: name === 'x_prev' ? p.t_prev : p.t });
  }
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
  $('.name', panel('x_t')).innerHTML = sayHtml('player.x_t', { value: p.t });
  $('.name', panel('x_prev')).innerHTML = sayHtml('player.x_prev', { value: p.t_prev });
  const caption = (name, symbol, rms, signed) => {
    const size = sayHtml(signed && rgb ? 'player.rms_mean' : 'player.rms', { symbol: { html: math(symbol) }, rms: fixed(rms, 2) });
    $('figcaption', panel(name)).innerHTML = `${size}<br>${signed ? scale : sayHtml('player.shown')}`;
  };
  caption('x_t', X_T, v('x_t'));
  caption('x0', X0_HAT, v('x0'));
  caption('direction', EPS, v('eps'), true);
  if (p.sigma === 0) $('figcaption', panel('noise')).innerHTML = sayHtml('player.not_drawn');
  else caption('noise', '<i>z</i>', v('z'), true);
  caption('x_prev', X_PREV, v('x_prev'));

  $('[data-chart="alpha_bar"] .value').textContent = `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`;
  $('[data-chart="sigma"] .value').textContent = fixed(p.sigma, 3);
  $('[data-chart="sigma"] .value').className = 'value noise-colour';
  $('[data-chart="size"] .value').innerHTML = ['x0', 'direction', 'noise'].map(n => `<span class="${n}-colour" data-link="${n}">${fixed(v('term_' + n), 2)}</span>`).join(' ');
  const jump = { now: p.t, next: p.t_prev };
  $('[data-chart="alpha_bar"] .plot').ariaLabel = say('chart.alpha_bar_aloud', { ...jump, from: digits(p.alpha_bar), to: digits(p.alpha_bar_prev) });
  $('[data-chart="sigma"] .plot').ariaLabel = say('chart.sigma_aloud', { ...jump, value: fixed(p.sigma, 3) });
  $('[data-chart="size"] .plot').ariaLabel = say('chart.size_aloud', { ...jump, predicted: fixed(v('term_x0'), 2), direction: fixed(v('term_direction'), 2), noise: fixed(v('term_noise'), 2) });
  const distance = run.distances[index];
  const count = (run.channels * run.height * run.width).toLocaleString('en'), sum = { html: math(`<i>m</i> ${X_T} + <i>k</i>${X0_HAT} + <i>σ z</i>`) };
  const entries = [
    [math(`${T_} → ${T_PREV}`), `${p.t} → ${p.t_prev}`],
    [math(`${ALPHA(T_)} → ${ALPHA(T_PREV)}`), `${digits(p.alpha_bar)} → ${digits(p.alpha_bar_prev)}`, 'alpha_bar alpha_bar_prev'],
    large ? [math(`${SIGMA_HAT}, ${SIGMA}(1)`), `${digits(p.sigma, 4)}, ${digits(p.sigma1, 4)}`, 'sigma noise']
      : [math(`${SIGMA} = <i>η</i> ${SIGMA}(1)`), `${digits(p.sigma, 4)} = ${digits(run.settings.eta, 3)} × ${digits(p.sigma1, 4)}`, 'sigma noise'],
    [sayHtml('numbers.squares', { rest: { html: math(`1−${ALPHA(T_PREV)}`) } }), `${fixed(1 - p.alpha_bar_prev, 3)}, ${fixed(p.direction ** 2 + p.sigma ** 2, 3)}`, 'direction'],
    [math('<i>m</i>, <i>k</i>'), `${fixed(p.m, 4)}, ${fixed(p.k, 4)}`, 'm k'],
    [sayHtml('numbers.mk_sum', { sum }), digits(v('mk_residual'), 2)],
    [sayHtml('numbers.three_terms'), digits(v('sum_residual'), 2)],
    [sayHtml('numbers.distance'), distance === undefined ? (run.state === 'ended' ? '–' : sayHtml('numbers.after')) : fixed(distance, 3), 'x0'],
    [sayHtml('numbers.clipped', { count }), run.settings.clip ? v('clipped').toLocaleString('en') : sayHtml('numbers.clip_off')],
  ];
  $('dl').innerHTML = entries.map(([term, value, link]) => `<div${link ? ` data-link="${link}"` : ''}><dt>${term}</dt><dd>${value}</dd></div>`).join('');
}
