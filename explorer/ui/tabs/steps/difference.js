// How far two pictures are apart. No DOM.

/**
 * |a - b| in units of [-1, 1]: the mean over channels as pixels between two colours, and mean and rms over all values.
 * @param {Uint8ClampedArray} a RGBA
 * @param {Uint8ClampedArray} b of the same length
 * @param {{ zero: number[], full: number[], most: number }} scale the colours of no difference and of `most` and more
 */
export function differenceOf(a, b, { zero, full, most }) {
  const data = new Uint8ClampedArray(a.length);
  let sum = 0,
    squares = 0;
  for (let i = 0; i < a.length; i += 4) {
    let here = 0;
    for (let c = 0; c < 3; c++) {
      const d = Math.abs(a[i + c] - b[i + c]) / 127.5;
      here += d / 3;
      squares += d * d;
    }
    sum += here;
    const level = Math.min(1, here / most);
    data.set([...zero.map((v, c) => Math.round(v + (full[c] - v) * level)), 255], i);
  }
  const pixels = a.length / 4;
  return { data, mean: sum / pixels, rms: Math.sqrt(squares / pixels / 3) };
}
