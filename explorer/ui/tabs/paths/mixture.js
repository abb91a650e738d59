// Density and score of a Gaussian mixture in the plane, noised to any t in closed form. No DOM.

/**
 * @typedef {object} Mixture
 * @property {number[]} weights
 * @property {[x: number, y: number][]} means
 * @property {number[]} stds
 *
 * @typedef {object} Component of a noised mixture
 * @property {number} x
 * @property {number} y
 * @property {number} variance
 * @property {number} height peak of its density
 */

/**
 * The distribution of x_t, if that of x_0 is `mixture`.
 * @param {Mixture} mixture
 * @param {number} alphaBar
 * @returns {Component[]}
 */
export function noisedMixture({ weights, means, stds }, alphaBar) {
  const a = Math.sqrt(alphaBar);
  return means.map(([x, y], k) => {
    const variance = alphaBar * stds[k] ** 2 + 1 - alphaBar;
    return { x: a * x, y: a * y, variance, height: weights[k] / (2 * Math.PI * variance) };
  });
}

/**
 * The density p at a point, and the score ∇ log p there.
 * @param {Component[]} components
 * @param {number} x
 * @param {number} y
 * @returns {{ density: number, score: [x: number, y: number] }}
 */
export function densityAndScore(components, x, y) {
  let density = 0;
  let gx = 0;
  let gy = 0;
  for (const component of components) {
    const dx = component.x - x;
    const dy = component.y - y;
    const { variance } = component;
    const part = component.height * Math.exp(-(dx * dx + dy * dy) / (2 * variance));
    density += part;
    gx += (part * dx) / variance;
    gy += (part * dy) / variance;
  }
  return { density, score: [gx / (density || 1), gy / (density || 1)] };
}

/**
 * The score at a point, also far from all components: densities are relative to that of the most probable component.
 * @param {Component[]} components
 * @param {number} x
 * @param {number} y
 * @returns {[x: number, y: number]}
 */
export function scoreAt(components, x, y) {
  const logs = components.map((c) => Math.log(c.height) - ((c.x - x) ** 2 + (c.y - y) ** 2) / (2 * c.variance));
  const largest = logs.reduce((a, b) => Math.max(a, b));
  let [sum, gx, gy] = [0, 0, 0];
  components.forEach((c, k) => {
    const part = Math.exp(logs[k] - largest);
    sum += part;
    gx += (part * (c.x - x)) / c.variance;
    gy += (part * (c.y - y)) / c.variance;
  });
  return [gx / sum, gy / sum];
}

/**
 * The centres of n × n cells of the square [-range, range]², row by row from the top.
 * @param {number} n
 * @param {number} range
 * @returns {[x: number, y: number][]}
 */
export function cellsOfSquare(n, range) {
  return Array.from({ length: n * n }, (_, k) => {
    const column = k % n;
    const row = Math.floor(k / n);
    return [(((column + 0.5) / n) * 2 - 1) * range, (1 - ((row + 0.5) / n) * 2) * range];
  });
}

/**
 * The density on n × n cells of a square as opacities from 0 to 1. Its root is taken to make low densities visible.
 * @param {Component[]} components
 * @param {number} n
 * @param {number} range
 */
export function densityOpacities(components, n, range) {
  const field = new Array(n * n).fill(0);
  for (const component of components) {
    // exp(-(dx² + dy²) / 2v) is a product of a factor of the column and one of the row
    const columns = factorsOfCells(n, range, component.x, component.variance);
    const rows = factorsOfCells(n, range, component.y, component.variance).reverse();
    for (let row = 0; row < n; row++) {
      const part = component.height * rows[row];
      if (part > 0) for (let column = 0; column < n; column++) field[row * n + column] += part * columns[column];
    }
  }
  const most = field.reduce((a, b) => Math.max(a, b), 0);
  return field.map((density) => Math.sqrt(density / (most || 1)));
}

/**
 * exp(-d² / 2v) at the centres of n cells of [-range, range], where d is the distance to `mean`.
 * @param {number} n
 * @param {number} range
 * @param {number} mean
 * @param {number} variance
 */
const factorsOfCells = (n, range, mean, variance) =>
  Array.from({ length: n }, (_, k) => Math.exp(-((((k + 0.5) / n) * 2 * range - range - mean) ** 2) / (2 * variance)));

/**
 * @typedef {{ from: [x: number, y: number], to: [x: number, y: number] }} Arrow
 */

/**
 * The score on n × n cells of a square as arrows, whose length grows with the score up to a limit.
 * @param {Component[]} components
 * @param {number} n
 * @param {number} range
 * @returns {Arrow[]}
 */
export function scoreArrows(components, n, range) {
  const longest = (1.5 * range) / n;
  return cellsOfSquare(n, range).map(([x, y]) => {
    const [gx, gy] = densityAndScore(components, x, y).score;
    const size = Math.hypot(gx, gy) || 1;
    const length = longest * Math.min(1, 0.25 + (0.75 * size) / (size + 2));
    return { from: [x, y], to: [x + (gx / size) * length, y + (gy / size) * length] };
  });
}
