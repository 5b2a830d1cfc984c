"""The setting `data`: where examples come from, and what every source has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from specc.settings.base import Choice, Use
from specc.settings.fit import refuse_padded
from specc.settings.forms import Choosing


@dataclass(frozen=True, slots=True)
class Data:
    """A data source as chosen.

    Attributes:
        source: the word of the spec.
        template: the template of its reader, and `context` what it is rendered with.
        folder: of its files, relative to the spec, in posix form; `None` where data are made up.
        has_test: whether it gives a test part of its own.
    """

    source: str
    template: str
    context: Mapping[str, object]
    folder: str | None
    has_test: bool


class DataSetting(Choosing[Data]):
    """Where examples come from."""

    name = "data"
    is_required = True
    example = 'data mnist("data/mnist")'
    noun = "data source"
    plural = "data sources"
    unbuilt = ("digits", "images", "reviews", "series", "sines", "text")


class Source(Choice[Data]):
    """A data source; its template is `templates/<target>/data/<template>.py.j2`."""

    setting = "data"

    def make(self, use: Use) -> Data:
        """What it reads, once the net can take it."""
        refuse_padded(use)
        return self.source(use)

    @abstractmethod
    def source(self, use: Use) -> Data:
        """What it reads; raises `use.fail(…)` where its fields do not fit the net."""
