// The choice of a real picture: a held-out one, one of the user's own, or one that the network makes.
const CHOICE = { encode: 'picture', forward: 'real' }[TAB], pick = $('.pick'), file = $('.bring input');
pick.name = CHOICE;
pick.dataset.latent = '';   // a number where it can be read as one
$('.made-choice').innerHTML = `<button type="button" data-choose="made" data-say="${{ encode: 'real.made_by_settings', forward: 'real.made' }[TAB]}"></button>`;
const MAX_FILE = 20 * 2 ** 20;

function drawChosen(count, name) {
  const now = value.settings[CHOICE], box = $('.examples');
  if (box.children.length !== count) {
    box.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const button = Object.assign(document.createElement('button'), { type: 'button' });
      button.dataset.choose = i;
      button.append(document.createElement('canvas'));
      return button;
    }));
  }
  $('.number').hidden = !count;
  [...box.children].forEach((button, i) => {
    paint(button.firstChild, name(i), 48);
    button.ariaLabel = say('real.held_out', { i });
    button.setAttribute('aria-pressed', String(now === i));
  });
  $('.bring').toggleAttribute('data-on', /^[0-9a-f]{16}$/.test(now));
  for (const button of $$('.made-choice button')) button.setAttribute('aria-pressed', String(now === 'made'));
}

element.addEventListener('click', event => {
  const choice = event.target.closest('[data-choose]')?.dataset.choose;
  if (choice !== undefined) set({ [CHOICE]: choice === 'made' ? choice : +choice });
});
pick.addEventListener('focus', () => pick.select());
file.addEventListener('change', async event => {
  event.stopPropagation();
  const [chosen] = file.files;
  if (!chosen) return;
  const answer = chosen.size > MAX_FILE ? { error: { say: 'real.too_large' } } : await server.receive_picture(await base64(chosen)).catch(() => ({ error: { say: 'real.lost' } }));
  file.value = '';
  if (answer.name) set({ [CHOICE]: answer.name });
  else { problem = { state: 'error', message: answer.error, field: CHOICE, id: value?.id ?? 0, own: true }; showProblem(); drawStatus(); }
});
const base64 = blob => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
  reader.onerror = failed;
  reader.readAsDataURL(blob);
});
