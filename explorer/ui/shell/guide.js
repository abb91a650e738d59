// What the tab in front is about: a text, its formula, and the examples and stops of the lesson that are played on it.
const $ = selector => element.querySelector(selector);
const { stops, examples } = props.lesson, FOLD = 'ddim-explorer-guide';
const colour = (name, x) => `<span class="${name}-colour">${x}</span>`, LOW = x => `<sub>${x}</sub>`;
const X0 = '<i>x</i><sub>0</sub>', X_BIG_T = '<i>x<sub>T</sub></i>', THETA = '<i>θ</i>', A = ALPHA(T_), A_PREV = ALPHA(T_PREV), A_ALONE = ALPHA(''), REAL = '<sub>r</sub>';
const FORMULAS = {
  steps: [`${X0_HAT} = ${frac(`${X_T} − ${sqrt('1−' + A)} ${EPS}`, sqrt(A))}`,
    `${X_PREV} = ${colour('x0', `${sqrt(A_PREV)} ${X0_HAT}`)} + ${colour('direction', `${sqrt(`1−${A_PREV}−${SIGMA_SQUARED}`)} ${EPS}`)} + ${colour('noise', `${SIGMA} <i>z</i>`)}`],
  compare: [`${colour('noise', `${SIGMA}(<i>η</i>)`)} = <i>η</i> ${sqrt(frac(`1−${A_PREV}`, `1−${A}`))} ${sqrt(`1−${frac(A, A_PREV)}`)}`, `${colour('noise', SIGMA_HAT)} = ${sqrt(`1−${frac(A, A_PREV)}`)}`],
  consistency: [`<i>η</i> = 0:&ensp;${X0} = <i>f</i>${LOW('<i>τ</i>')}(${X_BIG_T})`, `<i>τ</i>: <i>T</i> = <i>τ${LOW('<i>S</i>')}</i> &gt; … &gt; <i>τ</i>${LOW('1')} &gt; 0`],
  interpolate: [`slerp(<i>a</i>, <i>b</i>, <i>w</i>) = ${frac('sin((1−<i>w</i>)<i>ω</i>)', 'sin <i>ω</i>')} <i>a</i> + ${frac('sin(<i>wω</i>)', 'sin <i>ω</i>')} <i>b</i>`, `cos <i>ω</i> = ${frac('<i>a</i>·<i>b</i>', '∥<i>a</i>∥ ∥<i>b</i>∥')}`],
  encode: [`${frac('<i>x<sub>s</sub></i>', sqrt(ALPHA('<i>s</i>')))} = ${frac(X_T, sqrt(A))} + (${sqrt(frac(`1−${ALPHA('<i>s</i>')}`, ALPHA('<i>s</i>')))} − ${sqrt(frac(`1−${A}`, A))}) ${EPS}`],
  forward: [`${X_T} = ${colour('x0', `${sqrt(A)} ${X0}`)} + ${colour('noise', `${sqrt('1−' + A)} <i>ε</i>`)}`, `Var(${X_T}) = ${A} Var(${X0}) + 1−${A}`],
  paths: [`∇ log <i>p</i>${LOW(T_)}(<i>x</i>) = −${frac('<i>ε</i>', sqrt('1−' + A))}`, `<i>d</i>${frac('<i>x</i>', sqrt(A_ALONE))} = <i>ε</i> <i>d</i>${sqrt(frac(`1−${A_ALONE}`, A_ALONE))}`],
  quality: [`∥<i>μ</i> − <i>μ</i>${REAL}∥<sup>2</sup> + Tr(<i>Σ</i> + <i>Σ</i>${REAL} − 2(<i>ΣΣ</i>${REAL})<sup>1/2</sup>)`],
};
const tabOf = query => new URLSearchParams(query).get('tab');
const entry = (kind, name, html) => `<button type="button" data-${kind}="${name}">${html}</button>`;

let drawn = '';
function draw() {
  const tab = window.explorer?.tab ?? 'steps';
  $('.about').innerHTML = sayHtml(`about.${tab}`);
  $('.formula').innerHTML = FORMULAS[tab].map(x => `<p>${math(x)}</p>`).join('');
  $('.notation').hidden = !$('.formula .bar');
  $('.try').innerHTML = examples.filter(e => tabOf(e.query) === tab).map(e => entry('example', e.name, sayHtml(`examples.${e.name}.title`))).join('')
    + stops.map((s, i) => tabOf(s.query) === tab ? entry('stop', i + 1, say('guide.stop', { n: i + 1 })) : '').join('');
  drawn = tab;
}
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  window.scrollTo({ top: 0 });   // to where it is seen
  if (button.dataset.example) publish('explorer:example', button.dataset.example);
  else publish('explorer:stop', +button.dataset.stop);
});
window.addEventListener('explorer:settings', event => { if (event.detail.tab !== drawn) draw(); });
try { $('details').open = localStorage.getItem(FOLD) !== 'folded'; } catch { /* the browser keeps nothing */ }
$('details').addEventListener('toggle', () => { try { localStorage.setItem(FOLD, $('details').open ? 'open' : 'folded'); } catch { /* as above */ } });
speak(element, draw);
