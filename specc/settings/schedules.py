"""The setting `schedule`, and what the learning rate is at each epoch."""

from __future__ import annotations

from dataclasses import dataclass

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError, fail
from specc.settings.base import Choice, OpenChoice, Use
from specc.settings.forms import Choosing
from specc.settings.optimizers import Update
from specc.settings.section import Section
from specc.signature import is_integer, is_real
from specc.source import Span
from specc.values import Value, show


@dataclass(frozen=True, slots=True)
class Pieces:
    """Learning rates: each `(epoch, rate)` holds from its epoch on, counted from 0.

    `span` is where the schedule is written, `spans` where each piece is.
    """

    rates: tuple[tuple[int, float], ...]
    span: Span
    spans: tuple[Span, ...]


class Schedule(Choosing[Pieces | None]):
    """How the learning rate changes from epoch to epoch."""

    name = "schedule"
    example = "schedule piecewise([3, 0.001], [4, 0.0005])"
    noun = "schedule"
    plural = "schedules"
    unbuilt = ("cosine", "exponential", "step", "warmup")


class Constant(Choice[Pieces | None]):
    """The optimizer's rate throughout; the same as no schedule."""

    setting = "schedule"
    name = "constant"

    def make(self, use: Use) -> Pieces | None:
        """Nothing changes."""
        return None


class Piecewise(OpenChoice[Pieces | None]):
    """`piecewise([epoch, lr], …)`: a new rate from each epoch on.

    Epochs count from 0; before the first piece the optimizer's rate holds.
    """

    setting = "schedule"
    name = "piecewise"

    def read(self, call: syntax.Apply, section: Section) -> Pieces | None:
        """The pieces: any number of pairs."""
        if not call.arguments:
            raise _bad_piece("`piecewise` needs a piece `[epoch, lr]`", call.span, "none is here")
        for argument in call.arguments:
            if argument.name is not None:
                message = f"`piecewise` has no argument `{argument.name}`"
                span = argument.name_span or argument.span
                raise fail("E0201", message, span, "its pieces have no names")
        given = [argument.value for argument in call.arguments]
        rates = tuple(_piece(section.value(item), item.span) for item in given)
        spans = tuple(item.span for item in given)
        for (before, _), (after, _), span in zip(rates[:-1], rates[1:], spans[1:], strict=True):
            if after <= before:
                message = "the epochs of `piecewise` have to rise"
                raise _bad_piece(message, span, f"epoch {after} does not follow epoch {before}")
        return Pieces(rates, call.span, spans)


def _piece(value: Value, span: Span) -> tuple[int, float]:
    items = value.plain if isinstance(value.plain, tuple) else ()
    if len(items) != 2 or not is_integer(items[0]) or not is_real(items[1]):
        message = f"`piecewise` needs pieces `[epoch, lr]`, gets `{show(value)}`"
        raise _bad_piece(message, span, "needs a whole number and a rate")
    epoch, rate = items[0].number, items[1].plain
    assert isinstance(rate, int | float)
    if epoch < 0 or rate <= 0:
        message = "a piece needs an epoch of at least 0 and a rate above 0"
        raise _bad_piece(message, span, f"this is epoch {epoch} and rate {rate}")
    return epoch, float(rate)


def _bad_piece(message: str, span: Span, label: str) -> EvaluationError:
    return fail("E0519", message, span, label, note="such as `piecewise([3, 0.001], [4, 0.0005])`")


def rates(
    optimizer: Update, schedule: Pieces | None, epochs: int, section: Section
) -> tuple[tuple[int, float], ...]:
    """The learning rates by the epoch from which they hold, the first from epoch 0.

    Raises `EvaluationError` where epoch 0 has no rate (E0204) or two (E0520); warns (W0502)
    of pieces that never come.
    """
    pieces = schedule.rates if schedule is not None else ()
    if schedule is not None:
        _warn_late(schedule, epochs, section)
    if pieces and pieces[0][0] == 0:
        _need_one_rate(optimizer, schedule, pieces[0][1])
        return pieces
    if optimizer.rate is None:
        message = f"`{optimizer.name}` needs the argument `lr`"
        note = f"`schedule` gives a rate only from epoch {pieces[0][0]} on" if pieces else ""
        raise fail("E0204", message, optimizer.span, "missing here", note)
    return ((0, optimizer.rate), *pieces)


def _need_one_rate(optimizer: Update, schedule: Pieces | None, first: float) -> None:
    if schedule is None or optimizer.rate_span is None or optimizer.rate == first:
        return
    raise EvaluationError(
        Diagnostic(
            "E0520",
            "the learning rate of epoch 0 is given twice",
            Label(optimizer.rate_span, f"the optimizer says {optimizer.rate}"),
            Label(schedule.spans[0], f"the schedule says {first}"),
            help="remove `lr` from the optimizer: the schedule gives every epoch's rate",
        )
    )


def _warn_late(schedule: Pieces, epochs: int, section: Section) -> None:
    for (epoch, _), span in zip(schedule.rates, schedule.spans, strict=True):
        if epoch >= epochs:
            section.report(
                Diagnostic(
                    "W0502",
                    f"this piece of the schedule never comes: `epochs` is {epochs}",
                    Label(span, f"begins at epoch {epoch}"),
                    note=f"epochs count from 0, so the last is {epochs - 1}",
                )
            )
            return
