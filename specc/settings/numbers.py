"""The settings that are a number: `epochs`, `batch`, `seed`, `clip`, and `split`."""

from __future__ import annotations

from specc import syntax
from specc.settings.base import Setting
from specc.settings.forms import Number
from specc.settings.section import Section
from specc.signature import POSITIVE, POSITIVE_REAL, Argument, real, whole


class _Whole(Number[int]):
    """A whole number."""

    def convert(self, number: object) -> int:
        """As it is."""
        assert isinstance(number, int)
        return number


class Epochs(_Whole):
    """How often training goes through the data."""

    name = "epochs"
    is_required = True
    example = "epochs 5"
    kind = POSITIVE


class Batch(_Whole):
    """How many examples a step looks at."""

    name = "batch"
    is_required = True
    example = "batch 64"
    kind = POSITIVE


class Seed(_Whole):
    """What all random numbers follow from."""

    name = "seed"
    example = "seed 0"
    kind = whole(0)


class Clip(Number[float]):
    """The largest 2-norm of the whole gradient."""

    name = "clip"
    example = "clip 5"
    kind = POSITIVE_REAL

    def convert(self, number: object) -> float:
        """As a real number."""
        assert isinstance(number, int | float)
        return float(number)


class Split(Setting[float]):
    """The share of the examples that is held out of training."""

    name = "split"
    example = "split validation=0.1"
    arguments = (
        Argument(
            "validation",
            real("a share above 0 and below 1", lambda x: 0 < x < 1),
            doc="the share that is held out",
        ),
    )

    def read(self, line: syntax.Setting, section: Section) -> float:
        """The share of `split validation=share`."""
        call = syntax.Apply(line.name, line.arguments, line.span, line.name_span)
        values, _ = section.arguments(call, self.arguments)
        share = values["validation"]
        assert isinstance(share, float)
        return share
