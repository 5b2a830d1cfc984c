"""What is compared between two sides: every quantity as arrays by name, and its bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from specc.verification.batches import Batch
from specc.verification.comparison import Arrays, Check, Precision, errors, largest
from specc.verification.side import Side, Step, Subject

OUTPUT = "output in evaluation"
TRAINED_OUTPUT = "output in training"
LOSS = "loss"
GRADIENTS = "gradients of parameters"
INPUT_GRADIENTS = "gradients of inputs"
BUFFERS = "buffers"
WEIGHTS = "weights after steps"

_LINEAR = ("sgd", "momentum", "nesterov")
"""Optimizers whose steps are linear in the gradient; others magnify its rounding errors."""

Quantities = dict[str, Arrays]


def observe(side: Side, subject: Subject, batches: Sequence[Batch], start: Arrays) -> Quantities:
    """All that one side computes, from the same weights.

    A step on the first batch, evaluation on the second with the buffers that the step
    left, and then from the start again a step of the optimizer on every batch after these.
    """
    side.set_numbers(start)
    first, second, *rest = batches
    if not subject.shaped.losses:
        trained = side.run(first)
        return {TRAINED_OUTPUT: trained, OUTPUT: side.evaluate(second)}
    step = side.step(first)
    found = _of_step(step, subject)
    found[OUTPUT] = side.evaluate(second)
    found[LOSS] = {"training": _scalar(step.loss), "evaluation": _scalar(side.loss(second))}
    if step.gradients and _allows_steps(subject, side.precision):
        found[WEIGHTS] = _after_steps(side, subject, rest, start)
    return found


def _of_step(step: Step, subject: Subject) -> Quantities:
    inputs = [tensor.name for tensor in subject.differentiable_inputs]
    found = {
        TRAINED_OUTPUT: step.outputs,
        GRADIENTS: step.gradients,
        INPUT_GRADIENTS: {name: step.inputs[name] for name in inputs},
        BUFFERS: step.buffers,
    }
    return {quantity: arrays for quantity, arrays in found.items() if arrays}


def _scalar(number: float) -> Any:
    return np.asarray(number)


def _is_adaptive(subject: Subject) -> bool:
    return subject.training is not None and subject.training.optimizer.name not in _LINEAR


def _allows_steps(subject: Subject, precision: Precision) -> bool:
    return precision is Precision.DOUBLE or not _is_adaptive(subject)


def _after_steps(side: Side, subject: Subject, batches: Sequence[Batch], start: Arrays) -> Arrays:
    """Parameters and buffers after a step on each batch.

    Where states can be carried on from batch to batch, they are. An adaptive optimizer makes whole
    steps of a gradient that is nothing but rounding errors; such gradients are set to zero first.
    """
    side.set_numbers(start)
    side.carry_state(True)
    for number, batch in enumerate(batches, start=1):
        step = side.step(batch, number)
        if _is_adaptive(subject):
            side.silence(_noise(step.gradients, side.precision))
        side.update()
    side.carry_state(False)
    return side.numbers()


def compare(found: Quantities, wanted: Quantities, precision: Precision, side: str) -> list[Check]:
    """A check for each quantity."""
    checks = []
    for quantity, reference in wanted.items():
        bound = precision.step_bound if quantity == WEIGHTS else precision.bound
        kind = wanted.get(GRADIENTS) if quantity == INPUT_GRADIENTS else None
        off = errors(found[quantity], reference, precision.floor(kind or reference))
        checks.append(Check(quantity, precision, side, bound, off))
    return [check for check in checks if check.errors]


def _noise(gradients: Arrays, precision: Precision) -> set[str]:
    """The parameters whose gradient is nothing but rounding errors: its parts cancel."""
    floor = precision.floor(gradients)
    return {name for name, gradient in gradients.items() if largest({name: gradient}) < floor}
