// Announcements for screen readers, once nothing has changed for a moment: how the run ended, errors, and the position of the
// scrubber. They repeat what is on the screen.
import { listen } from './page_state.js';

const DELAY = 700; // ms

/** @param {HTMLElement} stage with a status row */
export function announce(stage) {
  /** @param {string} selector @returns {any} */
  const $ = (selector) => stage.querySelector(selector);
  /** @param {string} selector */
  const text = (selector) => $(selector)?.textContent ?? '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let announced = { run: '', place: '' };

  function notice() {
    const moving = ['running', 'waiting'].includes($('.status').dataset.state),
      scrubber = $('.time, .at');
    const parts = [text('.state'), $('.problem') ? '' : text('.message'), text('.nfe'), text('.previews')];
    const run = moving ? '' : parts.filter(Boolean).join(', ');
    const silent = !scrubber || scrubber === document.activeElement; // a focused slider is announced by the browser
    const place = silent ? announced.place : (scrubber.getAttribute('aria-valuetext') ?? '');
    if (moving) announced.run = '';
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (moving) return;
      const news = [run !== announced.run && run, place !== announced.place && place].filter(Boolean).join('. ');
      announced = { run, place };
      if (news) $('.announced').textContent = news;
    }, DELAY);
  }
  const attributes = { subtree: true, attributes: true, attributeFilter: ['data-state', 'aria-valuetext'] };
  new MutationObserver(notice).observe(stage, attributes);
  new MutationObserver(notice).observe($('.message'), { childList: true });
  listen('changed', ({ tab }) => {
    if (tab === stage.dataset.tab) announced.run = '';
  });
}
