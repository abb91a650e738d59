// What a screen reader hears of a stage, and only once it has rested: how the run ended, what is wrong, and what the scrubber has
// come to. It reads what is on the screen.
const RESTED = 700;   // ms
let announcing = 0, heard = { run: '', place: '' };

function announce() {
  const text = selector => $(selector)?.textContent ?? '', moving = ['running', 'waiting'].includes($('.status').dataset.state), scrubber = $('.time, .at');
  const run = moving ? '' : [text('.state'), $('.problem') ? '' : text('.message'), text('.nfe')].filter(Boolean).join(', ');
  const place = scrubber && scrubber !== document.activeElement ? scrubber.getAttribute('aria-valuetext') ?? '' : heard.place;   // a slider in focus speaks for itself
  if (moving) heard.run = '';
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    if (moving) return;
    const news = [run !== heard.run && run, place !== heard.place && place].filter(Boolean).join('. ');
    heard = { run, place };
    if (news) $('.announced').textContent = news;
  }, RESTED);
}
new MutationObserver(announce).observe(stage, { subtree: true, attributes: true, attributeFilter: ['data-state', 'aria-valuetext'] });
new MutationObserver(announce).observe($('.message'), { childList: true });
window.addEventListener('explorer:changed', ({ detail }) => { if (detail.tab === stage.dataset.tab) heard.run = ''; });
