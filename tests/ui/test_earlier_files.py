"""Files, answers and public names of earlier versions stay readable and come out the same: ``tests/data/earlier`` holds them."""

import io
import json
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
from saved_files import file_of, png_of, rows_of
from tab_values import SHAPE, TOY

import explorer as ex
from explorer.media.exports import read_settings
from explorer.ui.address import from_address
from explorer.ui.api import all_endpoints, endpoint_function

EARLIER = Path(__file__).parents[1] / "data" / "earlier"
SAVED = sorted(path for path in EARLIER.iterdir() if path.name.count(".") == 2)  # tab.entry.suffix
ANSWERS = json.loads((EARLIER / "api.json").read_text())
CALLS = {
    "steps": {"seed": 3, "steps": 4, "eta": 0.5, "noise_seed": 5},
    "compare": {"seed": 3, "steps": 4, "wrong": True, "others": 2},
    "interpolate": {"a": "slerp(1, 2, 0.25)", "b": 4, "steps": 3, "frames": 8},
}
CORRECTED = {"bound_99_of_100"}  # of the CSV of Forward: it was the bound of one process, and is that of all four
DEFAULTS = {"quality": {"cell_pictures": 4}, "encode": {"largest": 200}}  # of then, where they have changed since


def same(now, before):
    """Assert that two values of JSON are the same: the numbers but for rounding, seconds not at all."""
    assert type(now) is type(before)
    if isinstance(before, dict):
        assert now.keys() >= before.keys()
        for key in before.keys() - {"seconds"}:
            same(now[key], before[key])
    elif isinstance(before, list):
        assert len(now) == len(before)
        for one, other in zip(now, before, strict=True):
            same(one, other)
    elif isinstance(before, float):
        assert now == pytest.approx(before, rel=1e-4, abs=1e-6)
    else:
        assert now == before


def as_json(value):
    """An answer as the fixture holds it: of a file only the names of its entries and their types."""
    if isinstance(value, dict) and "path" in value:
        return {key: type(entry).__name__ for key, entry in value.items()}
    if isinstance(value, dict):
        return {key: as_json(entry) for key, entry in value.items()}
    return [as_json(entry) for entry in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.name)
def test_the_same_settings_make_the_same_file(exporter, path):
    tab, entry, suffix = path.name.split(".")
    before, now = path.read_bytes(), file_of(exporter, tab, entry, **DEFAULTS.get(tab, {}))
    if suffix == "png":
        settings, earlier = (dict(parse_qsl(read_settings(file))) for file in (now, before))
        assert settings.items() >= earlier.items()  # there may be newer ones
        assert np.abs(png_of(now).astype(int) - png_of(before)).max() <= 1
    elif suffix == "csv":
        for row, earlier in zip(rows_of(now), rows_of(before), strict=True):
            assert [key for key in row if key in earlier] == list(earlier)  # there may be newer ones
            same(*({key: number(text) for key, text in one.items() if key not in CORRECTED} for one in (row, earlier)))
    else:
        with np.load(io.BytesIO(now)) as arrays, np.load(io.BytesIO(before)) as earlier:
            assert arrays.files == earlier.files
            for name in earlier.files:
                if earlier[name].dtype.kind in "fi":
                    np.testing.assert_allclose(arrays[name], earlier[name], rtol=1e-4, atol=1e-6)
                elif name == "settings":
                    assert f"{arrays[name]}&".startswith(f"{earlier[name]}&")
                elif name != "README":  # its wording may change
                    assert (arrays[name] == earlier[name]).all()


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("path", [p for p in SAVED if p.suffix == ".png"], ids=lambda path: path.name)
def test_the_settings_in_an_earlier_picture_fill_the_controls(exporter, path):
    query = dict(parse_qsl(read_settings(path.read_bytes()), strict_parsing=True))
    tab = exporter.tabs[query.pop("tab")]
    defaults = tab.default_request().fields()
    fields, notice = from_address(query, defaults, tab.parse)
    assert notice == ""
    assert {key: str(fields[key]) for key in query.keys() & {"seed", "steps", "noise_seed"}} == {
        key: query[key] for key in query.keys() & {"seed", "steps", "noise_seed"}
    }


def test_a_trajectory_of_an_earlier_version_is_loaded_with_its_terms():
    run = ex.Trajectory.load(EARLIER / "trajectory.npz", TOY)
    again = ex.Trajectory(TOY, ex.latent(SHAPE, [3]), ex.Settings(4, 0.5, noise_seed=5))
    for _ in again:
        pass
    assert run.done
    assert run.settings == again.settings
    np.testing.assert_allclose(run.x_0, again.x_0, atol=1e-5)
    for index in again.kept:
        for name in ("x0", "direction", "noise"):
            ours, theirs = (getattr(of.step(index).terms, name) for of in (run, again))
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_endpoint_answers_as_before(exporter, name):
    endpoint, tab = next((e, tab) for e, tab in all_endpoints(exporter.tabs) if e.name == name)
    defaults = tab.default_request().fields()
    values = [CALLS[name].get(field, defaults[field]) for field in endpoint.parameters]
    same(as_json(endpoint_function(endpoint, tab)(*values)), ANSWERS[name])


def test_the_public_names_of_before_are_there():
    for name, names in json.loads((EARLIER / "public_names.json").read_text()).items():
        public = getattr(ex, name)
        known = {*dir(public), *getattr(public, "__annotations__", {})}
        assert set(names.get("attributes", ())) <= known, name


def test_the_modules_that_earlier_scripts_import_are_there_under_their_old_names():
    with pytest.warns(DeprecationWarning, match=r"explorer\.given is called explorer\.media\.uploads now"):
        from explorer.given import as_tensor, read_picture
    with pytest.warns(DeprecationWarning, match=r"explorer\.paths is called explorer\.plane now"):
        from explorer.paths import energy_distance, sample_paths
    with pytest.warns(DeprecationWarning, match=r"explorer\.exports is called explorer\.media\.exports now"):
        from explorer.exports import read_settings as read

    from explorer import plane
    from explorer.media import uploads

    assert (as_tensor, read_picture) == (uploads.as_tensor, uploads.read_picture)
    assert (energy_distance, sample_paths, read) == (plane.energy_distance, plane.sample_paths, read_settings)
    with pytest.raises(ImportError, match="nothing"):
        from explorer.given import nothing  # noqa: F401
