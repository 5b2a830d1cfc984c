"""Types of tensors: what they hold, and their shape without the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from specc.terms import Term
from specc.values import Plain, Value, show


class Content(Enum):
    """What a tensor holds."""

    REAL = "real"
    TOKEN = "token"
    LABEL = "label"
    LENGTHS = "lengths"


AXES = {
    0: (),
    1: ("features",),
    2: ("length", "features"),
    3: ("channels", "height", "width"),
}
"""The names of a shape's axes, by rank."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """`real[3, 224, 224]`; tokens and labels also have the number of their classes.

    `padded` is not empty where sequences are padded at their ends: it names the tensor with their
    lengths, as the body knows it.
    """

    shape: tuple[Value, ...]
    content: Content = Content.REAL
    classes: Value | None = None
    padded: str = ""

    @property
    def rank(self) -> int:
        """How many axes there are, the batch not counted."""
        return len(self.shape)

    @property
    def is_image(self) -> bool:
        """Rank 3: channels, height, width."""
        return self.rank == 3

    @property
    def features(self) -> Value:
        """Channels of an image, features of anything else."""
        return self.shape[0] if self.is_image else self.shape[-1]

    def with_shape(self, *shape: Value) -> TensorType:
        """A real tensor of another shape; lengths stay while the rank does."""
        return TensorType(shape, padded=self.padded if len(shape) == self.rank else "")

    def with_features(self, features: Value) -> TensorType:
        """The same shape with other channels or features."""
        axes = (features, *self.shape[1:]) if self.is_image else (*self.shape[:-1], features)
        return replace(self, shape=axes)

    def with_terms(self, term: Callable[[Plain], Term]) -> TensorType:
        """The same type, each size written as `term` of its plain value."""
        shape = tuple(Value(size.plain, term(size.plain)) for size in self.shape)
        return replace(self, shape=shape)

    def __str__(self) -> str:
        shape = f"[{', '.join(show(size) for size in self.shape)}]"
        if self.content is Content.REAL:
            return shape
        of = f" of {show(self.classes)}" if self.classes is not None else ""
        return f"{self.content.value}{shape if self.shape else ''}{of}"

    @property
    def declaration(self) -> str:
        """As a spec declares it: `real[3, 4]`, `label of 10`."""
        return f"real{self}" if self.content is Content.REAL else str(self)

    @property
    def description(self) -> str:
        """As a message says it: "a 28x28 image with 1 channel", "10 features"."""
        sizes = [show(size) for size in self.shape]
        if self.content is not Content.REAL:
            return str(self)
        if self.rank == 1:
            return f"{sizes[0]} features"
        if self.rank == 2:
            return f"a sequence of {sizes[0]} steps with {sizes[1]} features"
        if self.rank == 3:
            plural = "" if sizes[0] == "1" else "s"
            return f"a {sizes[1]}x{sizes[2]} image with {sizes[0]} channel{plural}"
        return f"a tensor of shape {self}"
