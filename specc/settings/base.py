"""What a setting of a `train` section has to say about itself.

A `Setting` is a line: `epochs 5`, `optimizer adam(lr=0.002)`. Where its value is a word with
arguments, each such word is a `Choice`. Both are found by `specc.settings.registry`: a subclass
in a module of this package is all that it takes to add one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError
from specc.settings.section import Section
from specc.signature import Argument
from specc.source import Span

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Use:
    """A choice at its place: its arguments, checked and with defaults, and the section around.

    `values` are plain Python values; `spans` has the arguments that are written.
    """

    section: Section
    choice: str
    span: Span
    values: Mapping[str, object]
    spans: Mapping[str, Span]

    def number(self, name: str) -> float:
        """The argument of this name, a number."""
        value = self.values[name]
        assert isinstance(value, int | float)
        return value

    def text(self, name: str) -> str:
        """The argument of this name, a string."""
        value = self.values[name]
        assert isinstance(value, str)
        return value

    def place(self, name: str) -> Span:
        """Where an argument is written; the whole use where it is not."""
        return self.spans.get(name, self.span)

    def fail(
        self,
        code: str,
        message: str,
        label: str,
        *,
        at: str = "",
        cause: Label | None = None,
        note: str = "",
        help: str = "",
    ) -> EvaluationError:
        """The exception to raise for a problem under argument `at`, or under the whole use."""
        primary = Label(self.place(at), label)
        return EvaluationError(Diagnostic(code, message, primary, cause, note, help))


class Setting(ABC, Generic[T_co]):
    """A line of a `train` section.

    Attributes:
        name: the word it begins with.
        is_required: whether a section has to have it.
        example: a line that works, for messages.
    """

    name: ClassVar[str]
    is_required: ClassVar[bool] = False
    example: ClassVar[str]

    @abstractmethod
    def read(self, line: syntax.Setting, section: Section) -> T_co:
        """What the line says; raises `EvaluationError`, or `Rejected` after reporting."""


class OpenChoice(ABC, Generic[T_co]):
    """A word that a setting may be, with whatever follows it.

    Attributes:
        setting: the setting it belongs to.
        name: the word.
    """

    setting: ClassVar[str]
    name: ClassVar[str]

    @abstractmethod
    def read(self, call: syntax.Apply, section: Section) -> T_co:
        """What the word and its arguments say; raises `EvaluationError` or `Rejected`."""


class Choice(OpenChoice[T_co]):
    """A word with a signature: `adam(lr=0.002)`; `arguments` are in order."""

    arguments: ClassVar[tuple[Argument, ...]] = ()

    def read(self, call: syntax.Apply, section: Section) -> T_co:
        """What `make` makes of the arguments, once they are checked."""
        values, spans = section.arguments(call, self.arguments)
        return self.make(Use(section, self.name, call.span, values, spans))

    @abstractmethod
    def make(self, use: Use) -> T_co:
        """What it says, checked against the net; raises `use.fail(…)`."""
