// How the pictures of a film strip are laid out. No DOM.

/** px between two pictures. */
export const GAP = 4;
const LEAST = 32; // px: a strip whose pictures would be smaller goes on in a second row

/**
 * The size of the pictures of a strip, and how many of them one row has: all if they are large enough to be seen, else as many rows
 * of equal length as it takes.
 * @param {number} n of the strip
 * @param {number} width px
 */
export function stripLayout(n, width) {
  const sizeOf = (columns) => Math.floor((width - GAP * (columns - 1)) / columns);
  const most = Math.max(1, Math.floor((width + GAP) / (LEAST + GAP)));
  const columns = Math.ceil(n / Math.ceil(n / most));
  const size = sizeOf(columns);
  return { columns, size: size >= 128 ? 128 : size >= 64 ? 64 : size };
}
