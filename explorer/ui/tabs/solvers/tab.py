"""The Solvers tab: solvers of DDIM's ODE from the same latent, with equal numbers of network calls."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.runs.cancellation import State
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.solvers.comparison import SolverComparison
from explorer.ui.tabs.solvers.endpoints import ENDPOINTS
from explorer.ui.tabs.solvers.exports import EXPORT_FORMATS
from explorer.ui.tabs.solvers.options import SolversOptions
from explorer.ui.tabs.solvers.result import SolversResult


class SolversTab(Tab[SolversOptions]):
    """A row for each solver, and the error over the number of network calls: by default about 900 evaluations."""

    name, options = "solvers", SolversOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    file_name_fields = ("seed", "calls")
    steps_field = "calls"
    unused_fields = ("eta", "steps", "variance", "noise_seed")
    view_keys = ("spent",)

    def results(self, request: TabRequest[SolversOptions], state: State) -> Iterator[SolversResult]:
        return SolverComparison(request, self.services.results, state, self.services.custom_step).run()
