// The Compare stage: rows of a comparison over the moments of the run.
let rows = {}, moments = [], facts = {}, show = 'x0';
let wish;
function look(wanted) {   // what the address asks to look at, until the user looks elsewhere
  show = wanted.get('show') === 'x_t' ? 'x_t' : 'x0';
  wish = wanted.has('moment') ? { t: +wanted.get('moment') } : { share: .5 };
}
look(new URLSearchParams(location.search));

const SIGMA_HAT_ALONE = '<span class="hat"><i>σ</i></span>', ETA = v => math(`<i>η</i> = ${digits(v, 3)}`);
const rms3 = v => `<b>${fixed(v, 3)}</b>`;
$('.of-x0').innerHTML = math(X0_HAT);
$('.of-x_t').innerHTML = math(X_T);

function receive() {
  rows = JSON.parse(value.rows);
  moments = [...JSON.parse(value.moments), ['end', 0]];   // the last column is the picture itself
  facts = JSON.parse(value.facts);
  follow();
}

function follow() {   // the moment nearest to where the user was, whatever S is now
  const t = wish.end ? 0 : wish.t ?? value.T * (1 - wish.share);
  let best = 0;
  moments.forEach(([, u], k) => { if (Math.abs(u - t) < Math.abs(moments[best][1] - t)) best = k; });
  at = best;
}

function moved(k) {
  wish = { t: moments[k][1] };
  publish('explorer:view', { moment: moments[k][1] });
}

const about = name => {
  const fact = facts[name], S = value.settings.steps;
  const same = value.settings.eta === 0 ? 'The same as DDIM. Move η in the column to see what lies between.' : value.settings.eta === 1 ? 'The same as DDPM. Move η to see what lies between.' : 'Part of the noise is drawn anew at every step.';
  return {
    ddim: 'One latent, one picture: the noise seed has no say.',
    yours: same,
    ddpm: fact?.posterior !== undefined ? `Eq. 12 and DDPM’s own mean (coef1, coef2) on the same noise differ by at most <b>${digits(fact.posterior, 2)}</b>` : 'The noise seed has a large say.',
    large: 'The noise of DDPM’s larger variance. With few steps the last ones leave it in the picture.',
    wrong: `The network is told ${[S, S - 1, S - 2].filter(n => n > 0).join(', ')}${S > 3 ? ', …' : ''} instead of ${JSON.parse(value.tau).join(', ')}${S > 3 ? ', …' : ''}`,
  }[name];
};
const titles = {
  ddim: () => `DDIM ${ETA(0)}`, yours: () => `Yours ${ETA(rows.yours)}`, ddpm: () => `DDPM ${ETA(1)}`,
  large: () => `DDPM, large variance ${math(SIGMA_HAT_ALONE)}`, wrong: () => `Wrong labels ${ETA(0)}`,
};

function extra(name) {
  const fact = facts[name], pic = (key, k = 0) => `<button type="button" class="pic" data-open="${key}" aria-label="noise seed ${value.settings.noise_seed + 1 + k}: open in Steps"><canvas data-name="${key}"></canvas></button>`;
  if (!fact) return '';
  const real = facts.examples?.grain, numbers = [
    [`to DDIM’s ${math('<i>x</i><sub>0</sub>')}, rms`, name === 'ddim' ? 'it is DDIM' : fixed(fact.distance, 3)],
    [`grain${real ? `, real ${fixed(real, 3)}` : ''}`, fixed(fact.grain, 3)],
    ['network calls', `${fact.nfe}`], ['its share of the time', fact.seconds === null ? 'made before' : `${fixed(fact.seconds, 2)} s`],
  ];
  let others = '';
  if (name === 'ddim') others = `<div class="group"><p>again, with another noise seed:${fact.repeat === undefined ? '' : `<br>differs by <b>${digits(fact.repeat, 2)}</b>${fact.repeat === 0 ? ', bit for bit' : ''}`}</p>${pic('ddim/other/0')}</div>`;
  if (name === 'ddpm') {
    const mean = fact.others && fact.others.reduce((a, b) => a + b, 0) / fact.others.length;
    others = `<div class="group"><p>${value.settings.others} other noise seeds:${fact.others ? `<br>differ by <b>${fixed(mean, 3)}</b> rms` : ''}</p>${Array.from({ length: value.settings.others }, (_, k) => pic(`ddpm/other/${k}`, k)).join('')}</div>`;
  }
  return `${others}<div class="facts">${numbers.map(([term, n]) => `<span>${term}</span><b>${n}</b>`).join('')}</div>`;
}

function draw() {
  const lanes = Object.keys(rows).map(name => ({ name, title: titles[name](), text: about(name), extra: extra(name) }));
  const n = value.settings.wrong ? 'five' : 'four';
  write($('h2'), `One latent, ${n} ways to step`);
  write($('.same'), `Same ${math('<i>x<sub>T</sub></i>')}, same ${math('<i>S</i>')} = ${value.settings.steps}, same network. Only ${math(SIGMA)} differs${value.settings.wrong ? ', and in the last row the label' : ''}.`);
  write($('.what'), moments[at][1] === 0 ? `${math('<i>x</i><sub>0</sub>')}, the end` : show === 'x0' ? `<span class="x0-colour">${math(X0_HAT)}</span> at ${math(T_)} = ${moments[at][1]}` : `${math(X_T)} at ${math(T_)} = ${moments[at][1]}`);
  drawFilm(lanes, moments.map(([, t]) => t), (lane, k) => moments[k][0] === 'end' ? `${lane.name}/end` : `${lane.name}/${moments[k][0]}/${show}`, k => `t = ${moments[k][1]}`);
}

function opening(button) {
  const [name, kind, k] = button.dataset.open.split('/'), { noise_seed } = value.settings;
  if (name === 'wrong') return null;   // Steps has no wrong labels
  const eta = rows[name] === 'large' ? 1 : rows[name];
  const t = kind ? 1 : moments[at][1] || 1;
  publish('explorer:view', { t });
  return { eta, variance: rows[name] === 'large' ? 'large' : 'eta', noise_seed: kind === 'other' ? noise_seed + 1 + +k : noise_seed };
}

function toggleSettings() { $(`[name="show"][value="${show}"]`).checked = true; }
for (const input of $$('[name="show"]')) input.addEventListener('change', event => {
  event.stopPropagation();   // nothing to run for
  show = input.value;
  publish('explorer:view', { show: show === 'x_t' ? 'x_t' : null });
  repaint();
});
filmKeys();
showSettings();
take();
