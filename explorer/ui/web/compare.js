// The Compare stage: rows of a comparison over the moments of the run.
let rows = {}, moments = [], facts = {}, show = 'x0';
let wish;
function look(wanted) {   // what the address asks to look at, until the user looks elsewhere
  show = wanted.get('show') === 'x_t' ? 'x_t' : 'x0';
  wish = wanted.has('moment') ? { t: +wanted.get('moment') } : { share: .5 };
}
look(new URLSearchParams(location.search));

const ETA = v => `<i>η</i> = ${digits(v, 3)}`;
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

const about = {
  ddim: () => sayHtml('compare.ddim'),
  yours: () => sayHtml({ 0: 'compare.as_ddim', 1: 'compare.as_ddpm' }[value.settings.eta] ?? 'compare.between'),
  ddpm: posterior => posterior === undefined ? sayHtml('compare.ddpm') : sayHtml('compare.posterior', { difference: digits(posterior, 2) }),
  large: () => sayHtml('compare.large'),
  wrong: () => {
    const S = value.settings.steps, list = numbers => [...numbers, ...S > 3 ? ['…'] : []].join(', ');
    return sayHtml('compare.wrong', { wrong: list([S, S - 1, S - 2].filter(n => n > 0)), right: list(JSON.parse(value.tau)) });
  },
};
const titles = {
  ddim: () => `DDIM ${math(ETA(0))}`, yours: () => sayHtml('compare.yours', { setting: formula(ETA(rows.yours)) }), ddpm: () => `DDPM ${math(ETA(1))}`,
  large: () => sayHtml('compare.large_variance'), wrong: () => `${sayHtml('compare.wrong_labels')} ${math(ETA(0))}`,
};

function extra(name) {
  const fact = facts[name], pic = (key, k = 0) => `<button type="button" class="pic" data-open="${key}" aria-label="${say('stage.open', { what: say('compare.other_seed', { seed: value.settings.noise_seed + 1 + k }) })}"><canvas data-name="${key}"></canvas></button>`;
  if (!fact) return '';
  const real = facts.examples?.grain, numbers = [
    [sayHtml('compare.distance'), name === 'ddim' ? say('compare.is_ddim') : fixed(fact.distance, 3)],
    [real ? say('compare.grain_real', { real: fixed(real, 3) }) : say('compare.grain'), fixed(fact.grain, 3)],
    [say('compare.calls'), `${fact.nfe}`], [say('compare.time'), fact.seconds === null ? say('compare.made_before') : say('stage.seconds', { seconds: fixed(fact.seconds, 2) })],
  ];
  let others = '';
  if (name === 'ddim') others = `<div class="group"><p>${say('compare.again')}${fact.repeat === undefined ? '' : `<br>${sayHtml(fact.repeat === 0 ? 'compare.repeat_exact' : 'compare.repeat', { difference: digits(fact.repeat, 2) })}`}</p>${pic('ddim/other/0')}</div>`;
  if (name === 'ddpm') {
    const mean = fact.others && fact.others.reduce((a, b) => a + b, 0) / fact.others.length;
    others = `<div class="group"><p>${say('compare.other_seeds', { n: value.settings.others })}${fact.others ? `<br>${sayHtml('compare.differ', { difference: fixed(mean, 3) })}` : ''}</p>${Array.from({ length: value.settings.others }, (_, k) => pic(`ddpm/other/${k}`, k)).join('')}</div>`;
  }
  return `${others}<div class="facts">${numbers.map(([term, n]) => `<span>${term}</span><b>${n}</b>`).join('')}</div>`;
}

function draw() {
  const lanes = Object.keys(rows).map(name => ({ name, title: titles[name](), text: about[name](facts[name]?.posterior), extra: extra(name) }));
  const { wrong, steps } = value.settings, time = moments[at][1];
  write($('h2'), say(wrong ? 'compare.title_five' : 'compare.title_four'));
  write($('.same'), sayHtml(wrong ? 'compare.same_wrong' : 'compare.same', { steps }));
  write($('.what'), time === 0 ? sayHtml('compare.end') : sayHtml('stage.at_time', { picture: { html: show === 'x0' ? `<span class="x0-colour">${math(X0_HAT)}</span>` : math(X_T) }, time }));
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
begin();
