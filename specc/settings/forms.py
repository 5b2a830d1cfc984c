"""The forms that a line of a `train` section can have: a number, or a word with arguments."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from specc import syntax
from specc.evaluate import EvaluationError, fail
from specc.settings.base import OpenChoice, Setting, T_co
from specc.settings.registry import choices
from specc.settings.section import Section
from specc.signature import Kind
from specc.source import Span
from specc.suggest import did_you_mean
from specc.values import known_values, show


class Number(Setting[T_co]):
    """A setting that is one number: `epochs 5`."""

    kind: ClassVar[Kind]

    def read(self, line: syntax.Setting, section: Section) -> T_co:
        """The number, of this kind."""
        given = only_value(line, self.example)
        value = section.value(given)
        if not self.kind.accepts(value):
            message = f"`{self.name}` needs {self.kind.what}, gets `{show(value)}`"
            raise fail("E0205", message, given.span, "this is not")
        return self.convert(known_values(value.plain))

    @abstractmethod
    def convert(self, number: object) -> T_co:
        """The number as the training holds it."""


class Choosing(Setting[T_co]):
    """A setting that is one of several words.

    `noun` is what such a word is called; `unbuilt` are words of the language that this version
    does not have.
    """

    noun: ClassVar[str]
    plural: ClassVar[str]
    unbuilt: ClassVar[tuple[str, ...]] = ()

    def read(self, line: syntax.Setting, section: Section) -> T_co:
        """What the word and its arguments say."""
        return self.choose(only_value(line, self.example), section)

    def choose(self, value: syntax.Expression, section: Section) -> T_co:
        """What one word says."""
        call = self._call(value, section)
        known: Mapping[str, OpenChoice[T_co]] = choices(self.name)
        if call.name in known:
            return known[call.name].read(call, section)
        if call.name in self.unbuilt:
            raise unbuilt(f"the {self.noun} `{call.name}`", call.name_span)
        raise self._unknown(call, tuple(known))

    def _call(self, value: syntax.Expression, section: Section) -> syntax.Apply:
        if isinstance(value, syntax.Apply):
            return value
        if isinstance(value, syntax.Name):
            return syntax.Apply(value.id, (), value.span, value.span)
        shown = show(section.value(value))
        raise fail(
            "E0505",
            f"`{self.name}` needs a word, gets `{shown}`",
            value.span,
            f"no {self.noun}",
            note=f"such as `{self.example}`",
        )

    def _unknown(self, call: syntax.Apply, known: tuple[str, ...]) -> EvaluationError:
        return fail(
            "E0506",
            f"there is no {self.noun} `{call.name}`",
            call.name_span,
            "unknown",
            note=f"the {self.plural}: " + ", ".join(f"`{name}`" for name in known),
            help=did_you_mean(call.name, known),
        )


def only_value(line: syntax.Setting, example: str) -> syntax.Expression:
    """The single value of a line; raises E0505 where there are none, several or a named one."""
    first, *more = line.arguments or (None,)
    if first is None:
        message, span, label = f"`{line.name}` needs a value", line.name_span, "none follows"
    elif first.name is not None:
        message = f"`{line.name}` takes no argument `{first.name}`"
        span, label = first.name_span or first.span, "its value has no name"
    elif more:
        message = f"`{line.name}` needs one value, gets {len(line.arguments)}"
        span, label = more[0].span.to(more[-1].span), "too many"
    else:
        return first.value
    raise fail("E0505", message, span, label, note=f"such as `{example}`")


def unbuilt(what: str, span: Span, help: str = "") -> EvaluationError:
    """The error of a part of the language that this version does not have."""
    label = "this version does not have it"
    return fail("E0501", f"{what} is not built yet", span, label, help=help)
