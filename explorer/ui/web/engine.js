// The inference engine in the status row, and what it was chosen by.

/** @typedef {[name: string, threads: number, batch: number, ms: number]} Timing */

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
