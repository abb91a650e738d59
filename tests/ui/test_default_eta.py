"""The eta that the page opens a tab with, and that of its endpoints. No browser."""

import inspect
from types import SimpleNamespace

import pytest
from tab_values import ALL_TABS, TOY, run, tab_of

from explorer.ui.api import all_endpoints, endpoint_function
from explorer.ui.app import Page

PAGE = Page({"toy": TOY}, None)


def opened(**query):
    """The settings of a page with such an address."""
    return PAGE.restore(SimpleNamespace(query_params=query))[0]


@pytest.mark.parametrize("name", ALL_TABS)
def test_where_yours_stands_between_ddim_and_ddpm_it_opens_between_them_and_elsewhere_at_0(name):
    expected = 0.5 if name in ("compare", "paths", "exercises") else 0
    assert PAGE.describe()["default_eta"][name] == expected
    assert opened(tab=name)["eta"] == expected
    assert opened(tab=name, eta="0,25")["eta"] == 0.25
    assert opened(tab=name, eta="0")["eta"] == 0
    refused = opened(tab=name, eta="two")
    assert refused["eta"] == expected
    assert refused["notice"] != ""


def test_a_page_without_a_good_run_is_offered_the_eta_that_it_would_have_opened_with():
    assert run(tab_of("compare"), {"eta": 2})[-1]["repair"]["value"] == 0.5
    assert run(tab_of("steps"), {"eta": 2})[-1]["repair"]["value"] == 0


def test_the_endpoints_keep_eta_0():
    functions = [endpoint_function(endpoint, tab) for endpoint, tab in all_endpoints(PAGE.tabs)]
    etas = {function.__name__: inspect.signature(function).parameters.get("eta") for function in functions}
    assert {name for name, eta in etas.items() if eta} >= {"steps", "picture", "compare"}
    assert {eta.default for eta in etas.values() if eta} == {0}
