// Keys. A table of them is what the handlers go by and what the help shows. A row is { keys, says, act, on, when }: the names of the
// keys as in KeyboardEvent.key, the text of what they do (unsaid: another name for a row that is), the deed, and the place that has them for
// itself, if any; with `when`, a row counts only where that is true.
const TYPED_IN = 'input:not([type="checkbox"], [type="radio"], [type="range"]), select, textarea, [contenteditable="true"]';
const SLIDES = 'input[type="range"], input[type="radio"], [role="tab"], [role="menu"]';   // these use arrows, Home and End themselves

// What moves through a run: `by(n)` steps, to an end, and the clock where there is one.
const transportKeys = ({ by, first, last, play, says = ['keys.step', 'keys.ends'] }) => [
  { keys: ['ArrowLeft', 'ArrowRight'], says: says[0], act: key => by(key === 'ArrowLeft' ? -1 : 1) },
  { keys: ['Home', 'End'], says: says[1], act: key => key === 'Home' ? first() : last() },
  ...play ? [{ keys: [' '], says: 'keys.play', act: () => play() }] : [],
];

// Obey `table`, and show it in the help as that of tab `name`. `inFront()` says whether its keys count now, `range` is the slider
// whose keys they are too, and `halt()` is called before every key but the space bar.
function listenToKeys(name, table, { inFront = () => true, range = null, halt = () => {} } = {}) {
  const all = window.explorerKeys ??= {};
  all[name] = [...all[name] ?? [], ...table];
  document.addEventListener('keydown', event => {
    const { key, target } = event, single = key.length === 1 && key !== ' ', own = target === range;
    if (!inFront() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector('dialog:modal')) return;
    if (target.closest(TYPED_IN) || (single && window.explorerSingleKeys === false)) return;
    if (!own && !single && target.closest(SLIDES)) return;
    if (key === ' ' && target.closest('button, a, input:not([type="range"])')) return;
    const place = table.find(row => row.on && target.closest(row.on))?.on, row = table.find(row => row.on === place && row.keys.includes(key) && (row.when?.() ?? true));
    if (!row || (!own && !place && /ArrowUp|ArrowDown/.test(key))) return;   // those scroll the page
    event.preventDefault();
    if (key !== ' ') halt();
    row.act(key);
  });
}
