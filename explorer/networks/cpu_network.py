"""A U-Net on a CPU, computed by the engine that was measured to be the best one there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from explorer.networks.engine_choice import Candidate, EngineChoice, Timing, measure
from explorer.networks.network import EngineError, check_agreement
from explorer.networks.openvino_model import OpenVinoModel
from explorer.networks.processor import instruction_sets, processor_name
from explorer.networks.torch_network import TorchNetwork
from explorer.storage import disk_cache

BATCH_SIZES = (8, 4, 2, 1)  # a model compiled for a fixed batch size is a third faster than one for any size
Compute = Callable[[np.ndarray, np.ndarray], np.ndarray]  # x (B, C, H, W) float32 and labels (B,) int64 to eps or v


class CpuNetwork:
    """A U-Net on a CPU.

    A batch is split into parts of 8, 4, 2 and 1 rows. Each size is computed by the candidate that was chosen for it, and
    compiled at first use. Until the candidates have been timed on this machine, by :meth:`prepare`, the choice is a guess:
    bfloat16 where the processor has AMX, and float32 elsewhere.

    Args:
        exact: the network in torch, on the CPU.
        shape: (C, H, W) of the input.
        float32: whether all arithmetic must be float32.

    Raises:
        EngineError: OpenVINO is not installed, cannot convert the network, or its output differs from torch's.
    """

    def __init__(self, exact: TorchNetwork, shape: tuple[int, int, int], float32: bool = False) -> None:
        self._exact, self._shape, self._float32 = exact, shape, float32
        self._threads = torch.get_num_threads()
        self._call_lock, self._compile_lock = Lock(), Lock()
        self._compiled: dict[tuple[Candidate, int], Compute] = {}
        self._model = OpenVinoModel(exact.unet, shape)
        self.choice = self._read_choice() or self._guess()
        if not self._model.was_cached:
            self._check()
            self._model.write()

    @property
    def name(self) -> str:
        return self.choice.name

    @property
    def any_thread(self) -> bool:
        """Torch alone has a separate pool of worker threads for each calling thread."""
        return all(candidate.engine != "torch" for candidate in self.choice.candidates)

    @property
    def is_float32(self) -> bool:
        return all(candidate.precision == "float32" for candidate in self.choice.candidates)

    @property
    def timings(self) -> tuple[Timing, ...]:
        return self.choice.timings

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        inputs, label_array = x.contiguous().numpy(), labels.contiguous().numpy()
        output = np.empty_like(inputs)
        start = 0
        with self._call_lock:  # a compiled model serves one call at a time
            while start < len(inputs):
                size = next(size for size in BATCH_SIZES if size <= len(inputs) - start)
                rows = slice(start, start + size)
                output[rows] = self._compute(self.choice.candidate(size), size)(inputs[rows], label_array[rows])
                start += size
        return torch.from_numpy(output)

    def prepare(self) -> CpuNetwork:
        """Time the candidates unless this was done before, and compile the chosen ones for every batch size.

        Returns:
            The network to use from now on. This one keeps its engine, since a run must not change it halfway.
        """
        network = self if self.choice.timings else self._measured()
        for size in BATCH_SIZES:
            network._compute(network.choice.candidate(size), size)
        return network

    def _measured(self) -> CpuNetwork:
        threads = torch.get_num_threads()
        torch.set_num_threads(self._threads)  # of this thread
        try:
            choice = measure(self._candidates(), self._test_call)
            network = self._with_choice(choice)
            try:
                network._check()
            except EngineError as error:  # a processor whose half precision is wrong
                logging.warning("keeping %s: %s", self.name, error)
                network = self._with_choice(replace(self.choice, timings=choice.timings))
        finally:
            torch.set_num_threads(threads)
        disk_cache.write(self._choice_key(), network.choice.to_json().encode())
        return network

    def _check(self) -> None:
        try:
            check_agreement(self, self._exact, self._shape)
        except EngineError:
            raise
        except Exception as error:  # a converted model may fail in as many ways as there are layers
            raise EngineError(f"{self.name} cannot run this network: {error}") from error

    def _with_choice(self, choice: EngineChoice) -> CpuNetwork:
        """The same network with another choice; it shares what is compiled already."""
        other = object.__new__(CpuNetwork)
        other.__dict__.update(self.__dict__)
        other.choice = choice
        kept = {(choice.candidate(size), size) for size in BATCH_SIZES}
        other._compiled = {key: compute for key, compute in self._compiled.items() if key in kept}
        return other

    def _compute(self, candidate: Candidate, size: int) -> Compute:
        key = candidate, size
        if key not in self._compiled:
            with self._compile_lock:
                if key not in self._compiled:
                    torch_engine = candidate.engine == "torch"
                    self._compiled[key] = self._call_torch if torch_engine else self._model.compile(candidate, size)
        return self._compiled[key]

    def _call_torch(self, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self._exact(torch.from_numpy(x), torch.from_numpy(labels)).numpy()

    def _test_call(self, candidate: Candidate, batch: int) -> Callable[[], object] | None:
        """A call of the network by a candidate; ``None`` if OpenVINO cannot compile it for this processor."""
        try:
            compute = self._compute(candidate, batch)
        except EngineError as error:
            logging.info("%s is not available: %s", candidate.name, error)
            return None
        x, labels = np.zeros((batch, *self._shape), dtype=np.float32), np.full(batch, 500, dtype=np.int64)
        return lambda: compute(x, labels)

    # The choice

    def _candidates(self) -> list[Candidate]:
        """All of them, the guess first."""
        counts = dict.fromkeys((self._threads, max(1, self._threads // 2), max(1, self._threads // 4)))
        precisions = [p for p in self._model.precisions if p == "float32" or not self._float32]
        found = [Candidate("OpenVINO", precision, count) for count in counts for precision in precisions]
        guess = self._guess().small
        return [guess, *(c for c in found if c != guess), Candidate("torch", "float32", self._threads)]

    def _guess(self) -> EngineChoice:
        fast = not self._float32 and "AMX_BF16" in instruction_sets() and "bfloat16" in self._model.precisions
        candidate = Candidate("OpenVINO", "bfloat16" if fast else "float32", self._threads)
        return EngineChoice(candidate, candidate)

    def _choice_key(self) -> str:
        """Cache key of the choice: it depends on the machine, the versions and the network."""
        machine = (processor_name(), self._model.processor, *instruction_sets(), *self._model.precisions)
        versions = torch.__version__, self._model.version
        network = self._exact.unet.key, repr(self._shape), str(self._float32)
        return disk_cache.key_of("engine choice", *machine, str(self._threads), *versions, *network)

    def _read_choice(self) -> EngineChoice | None:
        """The choice of an earlier start on this machine."""
        data = disk_cache.read(self._choice_key())
        if data is None:
            return None
        try:
            return EngineChoice.from_json(data)
        except ValueError:
            return None
