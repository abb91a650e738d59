// Mathematics as HTML, set in the two KaTeX fonts. No user text passes through here.
const SURD = '<svg viewBox="0 0 10 20" preserveAspectRatio="none" aria-hidden="true"><path d="M.6 11.6 2.9 10.4 6 19.4 9.9.55" fill="none" stroke="currentColor" stroke-width="1.3" vector-effect="non-scaling-stroke" stroke-linejoin="round"/></svg>';
const sqrt = x => `<span class="sqrt">${SURD}<span class="rad">${x}</span></span>`;
const frac = (above, below) => `<span class="frac"><span>${above}</span><span>${below}</span></span>`;
const linked = (names, x) => `<span data-link="${names}">${x}</span>`;   // what lights up with what: linked.js
const math = x => `<span class="m">${x}</span>`;
const T_ = '<i>t</i>', T_PREV = '<i>t</i>−1';
const X_T = '<i>x</i><sub><i>t</i></sub>', X_PREV = `<i>x</i><sub>${T_PREV}</sub>`;
const ALPHA = s => `<span class="bar"><i>α</i></span><sub>${s}</sub>`;
const X0_HAT = '<span class="hat"><i>x</i></span><sub>0</sub>';
const EPS = '<span class="ss"><i>ε</i><sup class="up">(<i>t</i>)</sup><sub class="dn"><i>θ</i></sub></span>';
const SIGMA = '<i>σ</i><sub><i>t</i></sub>', SIGMA_HAT = '<span class="hat"><i>σ</i></span><sub><i>t</i></sub>';
const SIGMA_1_SQUARED = `${SIGMA}(1)<sup>2</sup>`;
const SIGMA_SQUARED = '<i>σ</i><sub style="margin-right:-.3em"><i>t</i></sub><sup>2</sup>';

// The formulas over the five panels, for Eq. 12 and for its form in m and k.
function formulas(form, large) {
  const noise = `${linked('sigma', large ? SIGMA_HAT : SIGMA)}&thinsp;<i>z</i>`, before = linked('alpha_bar_prev', ALPHA(T_PREV)), eps = linked('eps', EPS), now = linked('alpha_bar', ALPHA(T_));
  if (form === 'mk') return { x_t: `${linked('m', '<i>m</i>')}&thinsp;${X_T}`, x0: `${linked('k', '<i>k</i>')}&thinsp;${X0_HAT}`, direction: '', noise, x_prev: X_PREV };
  return {
    x_t: X_T,
    x0: `${sqrt(before)}&thinsp;<span class="big">(</span>${frac(`${linked('x_t', X_T)} − ${sqrt('1−' + now)} ${eps}`, sqrt(now))}<span class="big">)</span>`,
    direction: `${sqrt(`1−${before}−${linked('sigma', large ? SIGMA_1_SQUARED : SIGMA_SQUARED)}`)}&nbsp;${eps}`,
    noise,
    x_prev: X_PREV,
  };
}

// Numbers for reading: fixed decimals where digits must not jump, significant digits elsewhere, a real minus sign.
const minus = text => text.replace('-', '−');
const fixed = (v, d) => minus(v.toFixed(d));
function digits(v, n = 3) {
  if (v === 0) return '0';
  return minus(Math.abs(v) < 1e-3 ? v.toExponential(n - 1) : (+v.toPrecision(n)).toString());
}
const powerOfTen = v => `10${[...String(v)].map(c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)]).join('')}`;
