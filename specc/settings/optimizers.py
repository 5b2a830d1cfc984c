"""The setting `optimizer`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from specc import syntax
from specc.settings.base import Choice, OpenChoice, Use
from specc.settings.forms import Choosing
from specc.settings.registry import choices
from specc.settings.section import Section
from specc.signature import POSITIVE_REAL, RATE, Argument
from specc.source import Span
from specc.suggest import closest


@dataclass(frozen=True, slots=True)
class Update:
    """An optimizer as chosen.

    Attributes:
        name: the word of the spec.
        kernel: its class in the code.
        template: the template of that class, and `context` what it is rendered with.
        keeps: the names of what it keeps from step to step, by target, as checkpoints have them.
        rate: the learning rate; `None` where only the schedule has one.
        span: where it is written; `rate_span` the rate, where that is written.
    """

    name: str
    kernel: str
    template: str
    context: Mapping[str, float]
    keeps: Mapping[str, frozenset[str]]
    rate: float | None
    span: Span
    rate_span: Span | None


class Optimizer(Choosing[Update]):
    """How parameters follow their gradients."""

    name = "optimizer"
    is_required = True
    example = "optimizer adam(lr=0.002)"
    noun = "optimizer"
    plural = "optimizers"
    unbuilt = ("adadelta", "nesterov", "rmsprop")


def as_argument(line: syntax.Setting, section: Section) -> str:
    """The help for a line such as `lr 0.1`, which is an argument of the optimizer."""
    values = [a.value for s in section.train.settings if s.name == "optimizer" for a in s.arguments]
    if len(values) > 1 or len(line.arguments) != 1 or line.arguments[0].name is not None:
        return ""
    chosen = values[0] if values else None
    given = chosen.arguments if isinstance(chosen, syntax.Apply) else ()
    name = chosen.name if isinstance(chosen, syntax.Apply) else "sgd"
    name = chosen.id if isinstance(chosen, syntax.Name) else name
    optimizer: OpenChoice[Update] | None = choices("optimizer").get(name)
    known = [a.name for a in optimizer.arguments] if isinstance(optimizer, _Optimizer) else []
    argument = closest(line.name, known)
    if argument is None or any(a.name in (None, argument) for a in given):
        return ""
    written = [a.span.text for a in given] + [f"{argument}={line.arguments[0].value.span.text}"]
    call = f"{name}({', '.join(written)})"
    return f"`{argument}` is an argument of the optimizer: `optimizer {call}`"


def _keeps(numpy: Iterable[str], pytorch: Iterable[str]) -> Mapping[str, frozenset[str]]:
    return {"numpy": frozenset(numpy), "pytorch": frozenset(pytorch)}


class _Optimizer(Choice[Update]):
    """An optimizer whose arguments are numbers, `lr` the first of them."""

    setting = "optimizer"
    kernel: ClassVar[str]
    keeps: ClassVar[Mapping[str, frozenset[str]]]

    def make(self, use: Use) -> Update:
        """Its constants; whether it needs a rate is seen with the schedule."""
        constants = {a.name: float(use.number(a.name)) for a in self.arguments[1:]}
        rate = None if use.values["lr"] is None else float(use.number("lr"))
        template = f"train/{self.name}.py.j2"
        given = use.spans.get("lr")
        code = self.name, self.kernel, template, constants, self.keeps
        return Update(*code, rate, use.span, given)


LR = Argument(
    "lr", POSITIVE_REAL, None, "the learning rate; needed unless the schedule begins at epoch 0"
)


class SGD(_Optimizer):
    """Gradient descent: w = w − η g."""

    name = "sgd"
    kernel = "SGD"
    keeps = _keeps((), ())
    arguments = (LR,)


class Momentum(_Optimizer):
    """Gradient descent with momentum, as in PyTorch: v = γ v + g, w = w − η v."""

    name = "momentum"
    kernel = "Momentum"
    keeps = _keeps(("momentum.v",), ("momentum_buffer",))
    arguments = (LR, Argument("gamma", RATE, 0.9, "how much of the last step stays"))

    def make(self, use: Use) -> Update:
        """As for every optimizer; PyTorch keeps nothing where nothing of the last step stays."""
        update = super().make(use)
        return (
            update
            if update.context["gamma"]
            else replace(update, keeps=_keeps(("momentum.v",), ()))
        )


class Adagrad(_Optimizer):
    """Adagrad (Duchi et al. 2011), as in PyTorch: s = s + g², w = w − η g / (√s + ε)."""

    name = "adagrad"
    kernel = "Adagrad"
    keeps = _keeps(("adagrad.s",), ("step", "sum"))
    arguments = (
        Argument("lr", POSITIVE_REAL, 0.01, "the learning rate"),
        Argument("eps", POSITIVE_REAL, 1e-10, "keeps the divisor from zero"),
    )


class Adam(_Optimizer):
    """Adam (Kingma and Ba 2015), with bias correction."""

    name = "adam"
    kernel = "Adam"
    keeps = _keeps(("adam.m", "adam.v", "adam.weights"), ("step", "exp_avg", "exp_avg_sq"))
    arguments = (
        Argument("lr", POSITIVE_REAL, 0.001, "the learning rate"),
        Argument("beta1", RATE, 0.9, "decay of the mean of gradients"),
        Argument("beta2", RATE, 0.999, "decay of the mean of squares"),
        Argument("eps", POSITIVE_REAL, 1e-8, "keeps the divisor from zero"),
    )
