"""Verify: compile a network for every target, run the files, and compare what they compute.

The same weights, examples and dropout masks go into the NumPy and the PyTorch file, in float64
and in float32; the NumPy backward pass is also held against finite differences.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from specc.check import ShapedModel
from specc.diagnostics import Diagnostic, Diagnostics
from specc.emit import emit, fingerprint
from specc.graph import count_parameters
from specc.options import Options
from specc.places import places
from specc.targets.registry import targets
from specc.training import train_settings
from specc.verification.batches import Batch, draw_batch
from specc.verification.comparison import Arrays, Check, Precision, errors
from specc.verification.diagnosis import Comparison, Difference, crash, of_check, of_names
from specc.verification.differences import BOUND, directional_errors
from specc.verification.numpy_side import NumpySide
from specc.verification.quantities import BUFFERS, compare, observe
from specc.verification.side import Side, Subject
from specc.verification.sizes import choose_sizes, need_examples
from specc.verification.torch_side import TorchSide

PRUNED_BOUND = 1e-12
"""Leaving out the gradients of inputs changes no other gradient but for rounding."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    `steps` of the optimizer follow one another; `sizes` are numbers for free sizes.
    """

    batch: int = 4
    steps: int = 5
    directions: int = 5
    seed: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """What came out.

    Attributes:
        net: the network, `parameters` how many numbers it learns.
        fingerprint: of the spec and the options, as the generated files have it.
        options, plan: what was compiled and run; all free sizes are filled in.
        optimizer: whose steps were taken, in words.
        checks: every comparison.
        failure: the first tensor that differs, at its place; `None` if all agree.
    """

    net: str
    parameters: int
    fingerprint: str
    options: Options
    plan: Plan
    optimizer: str
    checks: tuple[Check, ...]
    failure: Diagnostic | None

    @property
    def passed(self) -> bool:
        """Whether all agree."""
        return self.failure is None


def verify(
    shaped: ShapedModel, options: Options, plan: Plan, diagnostics: Diagnostics
) -> Verification:
    """Compile the network for all targets, run and compare.

    Raises:
        CompileError: if it cannot be compiled.
        SizeError: if `plan.sizes` or `plan.batch` do not fit the network.
    """
    training = train_settings(shaped, diagnostics, options.train)
    diagnostics.raise_errors()
    found = places(shaped)
    plan = replace(plan, sizes=choose_sizes(shaped, found.values(), plan.sizes))
    need_examples(found.values(), plan.sizes, plan.batch)
    subject = Subject(shaped, found, training)
    texts = _compile(shaped, options, diagnostics)
    with _quiet():
        run = _Run(subject, plan, texts)
        difference = run.difference()
    return Verification(
        net=shaped.net.name,
        parameters=count_parameters(shaped.function),
        fingerprint=fingerprint(shaped, options),
        options=options,
        plan=plan,
        optimizer=training.optimizer.name if training else "plain gradient descent",
        checks=tuple(run.checks),
        failure=difference.diagnostic(subject) if difference else None,
    )


def _compile(shaped: ShapedModel, options: Options, diagnostics: Diagnostics) -> dict[str, str]:
    """The files to compare: by target, in every form of its backward pass, and a pruned one."""
    whole = replace(options, input_gradients=True)
    wanted = {"numpy": whole, "numpy_pruned": options}
    for form in targets()["pytorch"].backward:
        name = "pytorch" if form == "autograd" else f"pytorch_{form}"
        wanted[name] = replace(whole, target="pytorch", backward=form)
    return {n: emit(shaped, o, Path(f"{n}.py"), diagnostics) for n, o in wanted.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing warn of what the comparison will show, such as an overflow, or what is meant."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
        yield


class _Run:
    """Runs the files of one network."""

    def __init__(self, subject: Subject, plan: Plan, texts: Mapping[str, str]) -> None:
        self.subject = subject
        self.plan = plan
        self.texts = texts
        self.checks: list[Check] = []
        self.sides: list[Side] = []

    @cached_property
    def batches(self) -> list[Batch]:
        """Examples: for a step, for evaluation, and for the steps of the optimizer."""
        rng = np.random.default_rng(self.plan.seed)
        shaped, sizes, count = self.subject.shaped, self.plan.sizes, self.plan.batch
        return [draw_batch(shaped, sizes, count, rng) for _ in range(2 + self.plan.steps)]

    @cached_property
    def start(self) -> Arrays:
        """The weights of all sides: those that the NumPy file draws, none of them constant."""
        drawn = self._side("numpy", Precision.DOUBLE).numbers()
        rng = np.random.default_rng(self.plan.seed)
        return {name: _varied(array, rng) for name, array in drawn.items()}

    def difference(self) -> Difference | None:
        """Make all checks; the first tensor that differs."""
        try:
            return self._check_all()
        except Exception as error:
            found = crash(error, self.sides, self.subject)
            if found is None:
                raise
            return found

    def _check_all(self) -> Difference | None:
        found: list[Difference] = []
        for precision in Precision:
            found += self._compare_targets(precision)
        if self.subject.shaped.losses:
            try:
                found += self._check_backward()
            except Exception:  # such as gradients of another shape: that has been found already
                if not found:
                    raise
        return found[0] if found else None

    def _compare_targets(self, precision: Precision) -> Iterator[Difference]:
        """NumPy, and PyTorch with other backward passes, against PyTorch with autograd."""
        reference = self._side("pytorch", precision)
        wanted = observe(reference, self.subject, self.batches, self.start)
        for name in ("numpy", *(n for n in self.texts if n.startswith("pytorch_"))):
            side = self._side(name, precision)
            misnamed = of_names(side, reference, self.subject)
            if misnamed is not None:
                yield misnamed
                continue
            found = observe(side, self.subject, self.batches, self.start)
            checks = compare(found, wanted, precision, side.name)
            self.checks += checks
            failed = [check for check in checks if check.failed]
            if failed:
                yield self._locate(side, reference, precision, failed)

    def _locate(
        self, side: Side, reference: Side, precision: Precision, failed: Sequence[Check]
    ) -> Difference:
        """The first tensor that differs: in a pass, in the statistics after it, in a later step."""
        side.set_numbers(self.start)
        reference.set_numbers(self.start)
        for batch, mode in zip(self.batches, ("training", "evaluation"), strict=False):
            found, wanted = (s.traced(batch, mode == "training") for s in (side, reference))
            difference = Comparison(self.subject, found, wanted, precision, side.name).first(mode)
            if difference is not None:
                return difference
            if failed[0].quantity == BUFFERS:
                break
        return of_check(failed[0], self.subject)

    def _check_backward(self) -> Iterator[Difference]:
        """The NumPy backward pass by itself: pruned, and against finite differences."""
        whole, pruned = (
            self._side("numpy", Precision.DOUBLE),
            self._side("numpy_pruned", Precision.DOUBLE),
        )
        for side in (whole, pruned):
            side.set_numbers(self.start)
        assert isinstance(whole, NumpySide)
        wanted = whole.step(self.batches[0]).gradients
        seen = pruned.step(self.batches[0]).gradients
        floor = Precision.DOUBLE.floor(wanted)
        checks = [("gradients of the pruned file", PRUNED_BOUND, errors(seen, wanted, floor))]
        if not self.subject.compares_computed:
            directions = self.plan.directions
            along = directional_errors(whole, self.batches, directions, self.plan.seed)
            checks.append(("finite differences", BOUND, along))
        for quantity, bound, found in checks:
            if found:
                check = Check(quantity, Precision.DOUBLE, whole.name, bound, found)
                self.checks.append(check)
                if check.failed:
                    yield of_check(check, self.subject)

    def _side(self, name: str, precision: Precision) -> Side:
        """One of the files, loaded."""
        kind = NumpySide if name.startswith("numpy") else TorchSide
        side: Side = kind(self.subject, name, self.texts[name], precision, self.plan.seed)
        self.sides.append(side)
        return side


def _varied(array: Any, rng: np.random.Generator) -> Any:
    """An array whose numbers differ: what is all zeros or ones would hide a mistake."""
    is_constant = array.size > 0 and np.all(array == array.flat[0])
    return array + rng.uniform(-0.1, 0.1, array.shape) if is_constant else array
