"""The setting `init`: how weights are drawn at the start; biases are 0."""

from __future__ import annotations

from dataclasses import dataclass

from specc.settings.base import Choice, Use
from specc.settings.forms import Choosing
from specc.signature import NOT_NEGATIVE_REAL, POSITIVE_REAL, Argument


@dataclass(frozen=True, slots=True)
class Drawn:
    """A distribution; `size` is the gain, standard deviation or bound, where it has one."""

    kind: str
    size: float | None = None


class Init(Choosing[Drawn]):
    """Which distribution weights are drawn from."""

    name = "init"
    example = "init xavier"
    noun = "initialisation"
    plural = "initialisations"


class _Init(Choice[Drawn]):
    """A distribution with at most one argument."""

    setting = "init"

    def make(self, use: Use) -> Drawn:
        """The distribution and its size."""
        sizes = [float(use.number(argument.name)) for argument in self.arguments]
        return Drawn(self.name, *sizes)


class Xavier(_Init):
    """U(±gain √(6 / (fan_in + fan_out))) (notes)."""

    name = "xavier"
    arguments = (Argument("gain", POSITIVE_REAL, 1, "what the bound is multiplied by"),)


class He(_Init):
    """N(0, 2 / fan_in) (He et al. 2015)."""

    name = "he"


class Normal(_Init):
    """N(0, std²)."""

    name = "normal"
    arguments = (Argument("std", NOT_NEGATIVE_REAL, doc="the standard deviation"),)


class Uniform(_Init):
    """U(−bound, bound); a bound of 0 starts at zero."""

    name = "uniform"
    arguments = (Argument("bound", NOT_NEGATIVE_REAL, doc="the largest weight"),)
