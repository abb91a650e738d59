// Between the Save menus and Python: one file under way at a time. And pictures that were saved come back here.
const $ = selector => element.querySelector(selector);
const input = $('input'), drop = $('.drop'), notice = $('.told');
const MAX_FILE = 64 * 2 ** 20, SECONDS_TOLD = 8;
let count = 0, current = null, hiding = 0;
window.explorerKinds = props.kinds;
window.explorerAbout = wish => server.about(wish).catch(() => ({ error: say('controls.no_answer') }));

speak(element);

// ---- files to keep ----------------------------------------------------------------------------------------------
window.addEventListener('explorer:save', ({ detail: { suffix, ...wish } }) => {
  end('stopped');
  count += 1;
  current = { tab: wish.tab, kind: wish.kind, suffix };
  props.value = { ...wish, count };
  publish('explorer:saving', { ...current, state: 'making', share: 0 });
  trigger('make');
});
window.addEventListener('explorer:save-stop', () => { if (current) { trigger('stop'); end('stopped'); } });
watch('value', () => {
  const { count: of, state, share, message, file, name } = props.value ?? {};
  if (!current || of !== count || !state) return;
  if (state === 'making') return publish('explorer:saving', { ...current, state, share });
  if (state === 'done') keep(file.url, name);
  end(state, message);
});
function end(state, message = '') {
  if (!current) return;
  const detail = { ...current, state, message };
  current = null;
  publish('explorer:saving', detail);
}

// ---- pictures that come back ------------------------------------------------------------------------------------
function tell(message) {
  notice.textContent = message;
  notice.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { notice.hidden = true; }, 1000 * SECONDS_TOLD);
}
async function open(file) {
  if (!file) return;
  notice.hidden = true;
  try {
    if (file.size > MAX_FILE) throw new Error(say('menu.too_large'));
    const settings = settingsIn(new Uint8Array(await file.arrayBuffer()));
    if (settings === null) throw new Error(say('menu.no_settings'));
    publish('explorer:restore', { settings, name: file.name });
  } catch (problem) { tell(problem.message || say('menu.unreadable')); }
}
const files = event => [...event.dataTransfer?.types ?? []].includes('Files');
let depth = 0;   // of nested elements that the pointer is over
window.addEventListener('dragenter', event => { if (files(event)) { depth += 1; drop.hidden = false; } });
window.addEventListener('dragleave', event => { if (files(event) && --depth <= 0) { depth = 0; drop.hidden = true; } });
window.addEventListener('dragover', event => { if (files(event)) event.preventDefault(); });
window.addEventListener('drop', event => {
  if (!files(event)) return;
  event.preventDefault();
  depth = 0;
  drop.hidden = true;
  open(event.dataTransfer.files[0]);
});
window.addEventListener('explorer:open-picture', () => input.click());
input.addEventListener('change', () => { open(input.files[0]); input.value = ''; });
document.addEventListener('keydown', event => { if (event.key === 'Escape') { notice.hidden = true; drop.hidden = true; } });
