// Whoever computes what the page shows. The elements know this interface alone; gradio.js implements it over Gradio.
// A backend sets `value` of the elements <explorer-…>: what Python's `Tab.run` yields for a tab, the fields for the controls.

/**
 * @typedef {object} About what a backend offers; the fields and tabs of explorer/ui/app.py
 * @property {Record<string, any>} defaults every field's default
 * @property {Record<string, any>} checkpoints by name: {T, seeds, credit, clips, shipped}
 * @property {boolean} open_others whether other checkpoints can be opened by folder or hub id
 * @property {Record<string, string[]>} options the fields that a tab has for itself
 * @property {Record<string, string[]>} idle the fields of the control column that a tab does not use
 * @property {Record<string, string[]>} view_keys the keys of an address that say what is looked at on a tab
 * @property {Record<string, { name: string, label: string, suffix: string, here?: boolean }[]>} kinds what can be saved of a tab
 *
 * @typedef {object} Backend
 * @property {About} about
 * @property {(fields: Record<string, any>) => void} newest these are the newest settings: what was asked before may end
 * @property {(tab: string, fields: Record<string, any>) => void} run run a tab with all fields; its element gets values
 * @property {(tab: string) => void} stop end the run of a tab
 * @property {(wish: Record<string, any>) => void} save make a file; the saver's element gets values
 * @property {() => void} stopSaving
 * @property {(name: string, ...args: any[]) => Promise<any>} call a function of the server:
 *   open_checkpoint({text, again}), receive_picture(base64), about(wish)
 */

/** The backend of this page. @type {Backend} */
export const backend = /** @type {any} */ ({
  about: { defaults: {}, checkpoints: {}, options: {}, idle: {}, view_keys: {}, kinds: {} },
});

/** @param {Omit<Backend, 'about'>} implementation */
export function provide(implementation) {
  Object.assign(backend, implementation);
}
