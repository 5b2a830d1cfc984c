"""The directions in time of a recurrent layer, and where they meet."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.site import Site


def directions(layer: Layer | Site) -> int:
    """How many directions in time there are."""
    return 2 if layer["bidirectional"].plain else 1


def is_top(layer: Layer | Site) -> bool:
    """Whether the directions are two stacks of several layers."""
    joins_late = layer["join"].plain == "top" and directions(layer) == 2
    return joins_late and layer["layers"].number > 1
