"""The numbers of the derivation cards, computed when a page opens a card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from threading import Lock
from typing import Any

from explorer import derivations
from explorer.checkpoint import Checkpoint, CheckpointError
from explorer.derivations import Value
from explorer.networks.network import NetworkLost
from explorer.runs.admission import Admission, ServerBusy
from explorer.runs.failures import explain
from explorer.runs.shared_network import for_client
from explorer.runs.stored_kinds import json_kind
from explorer.runs.stored_results import StoredResults
from explorer.support.arguments import shorten
from explorer.support.bounded_cache import BoundedCache
from explorer.ui.localization import LocalizedMessage, localize, to_json

ANSWER = json_kind("derivation")
MAX_KEPT = 512  # answers; each is some hundred bytes


class DerivationChecks:
    """Runs the checks of :mod:`explorer.derivations` for all pages. Each answer is kept as long as the checkpoint's files.

    One check runs at a time, so that a class that opens a card together has it computed once and pictures keep streaming.

    Args:
        checkpoints: by name.
        admission: limits how many requests wait.
        stored: the results on disk; None for the memory alone.
    """

    def __init__(
        self, checkpoints: Mapping[str, Checkpoint], admission: Admission, stored: StoredResults | None = None
    ) -> None:
        self._checkpoints, self._admission, self._stored = checkpoints, admission, stored
        self._kept: BoundedCache[dict[str, Any]] = BoundedCache(MAX_KEPT)
        self._lock = Lock()

    def check_derivation(self, request: Any, client: str = "") -> dict[str, Any]:
        """Answer a page's request {name, checkpoint}. The page calls this function.

        Args:
            client: who requests it, see :class:`explorer.ui.client.Visitor`.

        Returns:
            {state: "done", passed, values} with ``values`` as a list of {name, measured, expected, tolerance, relation,
            passed}, or {state: "error", message}. A number that is not finite is None.
        """
        name, checkpoint = _parse(request, self._checkpoints)
        if name is None:
            return _error(LocalizedMessage("derivation.unknown"))
        if checkpoint is None:
            choices = {"choices": ", ".join(self._checkpoints), "given": shorten(request.get("checkpoint"))}
            return _error(LocalizedMessage("opening.not_there", choices))
        key = (name, *checkpoint.key)
        try:
            answer = self._kept.get(key) or self._read(key, name, checkpoint)
            if answer is not None:
                return answer
            with self._admission.acquire(client=client) as slot:
                slot.wait_until_admitted()
                with self._lock:
                    return self._kept.get(key) or self._compute(key, name, for_client(checkpoint, client))
        except (ServerBusy, NetworkLost, CheckpointError) as error:
            return _error(localize(error))
        except Exception as error:
            return _error(localize(explain(error, request)))

    def _compute(self, key: tuple[str, ...], name: str, checkpoint: Checkpoint) -> dict[str, Any]:
        values = derivations.check(name, checkpoint)
        answer = {
            "state": "done",
            "passed": all(value.passed for value in values),
            "values": [_to_json(value) for value in values],
        }
        self._kept.put(key, answer)
        if self._stored is not None:
            self._stored.put(ANSWER, checkpoint, answer, 1 << 10, name)
        return answer

    def _read(self, key: tuple[str, ...], name: str, checkpoint: Checkpoint) -> dict[str, Any] | None:
        """The answer on disk, or None."""
        found = self._stored and self._stored.get(ANSWER, checkpoint, name)
        if not found or found.value.get("state") != "done":
            return None
        self._kept.put(key, found.value)
        return found.value


def _parse(request: Any, checkpoints: Mapping[str, Checkpoint]) -> tuple[str | None, Checkpoint | None]:
    """The card and the checkpoint of a request; None for one that does not exist."""
    values = request if isinstance(request, dict) else {}
    name, checkpoint = values.get("name"), values.get("checkpoint")
    card = name if isinstance(name, str) and name in derivations.CARDS else None
    return card, checkpoints.get(checkpoint) if isinstance(checkpoint, str) else None


def _to_json(value: Value) -> dict[str, Any]:
    return {
        "name": value.name,
        "measured": _finite(value.measured),
        "expected": _finite(value.expected),
        "tolerance": _finite(value.tolerance),
        "relation": value.relation,
        "passed": value.passed,
    }


def _finite(number: float) -> float | None:
    """The number, or None for NaN and infinity, which JSON does not have."""
    return number if math.isfinite(number) else None


def _error(message: str) -> dict[str, Any]:
    return {"state": "error", "message": to_json(message)}
