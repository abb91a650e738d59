"""The Save menu of a page, as a user uses it, and pictures that are dropped on the page."""

import base64

DROP = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0)), transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: 'image/png' }));
    const at = document.querySelector('#stage-column');
    for (const kind of ['dragenter', 'dragover', 'drop']) at.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def open_menu(stage):
    stage.locator(".open-save").click()
    stage.locator('.menu button[tabindex="-1"]').first.wait_for()


def choose(stage, label, suffix):
    open_menu(stage)
    entry = stage.locator(".menu button")
    for text in (label, suffix):
        entry = entry.filter(has=stage.page.get_by_text(text, exact=True))
    entry.click()


def save(stage, label, suffix, tmp_path):
    """The file that an entry of the menu gives, and its name."""
    with stage.page.expect_download(timeout=180_000) as download:
        choose(stage, label, suffix)
    download.value.save_as(tmp_path / "file")
    return (tmp_path / "file").read_bytes(), download.value.suggested_filename


def drop(stage, data, name="saved.png"):
    stage.page.evaluate(DROP, [name, base64.b64encode(data).decode()])


def restore(stage, data, tab, name="saved.png"):
    """Drop a picture, and wait for what it shows."""
    drop(stage, data, name)
    stage.tab = tab
    stage.page.wait_for_function("tab => document.querySelector('explorer-controls').tab === tab", arg=tab)
    stage.wait_for_run()


def told(stage):
    box = stage.page.locator("#saver .told")
    box.wait_for()
    return box.inner_text()
