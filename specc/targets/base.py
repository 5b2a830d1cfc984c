"""What a target has to say about itself: a language that networks are written in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # targets are listed by `specc compile --help`, which has to be quick
    from specc.differentiate import TrainingModel
    from specc.graph import Layer
    from specc.ops.base import Construction

Context = tuple[str, Mapping[str, object]]
"""A template and what it is rendered with."""


@dataclass(frozen=True)
class Runtime:
    """What a file has beside the classes of the spec.

    `network` is the context of the frame `network.py.j2`, but for `stacked`; `parts` are the
    templates of the training section, in order. Both come from `specc.settings.contexts`.
    `backward` is the form of the backward pass.
    """

    network: Mapping[str, object]
    parts: Sequence[Context] = ()
    backward: str = "explicit"


class Target(ABC):
    """A target; a package of `specc.targets` declares one as `TARGET`.

    Attributes:
        name: as it is chosen, and the folder of its templates.
        title: as it is called.
        suffix: behind the name of a spec in that of its file, which no other target's has.
        backward: the forms that its backward pass can have, the usual one first.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffix: ClassVar[str]
    backward: ClassVar[tuple[str, ...]]

    @abstractmethod
    def construct(self, layer: Layer) -> Construction | None:
        """How a layer is constructed in the most general case; `None` if it is no object."""

    @abstractmethod
    def forward_of(self, layer: Layer) -> str:
        """What computes a layer: its class, or the function; for the table of targets."""

    def backward_of(self, layer: Layer) -> str:
        """What computes its gradient where the backward pass is explicit.

        That is a method of the layer's class, a function, or arithmetic.
        """
        from specc.ops.base import FunctionOp, LayerOp

        op = layer.op
        if isinstance(op, LayerOp):
            return f"{self.class_of(layer)}.backward"
        assert isinstance(op, FunctionOp)
        return f"{op.function_name}_backward" if op.has_kernel else "arithmetic"

    @abstractmethod
    def class_of(self, layer: Layer) -> str:
        """The class of a layer, which is no function, where the backward pass is explicit."""

    @abstractmethod
    def names(self) -> set[str]:
        """The names that no class of a spec may have."""

    @abstractmethod
    def write(self, training: TrainingModel, runtime: Runtime, doc: Sequence[str]) -> str:
        """The source of a file; `doc` are the lines of its docstring."""
