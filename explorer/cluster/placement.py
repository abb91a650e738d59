"""On which machine of a cluster the next replica is started, and from which one a replica is removed."""

from __future__ import annotations

from collections.abc import Mapping


def node_for_next(counts: Mapping[str, int], room: Mapping[str, int]) -> str | None:
    """The node with the fewest replicas among those with room for another one; None if there is none.

    Args:
        counts: replicas on each node, also those that are starting.
        room: how many replicas fit on each node, those there included.
    """
    free = [node for node in room if counts.get(node, 0) < room[node]]
    return min(free, key=lambda node: counts.get(node, 0), default=None)


def node_to_relieve(counts: Mapping[str, int], room: Mapping[str, int]) -> str | None:
    """The node with the most replicas, if one of them would be better placed on another node; otherwise None."""
    target = node_for_next(counts, room)
    if target is None:
        return None
    fullest = max(room, key=lambda node: counts.get(node, 0))
    return fullest if counts.get(fullest, 0) - counts.get(target, 0) > 1 else None
