// The checkpoint field: a name to choose, or a folder or a hub id to type. What is not there yet is opened by the server, which is
// asked how far it is; until then everything goes on with the old one. Shares the scope of the controls.
const nameBox = element.querySelector('[name="checkpoint"]'), said = element.querySelector('.said'), bar = element.querySelector('.fetched');
const checkpoints = { ...props.checkpoints };   // by name: T, seeds, credit, clips, shipped
const BETWEEN = 400;   // milliseconds between two questions
let typedName = null;   // what is being opened, or was refused: it stays in the field
let keepAddress = false, openings = 0;

function showCheckpoint() {
  const current = typedName ?? settings.checkpoint;
  if (document.activeElement === nameBox) nameBox.placeholder = current; else nameBox.value = current;
  nameBox.title = current;
  element.querySelector('#control-checkpoints').replaceChildren(...Object.keys(checkpoints).map(name => new Option(name, name)));
}

let reported = '';   // what stands below the field, as Python or we said it
function report(message, state = '', share = null) {
  reported = message;
  said.textContent = told(message);
  said.dataset.state = state;
  nameBox.setAttribute('aria-invalid', String(state === 'error'));
  bar.hidden = share === null;
  bar.value = share ?? 0;
}

// Open a checkpoint and then `use(name, about)` it; another one that is wanted meanwhile takes its place. `keep`: the address
// is that of what comes, and stays.
async function openCheckpoint(text, use, keep = false) {
  const mine = ++openings;
  [typedName, keepAddress] = [text, keep];
  showCheckpoint();
  report({ say: 'controls.opening' }, 'opening');
  for (let again = true; ; again = false) {
    const answer = await server.open_checkpoint({ text, again }).catch(() => ({ state: 'error', message: { say: 'controls.no_answer' } }));
    if (mine !== openings) return;
    if (answer.state !== 'opening') keepAddress = false;
    if (answer.state === 'open') {
      checkpoints[answer.name] = answer.about;
      return use(answer.name, answer.about);
    }
    report(answer.message, answer.state, answer.share);
    if (answer.state === 'error') return;
    await new Promise(done => setTimeout(done, BETWEEN));
  }
}
function leaveTyped() {
  [typedName, keepAddress] = [null, false];
  openings += 1;
  report('');
  if (document.activeElement === nameBox) nameBox.value = '';
  showCheckpoint();
}

// A change as its checkpoint can take it: S no larger than its T.
const fitting = change => 'checkpoint' in change && change.checkpoint !== settings.checkpoint && Number.isInteger(change.steps ?? settings.steps) && checkpoints[change.checkpoint]
  ? { ...change, steps: Math.min(change.steps ?? settings.steps, checkpoints[change.checkpoint].T) } : change;

// Whether the server may not have a checkpoint (any more), so that it is asked to open it.
const mustOpen = name => props.open_others && !checkpoints[name]?.shipped;

// The list of names shows all of them only while the field is empty, so it is while the caret is in it.
nameBox.addEventListener('focus', () => { if (typedName === null) { nameBox.placeholder = settings.checkpoint; nameBox.value = ''; } });
nameBox.addEventListener('blur', () => { if (!nameBox.value.trim()) said.dataset.state === 'error' ? leaveTyped() : showCheckpoint(); });
nameBox.addEventListener('click', () => { try { nameBox.showPicker(); } catch { /* no list in this browser */ } });
nameBox.addEventListener('keydown', event => { if (event.key === 'Enter') { event.preventDefault(); chooseCheckpoint(); } });
function chooseCheckpoint() {
  const name = nameBox.value.trim();
  if (!name || (name === typedName && said.dataset.state === 'opening')) return;
  const isNew = !checkpoints[name];
  if (mustOpen(name)) openCheckpoint(name, (opened, { clips }) => isNew && clips && !settings.clip ? send({ checkpoint: opened, clip: true }, { say: 'controls.clip_on', values: { name: opened } }) : send({ checkpoint: opened }));
  else if (name === settings.checkpoint) leaveTyped();
  else send({ checkpoint: name });
}
