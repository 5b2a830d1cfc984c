"""Where two sides first differ: the tensor, and the place in the spec that makes it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from specc.diagnostics import Diagnostic, Label
from specc.graph import Call, Layer, Loop, Scan, Tensor
from specc.ops.base import LossOp
from specc.places import Place
from specc.verification.comparison import Check, Precision, error
from specc.verification.side import Side, Subject
from specc.verification.tracing import Trace, numbered

CODE = "E0701"
_OURS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Difference:
    """One tensor that differs: what it is, and where it is made.

    `path` is the layer, block or parameter; `detail` says more under the place.
    """

    path: str
    message: str
    place: Place | None
    detail: str = ""
    note: str = ""

    def diagnostic(self, subject: Subject) -> Diagnostic:
        """The same at its place in the spec; without one, at the net's."""
        span = self.place.span if self.place else subject.shaped.net.name_span
        label = Label(span, self.detail or (f"`{self.path}`" if self.path else ""))
        trail = _trail(self.place, subject.places) if self.place else ()
        return Diagnostic(CODE, self.message, label, note=self.note, trail=trail)


def _trail(place: Place, places: Mapping[str, Place]) -> tuple[Label, ...]:
    """The calls that lead to a place, outermost first."""
    names = place.path.split(".")
    outer = (places.get(".".join(names[:end])) for end in range(1, len(names)))
    calls = (p for p in outer if p is not None and isinstance(p.node, Call))
    return tuple(Label(p.span, f"in this call of `{p.kind}`") for p in calls)


def place_of(name: str, places: Mapping[str, Place]) -> Place | None:
    """The place of a parameter or part: that of the longest path that its name begins with."""
    words = name.split(".")
    paths = (".".join(words[:end]) for end in range(len(words), 0, -1))
    return next((places[path] for path in paths if path in places), None)


def crash(error: Exception, sides: Sequence[Side], subject: Subject) -> Difference | None:
    """An exception in generated code, at the inmost part of the network; `None` if it is ours."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        if Path(frame.f_code.co_filename).is_relative_to(_OURS):
            return None
        for side in sides:
            path = side.recorder.paths.get(id(frame.f_locals.get("self")))
            if path is not None:
                text = " ".join(f"{type(error).__name__}: {error}".split())
                message = f"the {side.name} code of `{path or subject.shaped.net.name}` fails"
                return Difference(path, message, place_of(path, subject.places), note=text)
    return None


def of_names(found: Side, wanted: Side, subject: Subject) -> Difference | None:
    """A parameter, or a running average, that one of two sides does not have."""
    for side, other in ((found, wanted), (wanted, found)):
        known = other.numbers()
        for name in (name for name in side.numbers() if name not in known):
            message = f"`{name}` of {side.name} is missing in {other.name}"
            return Difference(name, message, place_of(name, subject.places))
    return None


def of_check(check: Check, subject: Subject) -> Difference:
    """The first tensor of a check that failed."""
    name = check.failed[0]
    place = place_of(name, subject.places)
    what = f"`{name}`" if place else name
    message = f"{check.quantity} of {check.side}: {what} is off"
    return Difference(name, message, place, note=_limit(check.bound, check.precision))


def _limit(bound: float, precision: Precision) -> str:
    return f"the error exceeds {bound:g} in {precision.value}"


class Comparison:
    """Two traces of the same pass, tensor by tensor."""

    def __init__(
        self, subject: Subject, found: Trace, wanted: Trace, precision: Precision, side: str
    ) -> None:
        self.subject = subject
        self.found = found
        self.wanted = wanted
        self.precision = precision
        self.sides = f"{side} than in PyTorch"
        self.note = ""
        self.variables = {
            f"{place.owner}:{tensor.name}": place
            for place in subject.places.values()
            for tensor in place.node.outputs
        }
        self.readers: dict[tuple[str, Tensor], list[Place]] = {}
        for place in subject.places.values():
            for tensor in place.node.inputs:
                self.readers.setdefault((place.owner, tensor), []).append(place)

    def first(self, mode: str) -> Difference | None:
        """The first tensor that differs: in the forward pass, else in the backward pass."""
        return next(chain(self._forward(mode), self._backward(), self._unmade()), None)

    def _forward(self, mode: str) -> Iterator[Difference]:
        floor = self.precision.floor(self.wanted.outputs)
        for (name, call), array in self.found.forward.items():
            if self.found.calls[name] != self.wanted.calls[name]:
                continue  # made in other steps there
            if self._differ(array, self.wanted.forward[name, call], floor):
                path = name.partition("[")[0]
                place = self.variables.get(name) or self.subject.places.get(path)
                path = place.path if place else name
                message = f"`{path}` computes something else in {self.sides}"
                yield Difference(path, message, place, f"its result differs in {mode}", self.note)

    def _backward(self) -> Iterator[Difference]:
        floor = self.precision.floor(self.wanted.learned)
        for path, call in self.found.order:
            place = self.subject.places[path]
            if isinstance(place.node, Scan):
                yield from self._step(place, call, floor)
                continue
            for index in range(len(place.node.outputs)):
                total = self.found.gradients.get((numbered(path, index), call))
                if self._differ(total, self._total(place, call, index), floor):
                    yield self._wrong_total(place, index)
            if call == 0:
                yield from self._parameters(place, floor)
            inputs = range(len(place.node.inputs))
            if any(self._passed_differs(place, call, index, floor) for index in inputs):
                yield self._wrong_passed(place)

    def _step(self, place: Place, call: int, floor: float) -> Iterator[Difference]:
        """The gradients that come to a step of a cell, from its result and the next step."""
        states = place.node.optional_results if isinstance(place.node, Scan) else ()
        for index in range(1 + len(states)):
            key = place.path, call, index
            if self._differ(self.found.steps.get(key), self.wanted.steps.get(key), floor):
                which = f"`{states[index - 1]}`" if index else "its result"
                message = f"the gradient of {which} in `{place.path}` is another in {self.sides}"
                detail = f"in step {call + 1}"
                yield Difference(place.path, message, place, detail, self.note)

    def _unmade(self) -> Iterator[Difference]:
        """A step of a cell that has a gradient in the reference alone."""
        cells = {path for path, _, _ in self.found.steps}
        for path, call, _ in self.wanted.steps:
            if path in cells and (path, call) not in self.found.order:
                message = f"`{path}` does not go back through all steps that it does in PyTorch"
                detail = f"not through step {call + 1}"
                yield Difference(path, message, self.subject.places[path], detail)

    def _parameters(self, place: Place, floor: float) -> Iterator[Difference]:
        assert isinstance(place.node, Layer)
        for parameter in place.node.op.parameters(place.node):
            name = f"{place.path}.{parameter.name}"
            pair = self.found.learned.get(name), self.wanted.learned.get(name)
            if self._differ(*pair, floor):
                message = f"the gradient of `{name}` is another in {self.sides}"
                yield Difference(name, message, place, "", self.note)

    def _wrong_passed(self, place: Place) -> Difference:
        message = f"`{place.path}` hands back another gradient in {self.sides}"
        detail = "its derivative" if _is_loss(place) else "the gradient that comes in agrees"
        return Difference(place.path, message, place, detail, self.note)

    def _wrong_total(self, place: Place, index: int) -> Difference:
        tensor = place.node.outputs[index]
        readers = dict.fromkeys(map(str, self.readers.get((place.owner, tensor), ())))
        which = f" `{tensor.name}`" if index else ""
        message = f"the gradient of the result{which} of `{place.path}` is another in {self.sides}"
        detail = f"read by {', '.join(readers) or 'no layer'}"
        return Difference(place.path, message, place, detail, self.note)

    def _total(self, place: Place, call: int, index: int) -> Any:
        """The reference's gradient of a layer's result, under the name that it has there."""
        found = self.wanted.gradients.get((numbered(place.path, index), call))
        return self._of_variable(place, place.node.outputs[index], call) if found is None else found

    def _passed_differs(self, place: Place, call: int, index: int, floor: float) -> bool:
        found = self.found.passed.get((place.path, call, index))
        return self._differ(found, self._passed(place, call, index), floor)

    def _passed(self, place: Place, call: int, index: int) -> Any:
        """The reference's gradient of an input, as far as it comes from this layer."""
        if (place.path, call, index) in self.wanted.passed:
            return self.wanted.passed[place.path, call, index]
        tensor = place.node.inputs[index]
        is_shared = isinstance(place.node, Layer) and place.node.is_shared
        uses = self.readers[place.owner, tensor]
        if is_shared or uses != [place] or tensor in self._handed_out(place.owner):
            return None  # others contribute
        return self._of_variable(place, tensor, call)

    def _handed_out(self, owner: str) -> Iterable[Tensor]:
        """The results of the body at a path, which its caller reads; the net has no caller."""
        node = self.subject.places[owner].node if owner else None
        if isinstance(node, Loop):
            return {tensor for i in node.iterations for tensor in i.function.outputs}
        return node.function.outputs if isinstance(node, Call) else ()

    def _of_variable(self, place: Place, tensor: Tensor, call: int) -> Any:
        """The reference's gradient of a variable; `None` if it held other tensors before."""
        name = f"{place.owner}:{tensor.name}"
        calls = self.found.calls[place.path] or 1  # those of losses are not counted
        if self.wanted.calls[name] != calls:
            return None
        return self.wanted.gradients.get((name, call))

    def _differ(self, found: Any, wanted: Any, floor: float) -> bool:
        """Whether both are known and differ by more than the bound; `note` says how."""
        if found is None or wanted is None:
            return False
        if error(found, wanted, floor) <= self.precision.bound:
            return False
        self.note = f"{_limit(self.precision.bound, self.precision)}; what comes before agrees"
        if not (np.isfinite(found).all() and np.isfinite(wanted).all()):
            self.note = f"not all of its numbers are finite in {self.precision.value}"
        elif max(np.abs(found).max(), np.abs(wanted).max()) < floor:
            self.note += "; it is all rounding errors, as where the parts of a gradient cancel"
        return True


def _is_loss(place: Place) -> bool:
    return isinstance(place.node, Layer) and isinstance(place.node.op, LossOp)
