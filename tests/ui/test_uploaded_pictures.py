"""Real pictures in Encode and Forward: those held out, and uploaded ones, which may be damaged or gone. No browser."""

import base64

import numpy as np
import pytest
from tab_values import SMALL, english, run

from explorer.media.uploads import UPLOADS, read_picture
from explorer.ui.real_pictures import receive_picture

FORGOTTEN = "0123456789abcdef"


def test_a_file_from_the_page_is_kept_or_what_is_wrong_with_it_said(uploaded):
    data, name = uploaded
    assert receive_picture(base64.b64encode(data).decode()) == {"name": name}
    assert np.array_equal(np.asarray(UPLOADS.get(name)), np.asarray(read_picture(data)))
    refused = receive_picture(base64.b64encode(b"no picture").decode())["error"]
    assert english(refused) == "This picture cannot be read or is damaged: try a PNG or a JPEG."
    for no_base64 in ("?", "data:image/png;base64,aaaa", None, 3, [data]):
        assert english(receive_picture(no_base64)["error"]).endswith(".")
    assert "20 MB" in english(receive_picture("A" * (28 << 20))["error"])


@pytest.mark.parametrize(("name", "field"), [("encode", "picture"), ("forward", "real")])
def test_a_brought_picture_that_went_is_refused_beside_its_field(make, uploaded, name, field):
    tab = make(name)
    assert run(tab, {**SMALL[name], field: uploaded[1]})[-1]["state"] == "ended"
    (refusal,) = run(tab, {**SMALL[name], field: FORGOTTEN})
    assert (refusal["state"], refusal["field"]) == ("error", field)
    assert "choose the file again" in english(refusal["message"])
    assert refusal["repair"]["value"] == uploaded[1]  # not the one that was just refused
    (refusal,) = run(tab, {**SMALL[name], field: 4})
    assert "numbers 0 to 3, not 4" in english(refusal["message"])
    assert refusal["repair"]["value"] == uploaded[1]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize(("name", "field", "number"), [("encode", "picture", 1), ("forward", "real", 1)])
def test_without_held_out_pictures_a_tab_says_so_and_takes_a_brought_one(
    make, folder, uploaded, name, field, number, damaged
):
    tab = make(name)
    if damaged:
        (folder / "examples.npz").write_bytes(b"PK no pictures")
    given = {**SMALL[name], "checkpoint": "toy" if damaged else "bare", field: number}
    (refusal,) = run(tab, given)
    assert refusal["field"] == field
    expected = "is damaged" if damaged else "bare ships no held-out pictures: choose a picture"
    assert expected in english(refusal["message"])
    assert refusal["repair"]["value"] == tab.default_request().fields()[field]
    last = run(tab, given | {field: uploaded[1]})[-1]
    assert (last["state"], last["examples"]) == ("ended", 0)


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize(("name", "field"), [("encode", "picture"), ("forward", "real")])
def test_without_held_out_pictures_a_tab_begins_with_what_the_network_makes(make, folder, damaged, name, field):
    if damaged:
        (folder / "examples.npz").write_bytes(b"PK no pictures")
    last = run(make(name), {"steps": 7, field: 0, "checkpoint": "toy" if damaged else "bare"})[-1]
    assert last["state"] == "ended"
    assert last["settings"][field] == "made"
