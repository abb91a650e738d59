// The interface to whatever computes the page's values. The elements use only this interface; gradio.js implements it over Gradio.
// A backend sets the `value` of the elements <explorer-…>: what Python's `Tab.run` yields for a tab, the fields for the controls.

/**
 * @typedef {object} About what a backend offers; from explorer/ui/app.py
 * @property {Record<string, any>} defaults every field's default
 * @property {Record<string, number>} default_eta η on the tab until it is chosen
 * @property {Record<string, any>} checkpoints by name: {T, seeds, credit, clips, shipped}
 * @property {boolean} open_others whether other checkpoints can be opened by folder or hub id
 * @property {Record<string, string[]>} options the tab's own fields
 * @property {Record<string, string[]>} idle the fields of the control column that have no effect on the tab
 * @property {Record<string, string[]>} view_keys the keys of the URL that only the tab's element reads
 * @property {Record<string, { name: string, label: string, suffix: string, here?: boolean }[]>} kinds the tab's export formats; `here`: made in the browser
 *
 * @typedef {object} Backend
 * @property {About} about
 * @property {(fields: Record<string, any>) => void} newest the settings have changed: older runs may end
 * @property {(tab: string, fields: Record<string, any>) => void} run run a tab; its element receives values
 * @property {(tab: string) => void} stop end the run of a tab
 * @property {(wish: Record<string, any>) => void} save export a file; the saver element receives values
 * @property {() => void} stopSaving
 * @property {(name: string, ...args: any[]) => Promise<any>} call a function of the server:
 *   open_checkpoint({text, again}), receive_picture(base64), about(wish), check_derivation({name, checkpoint})
 */

/** The backend of this page. @type {Backend} */
export const backend = /** @type {any} */ ({
  about: { defaults: {}, default_eta: {}, checkpoints: {}, options: {}, idle: {}, view_keys: {}, kinds: {} },
});

/** @param {Omit<Backend, 'about'>} implementation */
export function provide(implementation) {
  Object.assign(backend, implementation);
}
