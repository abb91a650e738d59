// The play button, and the clock that moves a stage while it plays.
import { say } from './localize.js';

const CALM = matchMedia('(prefers-reduced-motion: reduce)'),
  CALM_STEPS_A_SECOND = 2;
const PLAY = 'M5 2.5 13 8l-8 5.5z',
  PAUSE = 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z';

/**
 * Returns a function that starts and stops the clock. With reduced motion, it only steps from picture to picture.
 * @param {object} options
 * @param {HTMLElement} options.button
 * @param {number} options.perSecond
 * @param {() => boolean} options.begin prepares playing; returns whether there is anything to play
 * @param {() => boolean} options.tick moves one step; returns whether there are more
 */
export function playClock({ button, perSecond, begin, tick }) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let clock;
  return function play(on = !clock) {
    if (!on === !clock) return;
    clearInterval(clock);
    clock = undefined;
    if (on && begin()) {
      clock = setInterval(
        () => {
          if (!tick()) play(false);
        },
        1000 / (CALM.matches ? CALM_STEPS_A_SECOND : perSecond),
      );
    }
    button.dataset.sayLabel = clock ? 'transport.pause' : 'transport.play'; // also after a change of the language
    button.ariaLabel = say(button.dataset.sayLabel);
    button.querySelector('path')?.setAttribute('d', clock ? PAUSE : PLAY);
  };
}
