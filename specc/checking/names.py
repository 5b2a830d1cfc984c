"""The names of a body: values, tensors, taps and shared instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specc import syntax
from specc.applied import LENGTHS
from specc.checking.elaborator import Broken, Elaborator
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import Environment, EvaluationError, evaluate, fail, number
from specc.graph import Call, Layer, Tensor
from specc.source import Span
from specc.suggest import did_you_mean
from specc.types import AXES
from specc.values import Value, literal_term
from specc.words import safe_name

if TYPE_CHECKING:
    from specc.checking.body import Body


@dataclass(eq=False)
class Taps:
    """The tensors that iterations hand out under one name, by index."""

    span: Span
    tensors: dict[int, Tensor] = field(default_factory=dict)


@dataclass(eq=False)
class SharedInstance:
    """`shared enc = …`: its call, and once used what it was built for."""

    call: syntax.Call
    owner: Body
    name: str
    built: Layer | Call | None = None


_FEW = 3
"""So many `_` may tell names apart; after that, numbers do."""

Meaning = Value | Tensor | Taps | SharedInstance


class Names:
    """What the names of a body mean, and which names its tensors have in the code.

    `current` is the tensor, or the tensors, that the next step takes; `incoming` what the body
    began with. A loop's body reads tensors of `foreign` taps as inputs of its own.
    """

    def __init__(
        self, elaborator: Elaborator, inputs: tuple[Tensor, ...], current: tuple[Tensor, ...]
    ) -> None:
        self.elaborator = elaborator
        self.model = elaborator.model
        self.names: dict[str, Meaning] = {}
        self.inputs = list(inputs)
        self.current = current
        self.incoming = current[0]
        self.foreign: set[Tensor] = set()
        self.imported: dict[Tensor, Tensor] = {}
        self.is_broken = False
        self.used_often: dict[str, int] = {}
        self.taken: set[str] = {t.name for t in inputs} | {"x", "training"}
        self.environment = Environment(self.value_of, self.incoming_value, elaborator.spend)

    def value_of(self, name: syntax.Name) -> Value:
        """The value of a name."""
        meaning = self.names.get(name.id)
        if isinstance(meaning, Value):
            return meaning
        if name.id in self.model.files[name.span.source].lets:
            return self.elaborator.file_value(name)
        if self.is_broken:
            raise Broken  # it would have a value but for the error
        raise fail(
            "E0112",
            f"the value `{name.id}` does not exist in this case",
            name.span,
            "it is bound only where an `if` goes the other way, or after this",
        )

    def incoming_value(self, incoming: syntax.Incoming) -> Value:
        """`in.channels` and its like."""
        captured = self.names.get(f"in.{incoming.attribute}")
        if isinstance(captured, Value):
            return captured
        type_ = self.incoming.type
        axes = dict(zip(AXES.get(type_.rank, ()), type_.shape, strict=False))
        if incoming.attribute == "shape":
            return Value(type_.shape, tuple(s.term for s in type_.shape))
        if incoming.attribute not in axes:
            known = [*axes, "shape"]
            raise EvaluationError(
                Diagnostic(
                    "E0111",
                    f"the incoming tensor has no `{incoming.attribute}`",
                    Label(incoming.span, f"it is {type_.description}"),
                    Label(self.incoming.span, f"this makes {type_}"),
                    note="it has " + ", ".join(f"`in.{name}`" for name in known),
                    help=did_you_mean(incoming.attribute, known, "in.{}"),
                )
            )
        return axes[incoming.attribute]

    def tensor(self, reference: syntax.Reference) -> Tensor:
        """The tensor that a reference names."""
        if reference.name == "in":
            meaning = self.names.get("in")
            return meaning if isinstance(meaning, Tensor) else self.incoming
        meaning = self.names.get(reference.name)
        if isinstance(meaning, Taps):
            assert reference.index is not None
            return self._tap(meaning, reference, reference.index)
        if isinstance(meaning, Tensor):
            return meaning
        if self.is_broken:
            raise Broken  # it would have been made where the error is
        bound = self.model.bound_at.get(reference.span)
        raise fail(
            "E0112",
            f"the tensor `{reference.name}` does not exist in this case",
            reference.span,
            "not there",
            second=Label(bound, "made only where the `if` goes the other way") if bound else None,
        )

    def lengths(self, key: str) -> Tensor:
        """The lengths of padded sequences; `key` is what their type calls them."""
        found = self.names[key]
        assert isinstance(found, Tensor)
        return found

    def named_lengths(self, key: str) -> dict[str, Tensor]:
        """The lengths as a layer is handed them; nothing where there are none."""
        return {LENGTHS: self.lengths(key)} if key else {}

    def _tap(
        self, taps: Taps, reference: syntax.Reference, expression: syntax.Expression
    ) -> Tensor:
        index = number(evaluate(expression, self.environment), expression.span, "an index")
        if index not in taps.tensors:
            there = ", ".join(str(i) for i in list(taps.tensors)[:8])
            raise EvaluationError(
                Diagnostic(
                    "E0210",
                    f"there is no tap `{reference.name}[{index}]`",
                    Label(reference.span, "not there"),
                    Label(taps.span, f"the loop makes {there}" if there else "nothing is made"),
                )
            )
        tensor = taps.tensors[index]
        return self._import(tensor) if tensor in self.foreign else tensor

    def _import(self, tensor: Tensor) -> Tensor:
        """A tensor from around this loop, as an input of its body."""
        if tensor not in self.imported:
            name = self.unique(tensor.name.replace("[", "").replace("]", ""))
            own = Tensor(name, tensor.type.with_terms(literal_term), tensor.span)
            self.imported[tensor] = own
            self.inputs.append(own)
        return self.imported[tensor]

    def unique(self, name: str) -> str:
        """A name for a tensor in the code that no other has."""
        base = candidate = safe_name(name)
        number = self.used_often.get(base, 0)
        while candidate in self.taken:
            number += 1
            candidate = f"{base}{'_' * number}" if number <= _FEW else f"{base}_{number}"
        if number > _FEW:
            self.used_often[base] = number
        self.taken.add(candidate)
        return candidate
