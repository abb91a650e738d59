// The coefficients of Eq. 12 from ᾱ, for numbers that follow from the schedule alone. No DOM.

/**
 * The factors of one jump.
 * @param {number} alphaBar ᾱ at t
 * @param {number} alphaBarPrev ᾱ at t_prev
 * @param {number} eta in [0, 1]
 * @returns {{ direction: number, sigma: number }} of ε_θ and of z; their squares add up to 1 − ᾱ_prev (Eq. 12 and 16)
 */
export function factorsOf(alphaBar, alphaBarPrev, eta) {
  const sigma = eta * Math.sqrt((1 - alphaBarPrev) / (1 - alphaBar)) * Math.sqrt(1 - alphaBar / alphaBarPrev);
  return { direction: Math.sqrt(Math.max(0, 1 - alphaBarPrev - sigma ** 2)), sigma };
}

/**
 * The standard deviation of the noise that a jump with DDPM's larger variance σ̂ leaves: the direction keeps its factor at η = 1.
 * @param {number} alphaBar ᾱ at t
 * @param {number} alphaBarPrev ᾱ at t_prev, where the network is told √(1 − ᾱ_prev)
 */
export function noiseAfterLargeVariance(alphaBar, alphaBarPrev) {
  const { direction } = factorsOf(alphaBar, alphaBarPrev, 1);
  return Math.sqrt(direction ** 2 + 1 - alphaBar / alphaBarPrev);
}
