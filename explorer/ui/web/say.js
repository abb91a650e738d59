// The words of the page. Runs once, before any component; TEXTS comes from explorer/ui/language.py. Every component finds
//   say(key, values)      a text for labels and textContent, sayHtml(key, values) the same with mathematics, for innerHTML;
//                         there a value { html } is set as it is, any other one as text,
//   told(message)         what Python says: a text, or { say: key, values }; a value may be such a message again,
//   speak(root, redraw)   writes what data-say, data-say-label and data-say-title name below root, now and whenever the
//                         language or the notation changes; then redraw() writes what the component says by itself.
const LANGUAGES = { en: 'English', zh: '中文', ko: '한국어' }, KEPT = 'ddim-explorer-language';
const known = tags => tags.map(tag => String(tag).toLowerCase().split('-')[0]).find(tag => Object.hasOwn(LANGUAGES, tag));
function kept(value) {   // in the browser, where it lets us
  try { if (value) localStorage.setItem(KEPT, value); return localStorage.getItem(KEPT); } catch { return null; }
}
const browser = known(navigator.languages ?? [navigator.language]) ?? 'en';
let language = known([new URLSearchParams(location.search).get('lang'), kept()]) ?? browser;

// What {name} stands for where no value has that name: as plain text, and as mathematics.
const SYMBOLS = {
  x_T: ['x_T', '<i>x<sub>T</sub></i>'], x_t: ['x_t', X_T], x_prev: ['x_{t−1}', X_PREV], x_0: ['x_0', '<i>x</i><sub>0</sub>'], x0: ['x̂_0', X0_HAT],
  eta: ['η', '<i>η</i>'], S: ['S', '<i>S</i>'], T: ['T', '<i>T</i>'], t: ['t', T_], t_prev: ['t−1', T_PREV], tau: ['τ', '<i>τ</i>'], z: ['z', '<i>z</i>'], eps: ['ε', '<i>ε</i>'],
  beta: ['β', '<i>β</i><sub><i>t</i></sub>'], sigma: ['σ', '<i>σ</i>'], sigma_hat: ['σ̂', '<span class="hat"><i>σ</i></span>'], sigma_of_eta: ['σ(η)', '<i>σ</i>(<i>η</i>)'], m: ['m', '<i>m</i>'], k: ['k', '<i>k</i>'],
  alpha_bar: ['ᾱ_t', ALPHA(T_)], alpha_bar_prev: ['ᾱ_{t−1}', ALPHA(T_PREV)], sqrt_alpha_bar: ['√ᾱ_t', sqrt(ALPHA(T_))], sqrt_dim: ['√D', sqrt('<i>D</i>')],
  n: ['n', '<i>n</i>'], w: ['w', '<i>w</i>'], u: ['u', '<i>u</i>'], v: ['v', '<i>v</i>'], sigma_t: ['σ_t', SIGMA], eps_theta: ['ε_θ', EPS], sqrt_S: ['√S', sqrt('<i>S</i>')], x_T_of_w: ['x_T(w)', '<i>x<sub>T</sub></i>(<i>w</i>)'],
  x_scaled: ['x/√ᾱ', `<i>x</i>/${sqrt(ALPHA(''))}`], noise_scaled: ['√((1−ᾱ)/ᾱ)', sqrt(`(1−${ALPHA('')})/${ALPHA('')}`)], score: ['−ε/√(1−ᾱ_t)', `−<i>ε</i>/${sqrt('1−' + ALPHA(T_))}`],
  ddpm_symbol: ['ᾱ_t', '<span class="bar always"><i>α</i></span><sub><i>t</i></sub>'], ddim_symbol: ['α_t', '<i>α<sub>t</sub></i>'],
};
const plain = name => {   // the DDIM paper's α_t is the DDPM paper's ᾱ_t
  const text = SYMBOLS[name][0], barless = document.body.dataset.notation === 'ddim' && name !== 'ddpm_symbol';
  return barless ? text.normalize('NFD').replace(/α\u0304/g, 'α').normalize('NFC') : text;
};
const escaped = text => text?.html ?? String(text).replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const find = key => TEXTS[language][key] ?? TEXTS.en[key] ?? key;
const filled = (key, values, value, symbol) => find(key).replace(/\{(\w+)\}/g, (whole, name) => name in values ? value(told(values[name])) : SYMBOLS[name] ? symbol(name) : whole);

window.say = (key, values = {}) => filled(key, values, String, plain).replace(/<\/?b>/g, '');
window.sayHtml = (key, values = {}) => filled(key, values, escaped, name => math(SYMBOLS[name][1]));
window.told = message => message?.say ? say(message.say, message.values) : message;
window.speak = (root, redraw) => {
  const all = (name, write) => { for (const node of root.querySelectorAll(`[data-${name}]`)) write(node, node.getAttribute(`data-${name}`)); };
  const write = () => {
    all('say', (node, key) => { node.innerHTML = sayHtml(key); });
    all('say-label', (node, key) => node.setAttribute('aria-label', say(key)));
    all('say-title', (node, key) => { node.title = say(key); });
    redraw?.();
  };
  window.addEventListener('explorer:words', write);
  write();
};
window.spoken = {   // which language it is
  LANGUAGES,
  browser,
  get language() { return language; },
  set language(wanted) {
    if (!known([wanted])) return;
    language = wanted;
    kept(wanted);
    document.documentElement.lang = language;
    publish();
    nameTabs();
    window.dispatchEvent(new Event('resize'));   // other titles have other widths
  },
};

// ---- what Gradio draws: the tabs --------------------------------------------------------------------------------
const tabOf = Object.fromEntries(Object.values(TEXTS).flatMap(texts => Object.keys(texts).filter(key => key.startsWith('tabs.')).map(key => [texts[key], key])));
function nameTabs() {
  for (const button of document.querySelectorAll('#tabs > .tab-wrapper button')) {
    const text = [...button.childNodes].find(node => node.nodeType === Node.TEXT_NODE && tabOf[node.nodeValue.trim()]);
    if (!text) continue;
    const wanted = say(tabOf[text.nodeValue.trim()]);
    if (text.nodeValue !== wanted) text.nodeValue = wanted;
  }
}
const publish = () => window.dispatchEvent(new CustomEvent('explorer:words'));
const titles = new MutationObserver(nameTabs);
const awaited = new MutationObserver(() => {
  const row = document.querySelector('#tabs > .tab-wrapper');
  if (!row) return;
  awaited.disconnect();
  titles.observe(row, { childList: true, characterData: true, subtree: true });
  nameTabs();
});
document.documentElement.lang = language;
awaited.observe(document.body, { childList: true, subtree: true });
new MutationObserver(publish).observe(document.body, { attributes: true, attributeFilter: ['data-notation'] });
