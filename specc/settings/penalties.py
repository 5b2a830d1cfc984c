"""The setting `penalty`."""

from __future__ import annotations

from specc.settings.base import Choice, Use
from specc.settings.forms import Choosing
from specc.signature import POSITIVE_REAL, Argument


class Penalty(Choosing[float]):
    """What large weights cost; biases and normalisation are exempt."""

    name = "penalty"
    example = "penalty l2(0.0001)"
    noun = "penalty"
    plural = "penalties"
    unbuilt = ("l1",)


class L2(Choice[float]):
    """λ/2 Σ w², gradient λ w (book, chapter 3)."""

    setting = "penalty"
    name = "l2"
    arguments = (Argument("strength", POSITIVE_REAL, doc="λ"),)

    def make(self, use: Use) -> float:
        """Its strength."""
        return float(use.number("strength"))
