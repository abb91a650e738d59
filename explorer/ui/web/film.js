// Rows of pictures with one scrubber for all: what the row is, its picture at the scrubber, and its film. `lanes` are
// { name, title, text, extra }, `columns` are labels; the picture of a cell is named by `cell(lane, column)`.
let laneKey = '', columnCount = 0, at = -1;
const FRAMES_A_SECOND = 8, slider = $('.at'), laneBox = $('.lanes');

function buildFilm(lanes, columns) {
  const key = JSON.stringify([lanes.map(lane => lane.name), columns.length]);
  if (key === laneKey) return;
  laneKey = key;
  columnCount = columns.length;
  slider.max = Math.max(1, columns.length - 1);
  $('.labels').replaceChildren(...columns.map(() => document.createElement('span')));
  laneBox.replaceChildren(...lanes.map(lane => {
    const row = document.createElement('div');
    row.className = 'lane';
    row.dataset.lane = lane.name;
    row.innerHTML = `<div class="about"><h3></h3><p></p></div><button type="button" class="now" data-open="${lane.name}"><canvas></canvas></button><div class="frames" role="presentation">${columns.map((_, k) => `<button type="button" tabindex="-1" data-column="${k}"><canvas></canvas></button>`).join('')}</div><div class="extra"></div>`;
    return row;
  }));
}

function drawFilm(lanes, columns, cell, label) {
  buildFilm(lanes, columns);
  at = Math.max(0, Math.min(columns.length - 1, at));
  const box = $('.frames', laneBox), n = columns.length, room = box.clientWidth, whole = Math.floor((room - 4 * (n - 1)) / n);
  const size = whole >= 128 ? 128 : whole >= 64 ? 64 : whole;
  stage.style.setProperty('--thumb', `${size}px`);
  stage.style.setProperty('--film', `${n * (size + 4) - 4}px`);
  const now = parseFloat(getComputedStyle(stage).getPropertyValue('--now'));
  lanes.forEach((lane, i) => {
    const row = laneBox.children[i];
    for (const [part, html] of [['h3', lane.title], ['p', lane.text], ['.extra', lane.extra ?? '']]) write($(part, row), html);
    paint($('.now canvas', row), cell(lane, at), now);
    $('.now', row).setAttribute('aria-label', say('stage.open', { what: `${$('h3', row).textContent}, ${label(at)}` }));
    [...$('.frames', row).children].forEach((button, k) => {
      paint(button.firstChild, cell(lane, k), size);
      button.toggleAttribute('data-here', k === at);
      button.setAttribute('aria-label', label(k));
    });
    for (const canvas of $$('.extra canvas', row)) paint(canvas, canvas.dataset.name, 64);
  });
  const every = Math.ceil(34 / (size + 4));
  $('.labels').childNodes.forEach((span, k) => {
    const far = k === at || Math.abs(k - at) * (size + 4) > 44;
    span.textContent = far && (k % every === 0 || k === at) ? columns[k] : '';
    span.toggleAttribute('data-here', k === at);
  });
  slider.value = at;
  slider.style.setProperty('--at', `${100 * at / Math.max(1, n - 1)}%`);
  slider.setAttribute('aria-valuetext', label(at));
}

function goTo(k, quiet = false) {
  const to = Math.max(0, Math.min(columnCount - 1, k));
  if (to === at) return;
  at = to;
  if (!quiet) moved(at);
  repaint();
}

const play = player(FRAMES_A_SECOND, () => { if (at === columnCount - 1) goTo(0); return true; }, () => {
  if (!stage.offsetParent || at === columnCount - 1) return false;
  goTo(at + 1);
  return true;
});

slider.addEventListener('input', () => { play(false); goTo(+slider.value); });
element.addEventListener('click', event => {
  const thumb = event.target.closest('[data-column]'), go = event.target.closest('[data-go]')?.dataset.go;
  if (thumb) { play(false); goTo(+thumb.dataset.column); }
  if (go === 'play') play();
  else if (go) { play(false); goTo(go === 'first' ? 0 : columnCount - 1); }
});
const filmKeys = (...more) => listenToKeys(TAB, [...transportKeys({ by: n => goTo(at + n), first: () => goTo(0), last: () => goTo(columnCount - 1), play }), ...more], { inFront, range: slider, halt: () => play(false) });
