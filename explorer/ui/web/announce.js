// What a screen reader hears of a stage, and only once it has rested: how the run ended, what is wrong, and what the scrubber has
// come to. It reads what is on the screen.
import { listen } from './page_state.js';

const RESTED = 700; // ms

/** @param {HTMLElement} stage with a status row */
export function announce(stage) {
  /** @param {string} selector @returns {any} */
  const $ = (selector) => stage.querySelector(selector);
  /** @param {string} selector */
  const text = (selector) => $(selector)?.textContent ?? '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let heard = { run: '', place: '' };

  function notice() {
    const moving = ['running', 'waiting'].includes($('.status').dataset.state),
      scrubber = $('.time, .at');
    const parts = [text('.state'), $('.problem') ? '' : text('.message'), text('.nfe')];
    const run = moving ? '' : parts.filter(Boolean).join(', ');
    const silent = !scrubber || scrubber === document.activeElement; // a slider in focus speaks for itself
    const place = silent ? heard.place : (scrubber.getAttribute('aria-valuetext') ?? '');
    if (moving) heard.run = '';
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (moving) return;
      const news = [run !== heard.run && run, place !== heard.place && place].filter(Boolean).join('. ');
      heard = { run, place };
      if (news) $('.announced').textContent = news;
    }, RESTED);
  }
  const attributes = { subtree: true, attributes: true, attributeFilter: ['data-state', 'aria-valuetext'] };
  new MutationObserver(notice).observe(stage, attributes);
  new MutationObserver(notice).observe($('.message'), { childList: true });
  listen('changed', ({ tab }) => {
    if (tab === stage.dataset.tab) heard.run = '';
  });
}
