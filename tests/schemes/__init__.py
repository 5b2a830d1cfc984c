"""Small networks, each with one thing that a backward pass easily gets wrong."""

from schemes import loops, memory, sharing
from schemes.case import CASES, Affine, Case
from schemes.long_names import LONG_NAMES

__all__ = ["CASES", "LONG_NAMES", "Affine", "Case", "loops", "memory", "sharing"]
