// Linked highlighting: what stands for the same quantity lights up together. An element names its quantities in data-link; the
// one that is pointed at, tapped or focused lights all that share a quantity with it. Nothing moves for it.
let pointedAt = '', focusedOn = '';
const linkOf = target => target?.closest?.('[data-link]')?.dataset.link ?? '';

function light() {   // also after a redraw, which makes new elements
  const lit = (pointedAt || focusedOn).split(' ').filter(Boolean);
  stage.toggleAttribute('data-lighting', lit.length > 0);
  for (const node of element.querySelectorAll('[data-link]')) node.toggleAttribute('data-lit', node.dataset.link.split(' ').some(name => lit.includes(name)));
}

stage.addEventListener('pointerover', event => { pointedAt = linkOf(event.target); light(); });
stage.addEventListener('pointerleave', event => { if (event.pointerType !== 'touch') { pointedAt = ''; light(); } });   // a tap lasts
stage.addEventListener('focusin', event => { focusedOn = linkOf(event.target); if (focusedOn) pointedAt = ''; light(); });   // the newest wins
stage.addEventListener('focusout', () => { focusedOn = ''; light(); });

function lightKeys() {
  const focus = key => $('canvas', panel(PANELS[key - 1])).focus({ preventScroll: true });
  const leave = () => { pointedAt = ''; if (linkOf(document.activeElement)) document.activeElement.blur(); light(); };
  return [{ keys: PANELS.map((_, k) => `${k + 1}`), says: 'keys.light', act: focus, when: () => !document.body.dataset.asking }, { keys: ['Escape'], says: 'keys.dark', act: leave }];
}
