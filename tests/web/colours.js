// Colours as people with normal and with deficient colour vision see them.

/** @typedef {number[]} Triple */
/** Linear RGB as seen with full protanopia, deuteranopia, tritanopia: Machado, Oliveira and Fernandes 2009. */
const VISIONS = [
  [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
]; // prettier-ignore
const LMS = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const OKLAB = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

/** @param {Triple[]} matrix @param {Triple} v */
const times = (matrix, v) => matrix.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));
/** @param {string} hex */
const linear = (hex) =>
  [1, 3, 5]
    .map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
/** @param {string} hex */
const luminance = (hex) => times([[0.2126, 0.7152, 0.0722]], linear(hex))[0];

/** The least contrast of colours with a background, by WCAG. @param {string[]} colours @param {string} page */
export function leastContrast(colours, page) {
  const ratios = colours.map((colour) => {
    const [dark, light] = [luminance(colour), luminance(page)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  });
  return Math.min(...ratios);
}

/** The least distance of two colours in OKLab over all kinds of colour vision. @param {string[]} colours */
export function leastDifference(colours) {
  let least = Infinity;
  for (const vision of VISIONS) {
    const seen = colours.map((colour) => {
      const shown = times(vision, linear(colour)).map((v) => Math.min(1, Math.max(0, v)));
      return times(OKLAB, times(LMS, shown).map(Math.cbrt));
    });
    seen.forEach((a, i) =>
      seen.slice(0, i).forEach((b) => (least = Math.min(least, Math.hypot(...a.map((v, k) => v - b[k]))))),
    );
  }
  return least;
}
