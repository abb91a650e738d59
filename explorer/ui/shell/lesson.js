// The card at the foot of the window: a stop of the lesson, or what to look at in an example. With "ask first" a stop shows
// its question alone, and the stage hides the answer (see asking.css), until a guess is clicked.
const $ = selector => element.querySelector(selector);
const { stops, examples } = props.lesson;
const card = $('.card'), enter = $('.enter'), PARTS = ['ask', 'see', 'number', 'tell'];
let stop = 0, example = null, askFirst = false, guess = 0;   // stop and guess count from 1; 0: none
const tabOf = query => new URLSearchParams(query).get('tab');

function draw() {
  const open = Boolean(stop || example), here = stops[stop - 1], asking = Boolean(here && askFirst && !guess);
  card.hidden = !open;
  enter.setAttribute('aria-expanded', String(Boolean(stop)));
  document.body.toggleAttribute('data-card', open);
  document.body.dataset.asking = asking ? here.name : '';
  if (!open) return;
  $('h2').textContent = here ? say('lesson.stop', { n: stop, of: stops.length, tab: say(`tabs.${tabOf(here.query)}`) }) : say(`examples.${example.name}.title`);
  $('.switch').hidden = $('.walk').hidden = !here;
  $('[name="ask_first"]').checked = askFirst;
  $('[data-walk="-1"]').disabled = stop === 1;
  $('[data-walk="1"]').disabled = stop === stops.length;
  for (const part of PARTS) {
    const box = $(`[data-part="${part}"]`);
    box.hidden = here ? asking && part !== 'ask' : part !== 'see';
    if (!box.hidden) $(`[data-part="${part}"] p`).innerHTML = sayHtml(here ? `stops.${here.name}.${part}` : `examples.${example.name}.look`);
  }
  $('.guesses').hidden = !here || !askFirst;
  $('.guesses').innerHTML = here && askFirst ? [1, 2, 3].map(n => `<button type="button" data-guess="${n}" aria-keyshortcuts="${n}"${guess ? ' disabled' : ''}${n === guess ? ' aria-pressed="true"' : ''}${guess && n === here.right ? ' data-right' : ''}><kbd aria-hidden="true">${n}</kbd> ${sayHtml(`stops.${here.name}.guess_${n}`)}${guess && n === here.right ? ` <span aria-label="${say('lesson.right')}">✓</span>` : ''}</button>`).join('') : '';
  document.body.style.setProperty('--card', `${card.offsetHeight}px`);
}

function go(n, follow = true) {   // to stop n, with its tab and settings
  [stop, example, guess] = [Math.min(stops.length, Math.max(1, n)), null, 0];
  draw();
  if (follow) publish('explorer:follow', stops[stop - 1].query);
  publish('explorer:view', { stop });
}
function close() {
  [stop, example, guess] = [0, null, 0];
  draw();
  publish('explorer:view', { stop: null });
}
function show(name) {
  example = examples.find(e => e.name === name);
  stop = 0;
  draw();
  publish('explorer:follow', example.query);
}
function tryGuess(n) {
  if (!stop || !askFirst || guess) return;
  guess = n;
  draw();
  $('[data-walk="1"]').focus();   // what was focused is gone
}

element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button === enter) stop ? close() : go(1);
  else if (button.matches('.close')) { close(); enter.focus(); }
  else if (button.dataset.walk) go(stop + +button.dataset.walk);
  else if (button.dataset.guess) tryGuess(+button.dataset.guess);
});
$('[name="ask_first"]').addEventListener('change', event => { askFirst = event.target.checked; guess = 0; draw(); });
const mayGuess = () => Boolean(stop && askFirst && !guess);
listenToKeys('everywhere', [
  { keys: ['l'], says: 'keys.lesson', act: () => { if (stop) return close(); go(1); $('[data-walk="1"]').focus(); } },
  { keys: ['PageUp', 'PageDown'], says: 'keys.stops', act: key => go(stop + (key === 'PageUp' ? -1 : 1)), when: () => Boolean(stop) },
  { keys: ['1', '2', '3'], says: 'keys.guess', act: key => tryGuess(+key), when: mayGuess },
  { keys: ['Escape'], act: close, when: () => Boolean(stop || example) },
]);
window.addEventListener('explorer:stop', event => go(event.detail));
window.addEventListener('explorer:example', event => show(event.detail));
window.addEventListener('resize', () => document.body.style.setProperty('--card', `${card.offsetHeight}px`));
speak(element, draw);
const named = +new URLSearchParams(location.search).get('stop');   // its settings are in the address too
if (Number.isInteger(named) && stops[named - 1]) go(named, false);
