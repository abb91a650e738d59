"""Markup in everything that a stranger can name: it is shown as it is written, and nothing of it runs."""

import json

import pytest

from explorer.storage.diffusers_folder import Card

pytestmark = pytest.mark.usefixtures("quiet")
MARK = "<img src=x onerror=ran.push('{}')>"
WATCH = """
window.ran = [];
addEventListener('securitypolicyviolation', e => ran.push(`${e.violatedDirective} ${e.blockedURI}`));
"""
TITLES = ("Compare", "Consistency", "Interpolate", "Encode", "Forward", "Paths", "Quality", "Solvers", "Steps")


def test_markup_of_a_checkpoint_is_text_on_every_tab_and_the_policy_is_never_broken(stage, save_pipeline, root):
    folder = save_pipeline(MARK.format("name"))
    Card(title=MARK.format("title"), licence=MARK.format("licence"), seeds=(1, 2)).write(folder / "explorer.json")
    quality = json.loads((root / "checkpoints/faces-64/quality.json").read_text(encoding="utf-8"))
    quality["frechet"] |= {"features": MARK.format("features"), "reference": MARK.format("reference")}
    (folder / "quality.json").write_text(json.dumps(quality))
    stage.page.add_init_script(WATCH)
    stage.goto("?steps=3&lengths=1,2&latents=1,2&frames=8&side=5&moments=8&others=1&walks=100&points=200")
    stage.page.locator('#controls [name="checkpoint"]').fill(str(folder))
    stage.page.locator('#controls [name="checkpoint"]').press("Enter")
    stage.page.wait_for_function(
        "name => document.querySelector('explorer-controls')?.settings?.checkpoint === name",
        arg=str(folder),
        timeout=180_000,
    )
    stage.wait_for_run()
    assert stage.page.locator("#controls .credit").inner_text() == MARK.format("licence")
    for title in TITLES:
        stage.switch(title)
        if title == "Quality":
            assert MARK.format("features")[1:] in stage.text(".ours .how")
    field = stage.page.locator('#controls [name="seed"]')
    stage.enter(field, MARK.format("seed"))
    stage.wait("error")
    assert "<img src=x" in stage.text(".status .message")
    assert stage.page.locator('img[src="x"]').count() == 0
    assert stage.page.evaluate("ran") == []
    policy = stage.page.request.get(stage.url).headers["content-security-policy"]
    assert "object-src 'none'" in policy
