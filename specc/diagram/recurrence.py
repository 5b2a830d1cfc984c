"""What runs over time: its states, how many layers lie on one another, and in which directions."""

from __future__ import annotations

from dataclasses import dataclass

from specc.graph import Layer, Node, Scan
from specc.values import Value


@dataclass(frozen=True)
class Row:
    """One layer in one direction, over all steps; layers count from 1."""

    layer: int
    is_backward: bool = False


@dataclass(frozen=True)
class Recurrence:
    """How a layer or cell runs over time.

    Attributes:
        states: what it hands from step to step, as formulas call it: `("h", "c")`.
        inputs: the sequences that come in, likewise.
        steps: how long the sequence is.
        layers: how many lie on one another.
        is_bidirectional: whether there is a second one of each that begins at the end.
        is_joined_often: whether each layer reads both directions of the one below.
    """

    states: tuple[str, ...]
    inputs: tuple[str, ...]
    steps: Value
    layers: int = 1
    is_bidirectional: bool = False
    is_joined_often: bool = True

    @classmethod
    def of(cls, node: Node) -> Recurrence | None:
        """That of a layer or cell; `None` if it has none."""
        if isinstance(node, Scan):
            inputs = tuple(tensor.name for tensor in node.function.proper)
            return cls(node.function.states, inputs, node.outputs[0].type.shape[0])
        if not isinstance(node, Layer) or not node.op.carries_state:
            return None
        plain = {name: value.plain for name, value in node.arguments.items()}
        layers = plain.get("layers", 1)
        assert isinstance(layers, int)
        return cls(
            states=tuple(name[0] for name in node.op.optional_results),
            inputs=("x",),
            steps=node.output.shape[0],
            layers=layers,
            is_bidirectional=bool(plain.get("bidirectional")),
            is_joined_often=plain.get("join") != "top",
        )

    def rows(self, layer: int) -> list[Row]:
        """The directions of a layer."""
        backward = [Row(layer, is_backward=True)] if self.is_bidirectional else []
        return [Row(layer), *backward]

    def row_text(self, row: Row) -> str:
        """`layer 2, backward`, or nothing where there is but one."""
        layer = f"layer {row.layer}" if self.layers > 1 else ""
        direction = ("forward", "backward")[row.is_backward] if self.is_bidirectional else ""
        return ", ".join(text for text in (layer, direction) if text)
