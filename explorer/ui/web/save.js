// The Save menu of a stage. It shares the stage's scope; the files themselves come through saver.js, but for those that are
// made of what is drawn here. What is saved is the run on the screen, so its settings are taken, not the column's.
const saveButton = $('.open-save'), menu = $('.save .menu'), said = $('.save .said'), SAVED = stage.dataset.tab;
const shownSettings = () => ({ ...(typeof run === 'undefined' ? value : run)?.settings });
const requested = kind => ({ tab: SAVED, kind, settings: shownSettings(), view: { ...window.explorer?.view } });
let making = null, inDiffusers = null;   // the file under way; the answer about the run in diffusers

function item(label, { suffix = '', why = '', act, disabled = false }) {
  const button = Object.assign(document.createElement('button'), { type: 'button', tabIndex: -1 });
  button.setAttribute('role', 'menuitem');
  if (disabled) button.setAttribute('aria-disabled', 'true');
  for (const [name, text] of [['label', label], ['suffix', suffix], ['why', why]]) if (text || name === 'label') button.append(Object.assign(document.createElement('span'), { className: name, textContent: text }));
  button.act = disabled ? null : act;
  return button;
}

function fillMenu() {
  const items = [];
  if (making) items.push(item(say('menu.stop', { kind: making.suffix.toUpperCase() }), { act: () => publish('explorer:save-stop') }), document.createElement('hr'));
  for (const kind of window.explorerKinds?.[SAVED] ?? []) items.push(item(say(kind.label), { suffix: kind.suffix.toUpperCase(), disabled: Boolean(making), act: () => save(kind) }));
  items.push(document.createElement('hr'));
  if (SAVED === 'steps') {
    items.push(item(say('menu.diffusers'), { why: told(inDiffusers?.why), disabled: !inDiffusers?.script, act: () => copy(saveButton, inDiffusers.script) }));
  }
  items.push(item(say('menu.open'), { suffix: 'PNG', why: say('menu.or_drop'), act: () => publish('explorer:open-picture') }));
  menu.replaceChildren(...items);
}

async function askDiffusers() {   // while the menu opens, so that copying is at once
  if (SAVED !== 'steps') return;
  const answer = await window.explorerAbout?.(requested('picture'));
  inDiffusers = answer?.error ? { script: null, why: answer.error } : answer;
  if (menu.hidden) return;
  const at = [...menu.children].indexOf(document.activeElement);
  fillMenu();
  menu.children[at]?.focus();
}

const choices = () => [...menu.querySelectorAll('button')];
function openMenu(on, last = false) {
  if (on === !menu.hidden) return;
  menu.hidden = !on;
  saveButton.setAttribute('aria-expanded', String(on));
  if (!on) return;
  said.hidden = true;
  inDiffusers = null;
  fillMenu();
  askDiffusers();
  choices().at(last ? -1 : 0).focus({ preventScroll: true });
}

async function save(kind) {
  if (!Object.keys(shownSettings()).length) return tell(say('menu.nothing'));
  if (!kind.here) return publish('explorer:save', { ...requested(kind.name), suffix: kind.suffix });
  const about = await window.explorerAbout(requested(kind.name));
  if (about.error) return tell(about.error);
  try {
    const data = kind.name === 'svg' ? chartsFile() : await planesFile(about.settings);
    keep(URL.createObjectURL(new Blob([data], { type: kind.suffix === 'svg' ? 'image/svg+xml' : 'image/png' })), about.name);
  } catch (problem) { tell(problem.message); }
}

function tell(message) {
  said.textContent = told(message);
  said.hidden = false;
}

function nameSaveButton() {
  saveButton.textContent = making ? say('menu.making', { kind: making.suffix.toUpperCase(), percent: Math.round(100 * (making.share ?? 0)) }) : say('menu.save');
}
speak($('.save'), nameSaveButton);

window.addEventListener('explorer:saving', ({ detail }) => {
  if (detail.tab !== SAVED) return;
  making = detail.state === 'making' ? detail : null;
  nameSaveButton();
  if (detail.state === 'error') tell(detail.message);
  if (!menu.hidden && detail.state !== 'making') openMenu(false);
});
saveButton.addEventListener('click', () => openMenu(menu.hidden));
saveButton.addEventListener('keydown', event => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  event.preventDefault();
  openMenu(true, event.key === 'ArrowUp');
});
menu.addEventListener('click', event => {
  const act = event.target.closest('button')?.act;
  if (!act) return;
  openMenu(false);
  saveButton.focus({ preventScroll: true });
  act();
});
menu.addEventListener('keydown', event => {
  const all = choices(), at = all.indexOf(document.activeElement), n = all.length;
  const to = { ArrowDown: (at + 1) % n, ArrowUp: (at - 1 + n) % n, Home: 0, End: n - 1 }[event.key];
  if (to === undefined && event.key !== 'Escape' && event.key !== 'Tab') return;
  if (event.key !== 'Tab') event.preventDefault();
  event.stopPropagation();
  if (to !== undefined) return all[to].focus();
  openMenu(false);
  saveButton.focus({ preventScroll: true });
});
document.addEventListener('keydown', event => { if (event.key === 'Escape') said.hidden = true; });
document.addEventListener('pointerdown', event => { if (!event.composedPath().includes(menu.parentNode)) { openMenu(false); said.hidden = true; } });
