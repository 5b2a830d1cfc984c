"""The constructors: layers are constructed by the class that suits all instances of a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from specc.classes import Classes, ClassPlan
from specc.differentiate import BackwardGraph
from specc.graph import Layer, Origin
from specc.ops.base import Construction, LayerOp
from specc.targets.construct import Constructor
from specc.types import Content


class NumpyConstructor(Constructor):
    """Writes the constructor of one class."""

    target = "numpy"
    list_of = ("[", "]")

    def __init__(
        self, plan: ClassPlan, classes: Classes, graphs: Mapping[int, BackwardGraph]
    ) -> None:
        super().__init__(plan, classes)
        self.graphs = graphs

    def lines(self) -> list[str]:
        """The body of `__init__`; a class that is called several times a step keeps a stack."""
        is_kept = self.plan.is_stacked and bool(self.graphs[id(self.plan)].kept)
        is_kept |= self.classes.is_padded(self.plan) and self._cells_go_back()
        return super().lines() + ["self.calls = []"] * is_kept

    def _cells_go_back(self) -> bool:
        """Whether any recurrence has a backward pass."""
        steps = (plan for plan in self.classes if plan.function.origin is Origin.CELL)
        return any(any(self.graphs[id(plan)].d_inputs) for plan in steps)

    def layer(self, owner: ClassPlan, layer: Layer) -> Construction | None:
        """A layer that learns is told where nobody needs the gradient of its input."""
        if not isinstance(layer.op, LayerOp):
            return None
        kernel = layer.op.kernel(owner.layers_like(layer))
        made = layer.op.construct_as(owner.settled(layer), kernel)
        differentiated = self.graphs[id(owner)].differentiated
        learns = layer.op.parameters(layer) and layer.input.content is Content.REAL
        if learns and not (layer.is_shared or layer.name in differentiated):
            return replace(made, keywords={**made.keywords, "input_gradient": False})
        return made
