"""`cross_entropy`: the loss of a choice among classes."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, LossOp, Sample, Site
from specc.ops.losses import (
    SCALE,
    require_classes,
    require_label_target,
    require_real_prediction,
)
from specc.ops.rules import given
from specc.source import Span
from specc.types import TensorType


class CrossEntropy(LossOp):
    """Mean of −ln softmax(z)[label] over all labels, with logits z: one for each class.

    dz = (softmax(z) − onehot(label)) / count. Takes features with one label, a sequence with a
    label a step, or an image with a label a pixel.
    """

    name = "cross_entropy"
    applies = "softmax"
    sources = "cheat sheet; book, chapter 2"
    arguments = (SCALE,)
    samples = (
        Sample("cross_entropy", (4,), target="label of 4"),
        Sample("cross_entropy(scale=0.5)", (4,), target="label of 4"),
        Sample("cross_entropy", (3, 4), target="label[3] of 4"),
        Sample("cross_entropy", (3, 2, 4), target="label[2, 4] of 3"),
    )

    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Labels below the number of features."""
        require_real_prediction(site)
        require_label_target(site, target, declared, "mse", "binary_cross_entropy")
        require_classes(site, target, declared)

    def construct(self, layer: Layer) -> Construction:
        """`CrossEntropy(scale=…)`."""
        return Construction("CrossEntropy", (), given(layer, "scale"))

    def pytorch(self, layer: Layer) -> str:
        """`F.cross_entropy`."""
        loss = "F.cross_entropy(x, target)"
        if layer.input.rank == 2:
            loss = "F.cross_entropy(x.flatten(0, 1), target.flatten())"
        return f"{layer['scale'].plain} * {loss}"
