// The inference engine in the status row, and what it was chosen by.

/** @typedef {[name: string, threads: number, batch: number, ms: number]} Timing */

/** How a stored result was computed. @typedef {{ engine: string, made: number, prepared: boolean }} Origin */

/** The engine as the end of a status line. @param {string | undefined} engine */
export const byEngine = (engine) => (engine ? ` · ${engine}` : '');

/**
 * A line for each batch size, as a tooltip.
 * @param {Timing[] | undefined} timings
 * @param {(key: string, values: Record<string, any>) => string} say texts in the user's language
 */
export const describeTimings = (timings, say) =>
  byBatch(timings)
    .map(({ batch, timed }) => {
      const times = timed.map(([name, threads, , ms]) => say('stage.timing', { name, threads, ms: ms.toFixed(1) }));
      return say('stage.timings', { batch, times: times.join(' · ') });
    })
    .join('\n');

/** The timings of each batch size, the fastest first. @param {Timing[]} [timings] */
export function byBatch(timings = []) {
  const batches = [...new Set(timings.map(([, , batch]) => batch))];
  return batches.map((batch) => ({
    batch,
    timed: timings.filter((timing) => timing[2] === batch).sort((a, b) => a[3] - b[3]),
  }));
}

/**
 * When a stored result was computed; empty for a result of this process.
 * @param {Origin | null | undefined} origin
 * @param {(key: string, values: Record<string, any>) => string} say texts in the user's language
 * @param {string} language
 */
export function describeOrigin(origin, say, language) {
  if (!origin) return '';
  const date = new Date(1000 * origin.made);
  /** @type {Intl.DateTimeFormatOptions} */
  const parts = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  const when = date.toLocaleString(language, isThisYear ? parts : { ...parts, year: 'numeric' });
  return say(origin.prepared ? 'stage.prepared' : 'stage.stored', { when });
}
