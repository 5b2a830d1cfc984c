"""`cross_entropy`: the loss of a choice among classes."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, LossOp, Sample
from specc.ops.losses import (
    SCALE,
    real,
    require_classes,
    require_label_target,
    require_real_prediction,
    scaled,
)
from specc.ops.rules import given
from specc.ops.site import Site
from specc.signature import LARGEST, Argument, Kind, is_real, whole
from specc.source import Span
from specc.terms import Term, render
from specc.types import TensorType
from specc.values import Value, known_values


def _is_weight(value: Value) -> bool:
    return is_real(value) and value.plain >= 0  # type: ignore[operator]


IGNORED = -100
"""The label of steps that are padding, as PyTorch has it."""

WEIGHTS = Kind(
    "a list of numbers of at least 0, one for each class",
    lambda v: isinstance(v.plain, tuple) and bool(v.plain) and all(map(_is_weight, v.plain)),
)


class CrossEntropy(LossOp):
    """Mean of −ln softmax(z)[label] over all labels, with logits z: one for each class.

    dz = (softmax(z) − onehot(label)) / count. Takes features with one label, a sequence with a
    label a step, or an image with a label a pixel. With `weight` it is the weighted mean, each
    label counting as much as its class; a label equal to `ignore` does not count at all.
    """

    name = "cross_entropy"
    applies = "softmax"
    respects_lengths = True
    function = "own_labels"
    sources = "cheat sheet; book, chapter 2"
    arguments = (
        Argument("weight", WEIGHTS, None, "how much each class counts"),
        Argument("ignore", whole(-LARGEST), None, "the label that does not count"),
        SCALE,
    )
    samples = (
        Sample("cross_entropy", (4,), target="label of 4"),
        Sample("cross_entropy(scale=0.5)", (4,), target="label of 4"),
        Sample("cross_entropy", (3, 4), target="label[3] of 4"),
        Sample("cross_entropy", (3, 2, 4), target="label[2, 4] of 3"),
        Sample("cross_entropy(weight=[1, 0.5, 2])", (3,), target="label of 3"),
        Sample("cross_entropy(ignore=0)", (5, 3), target="label[5] of 3"),
        Sample("cross_entropy", "real[4, 3] padded", target="label[4] of 3"),
        Sample("cross_entropy(ignore=1)", "real[4, 3] padded", target="label[4] of 3"),
        Sample("cross_entropy(weight=[1, 0.5, 2])", "real[4, 3] padded", target="label[4] of 3"),
        Sample("cross_entropy(weight=[1, 3], ignore=-1)", (2, 2, 4), target="label[2, 4] of 2"),
    )

    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Labels below the number of features, and as many weights (E0411)."""
        require_real_prediction(site)
        require_label_target(site, target, declared, "mse", "binary_cross_entropy")
        require_classes(site, target, declared)
        weights = site["weight"].plain
        if isinstance(weights, tuple) and target.classes != Value(len(weights), len(weights)):
            raise site.fail(
                "E0411",
                f"`cross_entropy` needs {target.classes} weights, gets {len(weights)}",
                "one for each class",
                cause=1,
                argument="weight",
            )

    def construct(self, layer: Layer) -> Construction:
        """`CrossEntropy(scale=…)`, or `WeightedCrossEntropy(weight=…, ignore=…, scale=…)`."""
        keywords = given(layer, "weight", "ignore", "scale")
        if layer.is_padded:
            keywords["ignore"] = _ignored(layer)
        weighted = "weight" in keywords or "ignore" in keywords
        return Construction("WeightedCrossEntropy" if weighted else "CrossEntropy", (), keywords)

    def given(self, layer: Layer, inputs: Sequence[str]) -> list[str]:
        """In padding, labels become those to ignore."""
        if not layer.is_padded:
            return list(inputs)
        logits, label, lengths = inputs
        ignored = _ignored(layer)
        more = [] if ignored == IGNORED else [render(ignored)]
        return [logits, f"own_labels({', '.join([label, lengths, *more])})"]

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`F.cross_entropy`; with weights or a label to ignore a mean that may be of nothing."""
        logits, label = self.given(layer, inputs)
        if layer.input.rank == 2:
            logits = f"{logits}.transpose(1, 2)"
        options = given(layer, "weight", "ignore")
        if options and layer.is_padded:
            options["ignore"] = _ignored(layer)
        written = ", ".join([logits, label, *(f"{k}={render(v)}" for k, v in options.items())])
        function = "weighted_cross_entropy" if options else "F.cross_entropy"
        return scaled(f"{function}({written})", real(layer["scale"]))

    def pytorch(self, layer: Layer) -> str:
        """`F.cross_entropy`."""
        x, target = "x", "target"
        if layer.is_padded:
            padding = "torch.arange(x.shape[1]) >= lengths[:, None]"
            target = f"target.masked_fill({padding}, {_ignored(layer)})"
        if layer.input.rank == 2:
            x, target = "x.flatten(0, 1)", f"{target}.flatten()"
        weight, ignore = (known_values(layer[name].plain) for name in ("weight", "ignore"))
        options = f", weight=torch.tensor({weight}, dtype=x.dtype)" if weight is not None else ""
        options += f", ignore_index={ignore}" if ignore is not None else ""
        return f"{layer['scale'].plain} * F.cross_entropy({x}, {target}{options})"


def _ignored(layer: Layer) -> Term:
    """The label that does not count where sequences are padded."""
    return IGNORED if layer["ignore"].plain is None else layer["ignore"].term
