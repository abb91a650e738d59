// Where a window must be scrolled to, so that what a text is about is seen beside its card. No DOM.

/** @typedef {{ top: number, bottom: number }} Span from top to bottom, in pixels of the window */

/**
 * The part of the spans, from the first one on, that fits into a height; the first one always belongs to it.
 * @param {Span[]} spans
 * @param {number} height
 * @returns {Span}
 */
export function fittingSpan([first, ...others], height) {
  let whole = first;
  for (const { top, bottom } of others) {
    const larger = { top: Math.min(whole.top, top), bottom: Math.max(whole.bottom, bottom) };
    if (larger.bottom - larger.top > height) break;
    whole = larger;
  }
  return whole;
}

/**
 * How far to scroll down so that a span lies in the free part of the window; 0 if it does. Of a span that is too high, the top is
 * shown.
 * @param {Span} span
 * @param {Span} free
 */
export function scrollNeeded(span, free) {
  const below = span.bottom - free.bottom;
  const above = span.top - free.top;
  if (above < 0) return above;
  return below > 0 ? Math.min(below, above) : 0;
}
