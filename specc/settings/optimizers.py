"""The setting `optimizer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from specc.settings.base import Choice, Use
from specc.settings.forms import Choosing
from specc.signature import POSITIVE_REAL, RATE, Argument
from specc.source import Span


@dataclass(frozen=True, slots=True)
class Update:
    """An optimizer as chosen.

    Attributes:
        name: the word of the spec.
        kernel: its class in the code.
        template: the template of that class, and `context` what it is rendered with.
        rate: the learning rate; `None` where only the schedule has one.
        span: where it is written; `rate_span` the rate, where that is written.
    """

    name: str
    kernel: str
    template: str
    context: Mapping[str, float]
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
    unbuilt = ("adadelta", "adagrad", "nesterov", "rmsprop")


class _Optimizer(Choice[Update]):
    """An optimizer whose arguments are numbers, `lr` the first of them."""

    setting = "optimizer"
    kernel: ClassVar[str]

    def make(self, use: Use) -> Update:
        """Its constants; whether it needs a rate is seen with the schedule."""
        constants = {a.name: float(use.number(a.name)) for a in self.arguments[1:]}
        rate = None if use.values["lr"] is None else float(use.number("lr"))
        template = f"train/{self.name}.py.j2"
        given = use.spans.get("lr")
        return Update(self.name, self.kernel, template, constants, rate, use.span, given)


LR = Argument(
    "lr", POSITIVE_REAL, None, "the learning rate; needed unless the schedule begins at epoch 0"
)


class SGD(_Optimizer):
    """Gradient descent: w = w − η g."""

    name = "sgd"
    kernel = "SGD"
    arguments = (LR,)


class Momentum(_Optimizer):
    """Gradient descent with momentum, as in PyTorch: v = γ v + g, w = w − η v."""

    name = "momentum"
    kernel = "Momentum"
    arguments = (LR, Argument("gamma", RATE, 0.9, "how much of the last step stays"))


class Adam(_Optimizer):
    """Adam (Kingma and Ba 2015), with bias correction."""

    name = "adam"
    kernel = "Adam"
    arguments = (
        Argument("lr", POSITIVE_REAL, 0.001, "the learning rate"),
        Argument("beta1", RATE, 0.9, "decay of the mean of gradients"),
        Argument("beta2", RATE, 0.999, "decay of the mean of squares"),
        Argument("eps", POSITIVE_REAL, 1e-8, "keeps the divisor from zero"),
    )
