// Finished runs that the page still has, by their settings: a slider moved back finds its pictures here. The server is asked
// all the same, and its answer passed over.
const MOST_PIXELS = 3e7;   // of their sheets, decoded: 120 MB
const memory = new Map();
const pixelsOf = run => run.sheet.image.naturalWidth * run.sheet.image.naturalHeight;

function remember(run) {
  if (run.state !== 'ended' || !run.sheet) return;
  const key = JSON.stringify(run.settings);
  memory.delete(key);
  memory.set(key, run);
  let pixels = [...memory.values()].reduce((sum, run) => sum + pixelsOf(run), 0);
  for (const [key, run] of memory) {   // the oldest first
    if (pixels <= MOST_PIXELS) break;
    pixels -= pixelsOf(run);
    memory.delete(key);
  }
}

// The run of these settings, if it is known, as the answer to the change `count`.
function recall(settings, count) {
  const names = Object.keys(memory.values().next().value?.settings ?? {});
  const known = memory.get(JSON.stringify(Object.fromEntries(names.map(name => [name, settings[name]]))));
  return known && Object.assign(known, { count, told: false, remembered: true });
}
