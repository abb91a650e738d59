"""What Solvers keeps on disk: the pictures of its rows, and the errors with an exact score, which take half a second."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from explorer.runs.latent_spec import uses_upload
from explorer.runs.stored_results import Content, Kind, Stored, StoredResults
from explorer.solvers import SOLVERS, Solver
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.solvers.exact_errors import Point
from explorer.ui.tabs.solvers.options import SolversOptions

ExactErrors = Mapping[Solver, Sequence[Point]]


@dataclass(frozen=True, eq=False)
class SolverRow:
    """A row of the page.

    Attributes:
        pictures: (columns + 1, C, H, W) float32: predicted x_0 of each column, and the final picture.
        dpm_solver_1: largest difference of DDIM's steps to those of DPM-Solver-1; None for other solvers.
    """

    pictures: Tensor
    dpm_solver_1: float | None = None


class StoredRows:
    """The rows of a request on disk. Without a disk, every comparison runs them again.

    Args:
        request: of the comparison.
        columns: network calls after which a column shows predicted x_0.
        stored: the results on disk, or None.
    """

    def __init__(self, request: TabRequest[SolversOptions], columns: list[int], stored: StoredResults | None) -> None:
        self._checkpoint, self._columns = request.checkpoint.float32, tuple(columns)
        self._stored = None if uses_upload(request.latent) else stored

    def get(self, solver: Solver, key: tuple[object, ...]) -> Stored[SolverRow] | None:
        """Return a row that was computed before.

        Args:
            key: of the run, see :attr:`explorer.runs.results.CachedRequest.stored_key`.
        """
        if self._stored is None:
            return None
        return self._stored.get(self._kind(solver), self._checkpoint, self._columns, *key)

    def put(self, solver: Solver, key: tuple[object, ...], row: SolverRow) -> None:
        """Store a row that was computed now."""
        if self._stored is not None:
            kind, nbytes = self._kind(solver), row.pictures.nbytes
            self._stored.put(kind, self._checkpoint, row, nbytes, self._columns, *key)

    def _kind(self, solver: Solver) -> Kind[SolverRow]:
        shape = len(self._columns) + 1, *self._checkpoint.shape

        def unpack(content: Content) -> SolverRow:
            difference = content.facts["dpm_solver_1"]
            if solver != "ddim":
                return SolverRow(content.tensor("pictures", *shape))
            if type(difference) not in (int, float) or not 0 <= difference < math.inf:
                raise ValueError("dpm_solver_1 is not a difference")
            return SolverRow(content.tensor("pictures", *shape), float(difference))

        def pack(row: SolverRow) -> Content:
            return Content({"pictures": row.pictures.numpy()}, {"dpm_solver_1": row.dpm_solver_1})

        return Kind("solver row", pack, unpack)


def _unpack_errors(content: Content) -> ExactErrors:
    return {solver: [(int(calls), float(error)) for calls, error in content.facts[solver]] for solver in SOLVERS}


EXACT_ERRORS = Kind[ExactErrors](
    "exact errors",
    lambda errors: Content(facts={str(solver): points for solver, points in errors.items()}),
    _unpack_errors,
)
