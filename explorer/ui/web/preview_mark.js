// The mark of a picture that is still a preview: a dashed edge, its S, and a description.
import { say } from './localize.js';

const MARKED = 60; // CSS pixels: on smaller pictures S would hide too much; they have only the edge

/**
 * Mark the element around a picture as a preview, or take the mark away.
 * @param {HTMLElement | null} holder
 * @param {import('./picture_lines.js').Preview | null} preview
 * @param {number} size of the picture in CSS pixels
 */
export function markPreview(holder, preview, size) {
  if (!holder) return;
  if (preview) {
    holder.dataset.preview = size < MARKED ? '' : say('stage.preview', { steps: preview.steps });
    holder.title = say('stage.preview_aloud', { steps: preview.steps, requested: preview.requested });
  } else if (holder.dataset.preview !== undefined) {
    delete holder.dataset.preview;
    holder.removeAttribute('title');
  }
}
