// The three charts under the pictures. Their axes depend on the settings alone, so they never jump while a run streams.
function runCharts(run, width, height) {
  const { T, plan, rows, settings } = run;
  const t_axis = { xRange: [T, 0], xTicks: [[T, `t = ${T}`, 'start'], [T / 2, T / 2, 'middle'], [0, '0', 'end']], width, height };
  const sigmas = pick => plan.map(p => [p.t, pick(p)]);
  const most = Math.max(...plan.map(p => Math.max(p.sigma1, p.sigmaHat, p.sigma)));
  const sigmaTop = [0.2, 0.4, 0.6, 0.8, 1].find(v => v >= most) || 1;
  const large = settings.variance === 'large';
  const at = Math.min(plan.length - 1, Math.round(plan.length * .12)), hatAt = Math.round((plan.length - 1) * .78);
  const gap = plan[hatAt].sigmaHat - plan[hatAt].sigma1;
  const rms = name => rows.map((row, i) => [plan[i].t, row[column(name)]]);
  const every = Math.ceil(plan.length / 60);
  return {
    alpha_bar: chart({ ...t_axis, yRange: [0, 1], yTicks: [0, .5, 1], lines: [{ points: run.curve, colour: 'var(--ref)', width: 1.5, name: say('chart.dots'), link: 'alpha_bar alpha_bar_prev' }],
      dots: plan.filter((_, i) => i % every === 0).map(p => [p.t, p.alpha_bar]) }),
    sigma: chart({ ...t_axis, yRange: [0, sigmaTop], yTicks: [0, sigmaTop / 2, sigmaTop], lines: [
      { points: sigmas(p => p.sigmaHat), colour: 'var(--ref)', width: 1.25, dash: '2 3',
        label: gap / sigmaTop > .04 && !large ? { at: [plan[hatAt].t, plan[hatAt].sigmaHat], dy: -6, text: '<tspan class="symbol">σ</tspan><tspan class="hat" dx="-7">ˆ</tspan>' } : null },
      { points: sigmas(p => p.sigma1), colour: 'var(--ref)', width: 1.25,
        label: settings.eta < .85 || large ? { at: [plan[at].t, large ? plan[at].sigma1 : Math.max(plan[at].sigma1, plan[at].sigmaHat)], dy: large ? 24 : -8, text: '<tspan class="symbol">η</tspan> = 1' } : null },
      { points: sigmas(p => p.sigma), colour: 'var(--noise)', link: 'sigma noise', name: say('chart.this_run', { setting: large ? 'σ̂' : `η = ${digits(settings.eta, 3)}` }) },
    ] }),
    size: chart({ ...t_axis, yRange: [0, 1.2], yTicks: [0, .5, 1], lines: [
      { points: rms('x_prev'), colour: 'var(--ref)', width: 1.5, name: say('chart.next_state'), link: 'x_prev' },
      { points: rms('term_x0'), colour: 'var(--x0)', name: say('chart.predicted'), link: 'x0' },
      { points: rms('term_direction'), colour: 'var(--direction)', name: say('chart.direction'), link: 'direction' },
      { points: rms('term_noise'), colour: 'var(--noise)', name: say('chart.noise'), link: 'noise' },
    ] }),
  };
}

function moveCursors(holders, charts, p, row) {
  const [a, s] = [charts.alpha_bar, charts.sigma];
  const jump = `<path d="M${a.X(p.t)} ${a.Y(p.alpha_bar)}H${a.X(p.t_prev)}V${a.Y(p.alpha_bar_prev)}" fill="none" stroke="var(--ink)" stroke-width="2.25"/>`;
  drawCursor(holders.alpha_bar, a, p.t, [[p.t, p.alpha_bar, 'var(--ink)', 'alpha_bar'], [p.t_prev, p.alpha_bar_prev, 'var(--ink)', 'alpha_bar_prev']], jump);
  drawCursor(holders.sigma, s, p.t, [[p.t, p.sigma, 'var(--noise)', 'sigma noise']]);
  drawCursor(holders.size, charts.size, p.t, [['x_prev', 'ink', 'x_prev'], ['term_x0', 'x0', 'x0'], ['term_direction', 'direction', 'direction'], ['term_noise', 'noise', 'noise']]
    .map(([name, colour, link]) => [p.t, row[column(name)], `var(--${colour})`, link]));
}
