// The lines in which pictures arrive: "name<tab>data URI", or "name<tab>data URI<tab>S/requested S" for a preview. No DOM.

/**
 * @typedef {object} Preview a picture that was made with fewer steps than requested
 * @property {number} steps its S
 * @property {number} requested the S of the picture that will replace it
 *
 * @typedef {object} PictureLine
 * @property {string} name
 * @property {string} address data URI
 * @property {Preview | null} preview
 */

/**
 * @param {string} line
 * @returns {PictureLine | null} null for a line without a picture
 */
export function parsePicture(line) {
  const [name, address, mark] = line.split('\t');
  if (address === undefined) return null;
  if (mark === undefined) return { name, address, preview: null };
  const [steps, requested] = mark.split('/').map(Number);
  return { name, address, preview: { steps, requested } };
}
