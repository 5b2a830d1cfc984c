"""The setting `metric`: what is told about a net after every epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from specc import syntax
from specc.applied import LENGTHS
from specc.checking.lengths import known_lengths
from specc.diagnostics import Label
from specc.evaluate import EvaluationError, fail
from specc.graph import Layer, Tensor
from specc.ops.base import LossOp
from specc.settings.base import Choice, OpenChoice, Use
from specc.settings.fit import Field
from specc.settings.forms import Choosing, unbuilt
from specc.settings.registry import choices
from specc.settings.section import Section
from specc.signature import Argument, Kind
from specc.source import Span
from specc.suggest import did_you_mean
from specc.types import Content, TensorType
from specc.values import Value


@dataclass(frozen=True, slots=True)
class Score:
    """A metric as chosen.

    Attributes:
        name: the word of the spec; `loss` where the spec names no metric.
        form: how `accuracy` reads an output: "classes", the largest of several along `axis`
            of the public array, or "binary", above 0.
        output: the output's position, `None` where the net has one.
        target: the target's name in the code, `None` for the loss.
        lengths: the name of the input with the lengths, where predictions are padded.
        span: where it is written, `None` for the loss.
    """

    name: str
    form: str | None = None
    axis: int | None = None
    output: int | None = None
    target: str | None = None
    lengths: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """An output and the target that it is compared with, by a loss or else by their shapes."""

    position: int
    output: TensorType
    target: Field
    loss: Layer | None


class Metric(Choosing[tuple[Score, ...]]):
    """What is told about a net after every epoch; several are separated by commas."""

    name = "metric"
    example = "metric accuracy"
    noun = "metric"
    plural = "metrics"

    def read(self, line: syntax.Setting, section: Section) -> tuple[Score, ...]:
        """One score a word."""
        if not line.arguments or any(a.name is not None for a in line.arguments):
            return super().read(line, section)  # which says what is wrong
        scores: dict[str, Score] = {}
        for argument in line.arguments:
            (score,) = self.choose(argument.value, section)
            known = scores.setdefault(score.name, score)
            if known is not score:
                raise _repeated(known, score, argument.span)
        return tuple(scores.values())


def _repeated(first: Score, second: Score, span: Span) -> EvaluationError:
    if first.target != second.target:
        return unbuilt(f"`{first.name}` of several targets", span)
    return fail(
        "E0503", f"the metric `{first.name}` is given twice", span, "again", help="remove it"
    )


TARGET = Argument(
    "target",
    Kind(
        "the name of a target", lambda v: v.plain is None or isinstance(v.plain, str), tensor=True
    ),
    None,
    "which target; needed only where several fit",
)


class _Metric(Choice[tuple[Score, ...]]):
    """A metric that compares an output with a target."""

    setting = "metric"
    arguments = (TARGET,)

    def make(self, use: Use) -> tuple[Score, ...]:
        """The output and target that it fits."""
        found = list(pairs_of(use))
        matches = [pair for pair in found if self.misfit(pair) is None]
        if len(matches) > 1:
            raise _several(use, matches)
        if not matches:
            raise self._none(use, found)
        (pair,) = matches
        form, axis = self.form(pair)
        lengths = _lengths(use, pair) if form == "classes" else None
        is_masked = pair.loss is not None and bool(pair.loss.given)
        if is_masked or (_padding(pair) and not lengths):
            what = "padding" if _padding(pair) else "the mask of a loss"
            raise unbuilt(f"`{self.name}` under {what}", use.span)
        position = pair.position if len(use.section.shaped.outputs) > 1 else None
        target = pair.target.tensor.name
        return (Score(self.name, form, axis, position, target, lengths, use.span),)

    @abstractmethod
    def misfit(self, pair: Pair) -> str | None:
        """What is in the way, in words; `None` if it fits."""

    def form(self, pair: Pair) -> tuple[str | None, int | None]:
        """The form, and the axis of the classes."""
        return None, None

    def _none(self, use: Use, found: list[Pair]) -> EvaluationError:
        shaped = use.section.shaped
        if not found:
            message = (
                f"`{self.name}` compares an output with a target, `{shaped.net.name}` has none"
            )
            return use.fail("E0521", message, "nothing to compare")
        problem = self.misfit(found[0])
        return use.fail(
            "E0521",
            f"`{self.name}` {problem}",
            "does not fit",
            cause=found[0].target.label,
            help=fitting(found),
        )


def fitting(pairs: Sequence[Pair]) -> str:
    """The help that names a metric for one of these pairs; empty if there is none."""
    known: Mapping[str, OpenChoice[object]] = choices(_Metric.setting)
    others = [m for m in known.values() if isinstance(m, _Metric)]
    other = next((m for m in others if any(m.misfit(p) is None for p in pairs)), None)
    return f"`{other.name}` fits" if other is not None else ""


class Accuracy(_Metric):
    """The share of labels that are right."""

    name = "accuracy"

    def misfit(self, pair: Pair) -> str | None:
        """Needs labels and a score for each, or a loss that decides by the sign of one number."""
        if _is_binary(pair) or _is_choice(pair):
            return None
        if pair.target.type.content is Content.LABEL:
            return f"cannot read the labels off {pair.output.declaration}"
        return f"needs labels, `{pair.target.name}` is {pair.target.type.declaration}"

    def form(self, pair: Pair) -> tuple[str | None, int | None]:
        """The sign where that decides, else the largest along the axis of the classes."""
        if _is_binary(pair):
            return "binary", None
        return "classes", -1 if pair.output.rank == 2 else 1


class MeanAbsoluteError(_Metric):
    """The mean of |output − target|."""

    name = "mae"

    def misfit(self, pair: Pair) -> str | None:
        """Needs real numbers of one shape."""
        if pair.target.type.content is not Content.REAL:
            return f"needs a real target, `{pair.target.name}` is {pair.target.type.declaration}"
        if pair.output.content is not Content.REAL or pair.output.shape != pair.target.type.shape:
            shown = pair.output.declaration
            return f"compares {shown} with {pair.target.type.declaration}"
        return None


class RootMeanSquaredError(MeanAbsoluteError):
    """The root of the mean of (output − target)²."""

    name = "rmse"


def _is_choice(pair: Pair) -> bool:
    """Whether there is a score for each label, a label for each vector, step or pixel."""
    output, target = pair.output, pair.target.type
    if target.content is not Content.LABEL or output.content is not Content.REAL:
        return False
    places = output.shape[1:] if output.is_image else output.shape[:-1]
    return output.rank in (1, 2, 3) and places == target.shape and output.features == target.classes


def _is_binary(pair: Pair) -> bool:
    """Whether the sign of each number of the output decides."""
    loss = pair.loss.op if pair.loss is not None else None
    if not (isinstance(loss, LossOp) and loss.is_decided_by_sign):
        return False
    if pair.target.type.content is Content.REAL:
        return pair.output.shape == pair.target.type.shape
    return pair.output.features.plain == 1 and pair.target.type.classes == Value(2, 2)


def pairs_of(use: Use) -> Iterator[Pair]:
    """The outputs with the targets that losses compare them with; without any, all with all."""
    shaped = use.section.shaped
    wanted = _targets(use)
    linked = [
        Pair(position, output.type, field, loss)
        for position, output in enumerate(shaped.outputs)
        for loss in shaped.losses
        for field in wanted
        if loss.inputs[0] is output and loss.inputs[1] is field.tensor
    ]
    if linked:
        yield from linked
        return
    for position, output in enumerate(shaped.outputs):
        yield from (Pair(position, output.type, field, None) for field in wanted)


def _targets(use: Use) -> list[Field]:
    targets: dict[str, Tensor] = dict(use.section.shaped.targets)
    name = use.values.get("target")
    if name is None:
        return [Field(name, tensor, "target") for name, tensor in targets.items()]
    if name in targets:
        return [Field(str(name), targets[str(name)], "target")]
    raise use.fail(
        "E0521",
        f"there is no target `{name}`",
        "unknown",
        at="target",
        note="the targets: " + (", ".join(f"`{t}`" for t in targets) or "none"),
        help=did_you_mean(str(name), targets),
    )


def _several(use: Use, fitting: list[Pair]) -> EvaluationError:
    names = list(dict.fromkeys(pair.target.name for pair in fitting))
    help_ = f"say which: `{use.choice}(target={names[0]})`" if len(names) == len(fitting) else ""
    second = fitting[1].target
    cause = Label(second.tensor.span, "and this one")
    return use.fail(
        "E0521",
        f"`{use.choice}` fits several targets",
        "which is meant?",
        cause=cause,
        note="these fit: " + ", ".join(f"`{n}`" for n in names),
        help=help_,
    )


def _lengths(use: Use, pair: Pair) -> str | None:
    """The name of the input with the lengths of the steps compared; `None` if there are none."""
    padded = _padding(pair)
    return known_lengths(use.section.shaped.function.inputs)[padded].name if padded else None


def _padding(pair: Pair) -> str:
    """The lengths that the loss respects, or else those of the output; empty without padding."""
    if pair.loss is not None and pair.loss.is_padded:
        return pair.loss.named[LENGTHS].type.padded
    return pair.output.padded
