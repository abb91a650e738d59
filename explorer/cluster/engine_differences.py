"""How much pictures differ between replicas whose machines compute the network differently."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from torch import Tensor

from explorer.cluster.addresses import NetworkAddress, Place
from explorer.cluster.remote_network import connect
from explorer.latents import latent
from explorer.sampler import sample
from explorer.settings import Settings

PICTURES, STEPS = 2, 10
HALF_RANGE = 127.5  # levels of 255 for a difference of 1 between pictures in [-1, 1]


def describe_differences(engines: Mapping[str, Place], name: str) -> str:
    """One line on the pictures of each pair of engines, compared now.

    Args:
        engines: a replica for each engine, by the engine's name.
        name: of the checkpoint on this machine.

    Raises:
        ValueError, NetworkLost: a replica does not answer.
    """
    pictures = {engine: _sample(place, name) for engine, place in engines.items()}
    lines = []
    for one, other in combinations(pictures, 2):
        difference = (pictures[one] - pictures[other]).abs() * HALF_RANGE
        lines.append(
            f"{one} at {engines[one]} and {other} at {engines[other]}: {float(difference.mean()):.3f}/255 on average, "
            f"at most {float(difference.max()):.2f}/255"
        )
    return (
        f"the replicas compute with different engines, so the pictures of a run depend on which replica computes it "
        f"(S = {STEPS}, {'; '.join(lines)}); with --engine exact they are equal"
    )


def _sample(place: Place, name: str) -> Tensor:
    """Pictures that one replica computes alone."""
    checkpoint = connect(str(NetworkAddress.of((place,))), name, discover=False)
    return sample(checkpoint, latent(checkpoint.shape, range(PICTURES)), Settings(STEPS)).clamp(-1, 1)
