"""The Compare tab: DDIM, DDPM and other variants from the same latent, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.compare.comparison import Comparison
from explorer.ui.tabs.compare.endpoints import ENDPOINTS
from explorer.ui.tabs.compare.exports import EXPORT_FORMATS
from explorer.ui.tabs.compare.options import CompareOptions
from explorer.ui.tabs.compare.result import CompareResult


class CompareTab(Tab[CompareOptions]):
    """Rows with the same x_T, S and network. They differ in sigma, and one in the time steps given to the network."""

    name, options = "compare", CompareOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    default_eta = 0.5  # a row of its own: at 0 it is DDIM's, and at 1 DDPM's
    unused_fields = ("variance",)
    view_keys = ("show", "moment")

    def check(self, request: TabRequest[CompareOptions]) -> TabRequest[CompareOptions]:
        """The noise seeds of all runs are consecutive, so the first one must leave room below the maximum."""
        highest = MAX_SEED - request.options.others
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_more", {"highest": highest}))
        return request

    def results(self, request: TabRequest[CompareOptions], state: State) -> Iterator[CompareResult]:
        return Comparison(request, self.services.results, state, self.services.custom_step).run()
