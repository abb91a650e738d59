// The keys that are the same everywhere, the help that shows all of them, and the projector mode. How the page is looked at
// belongs to the place, not to the picture: it is kept in the browser, not in the address.
const $ = selector => element.querySelector(selector);
const help = $('.help'), inTab = $('[data-of="tab"]'), everywhere = $('[data-of="everywhere"]');
const NAMES = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };
const KEPT = { projector: 'ddim-explorer-projector', single: 'ddim-explorer-single-keys' };
const kept = (name, value) => {   // where the browser lets us
  try { if (value) localStorage.setItem(KEPT[name], value); return localStorage.getItem(KEPT[name]); } catch { return null; }
};

function project(on) {
  document.body.toggleAttribute('data-projector', on);
  for (const button of document.querySelectorAll('[data-tool="projector"]')) button.setAttribute('aria-pressed', String(on));
  $('[name="projector"]').checked = on;
  kept('projector', on ? 'on' : 'off');
  window.dispatchEvent(new Event('resize'));   // all is drawn to its size
}
const toggle = () => project(!document.body.hasAttribute('data-projector'));
function takeSingle(on) {
  window.explorerSingleKeys = $('[name="single"]').checked = on;
  kept('single', on ? 'on' : 'off');
}

function list(box, table = []) {
  box.replaceChildren(...table.filter(row => row.says).flatMap(({ keys, says }) => {
    const [term, what] = [document.createElement('dt'), document.createElement('dd')];
    term.append(...keys.map(key => Object.assign(document.createElement('kbd'), { textContent: key === ' ' ? say('keys.space') : NAMES[key] ?? key })));
    what.textContent = say(says);
    return [term, what];
  }));
}
function open() {
  if (help.open) return;
  const front = document.querySelector('#tabs button[role="tab"][aria-selected="true"]');
  $('.in-tab').textContent = say('keys.in_tab', { tab: front?.textContent.trim() ?? '' });
  list(inTab, window.explorerKeys[window.explorer?.tab]);
  list(everywhere, window.explorerKeys.everywhere);
  help.showModal();
}

listenToKeys('everywhere', [
  { keys: ['?'], says: 'keys.help', act: open },
  { keys: ['p'], says: 'keys.projector', act: toggle },
  { keys: ['c'], says: 'keys.controls', act: () => publish('explorer:to-controls') },
  { keys: ['t'], says: 'keys.tabs', act: () => document.querySelector('#tabs button[role="tab"][aria-selected="true"]')?.focus() },
]);
window.addEventListener('explorer:help', open);
window.addEventListener('explorer:projector', toggle);
$('.close').addEventListener('click', () => help.close());
help.addEventListener('click', event => { if (event.target === help) help.close(); });   // beside it
$('[name="projector"]').addEventListener('change', event => project(event.target.checked));
$('[name="single"]').addEventListener('change', event => takeSingle(event.target.checked));
speak(element);
takeSingle(kept('single') !== 'off');
project(kept('projector') === 'on');
