// What moves a stage by itself and by the keyboard: the clock behind the play button, and the keys of the stage in front.

// `play(on)` starts and ends it. `begin()` makes ready and says whether there is anything to play, `tick()` goes one step on and
// says whether there is more.
function player(perSecond, begin, tick) {
  let clock = null;
  return function play(on = !clock) {
    if (!on === !clock) return;
    clearInterval(clock);
    clock = on && begin() ? setInterval(() => { if (!tick()) play(false); }, 1000 / perSecond) : null;
    $('.play').setAttribute('aria-label', clock ? 'Pause' : 'Play');
    $('.play path').setAttribute('d', clock ? 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z' : 'M5 2.5 13 8l-8 5.5z');
  };
}

// `keys` maps names of keys to what they do while the stage is in front. Fields keep their keys, all but `range`; so do the
// places that `own` names, and buttons keep the space bar. `halt()` is called before every key but the space bar.
function listenToKeys(range, keys, halt = () => {}, own = '') {
  document.addEventListener('keydown', event => {
    if (!stage.offsetParent || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target;
    if (target !== range && target.closest(`input:not([type="checkbox"]), select, textarea, [role="tab"]${own && `, ${own}`}`)) return;
    if (event.key === ' ' && target.closest('button, a, input')) return;
    const act = keys[event.key];
    if (!act || (target !== range && /ArrowUp|ArrowDown/.test(event.key))) return;   // those scroll the page
    event.preventDefault();
    if (event.key !== ' ') halt();
    act();
  });
}
