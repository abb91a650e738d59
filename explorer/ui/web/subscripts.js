// Formulas in plain text, such as "√(1−ᾱ_prev) ε_θ": their indices as subscripts. No DOM.
import { escapeHtml } from './fill_text.js';

/** An index after a symbol, which may carry a bar or a hat; names of code such as alpha_bar are left alone. */
const INDEX = /(?<=(?:[xετβσᾱα]|[\u0302\u0304\u0305]))_(prev|next|[A-Za-z0-9θ])(?![A-Za-z0-9])/gu;

/** @param {string} text @returns {string} HTML */
export const withSubscripts = (text) => escapeHtml(text).replace(INDEX, '<sub>$1</sub>');
