// What moves a stage by itself: the clock behind the play button.
const CALM = matchMedia('(prefers-reduced-motion: reduce)'), CALM_STEPS_A_SECOND = 2;

// `play(on)` starts and ends it. `begin()` makes ready and says whether there is anything to play, `tick()` goes one step on and
// says whether there is more. Whoever wants little motion sees one picture after the other.
function player(perSecond, begin, tick) {
  let clock = null;
  return function play(on = !clock) {
    if (!on === !clock) return;
    clearInterval(clock);
    clock = on && begin() ? setInterval(() => { if (!tick()) play(false); }, 1000 / (CALM.matches ? CALM_STEPS_A_SECOND : perSecond)) : null;
    $('.play').dataset.sayLabel = clock ? 'transport.pause' : 'transport.play';   // in another language, too
    $('.play').ariaLabel = say($('.play').dataset.sayLabel);
    $('.play path').setAttribute('d', clock ? 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z' : 'M5 2.5 13 8l-8 5.5z');
  };
}
