"""The setting `data`: where examples come from, and what every source has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from specc.settings.base import Choice, Use
from specc.settings.fit import refuse_padded
from specc.settings.forms import Choosing


@dataclass(frozen=True, slots=True)
class Words:
    """What a source that reads a text has besides arrays: a vocabulary, and perhaps more.

    Attributes:
        sampling: how one long text is cut, "random" or "adjacent"; `None` for separate texts.
        level: what a net can write, "char" or "word"; `None` where it cannot.
        vectors: whether embeddings begin with those of a file.
    """

    sampling: str | None = None
    level: str | None = None
    vectors: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A data source as chosen.

    Attributes:
        source: the word of the spec.
        template: the template of its reader, and `context` what it is rendered with.
        folder: of its files, relative to the spec, in posix form; `None` where data are made up.
        has_test: whether it gives a test part of its own.
        overlaps: whether examples share numbers, so that none can be held out at random.
        words: what it has besides arrays where it reads a text; `None` where it reads none.
    """

    source: str
    template: str
    context: Mapping[str, object]
    folder: str | None
    has_test: bool
    overlaps: bool = False
    words: Words | None = None


class DataSetting(Choosing[Data]):
    """Where examples come from."""

    name = "data"
    is_required = True
    example = 'data mnist("data/mnist")'
    noun = "data source"
    plural = "data sources"
    unbuilt = ("digits", "images")


class Source(Choice[Data]):
    """A data source; its template is `templates/<target>/data/<template>.py.j2`.

    `gives_lengths`: whether it knows how long each of the sequences is that it pads.
    """

    setting = "data"
    gives_lengths: ClassVar[bool] = False

    def make(self, use: Use) -> Data:
        """What it reads, once the net can take it."""
        data = self.source(use)
        if not self.gives_lengths:
            refuse_padded(use)
        return data

    @abstractmethod
    def source(self, use: Use) -> Data:
        """What it reads; raises `use.fail(…)` where its fields do not fit the net."""
