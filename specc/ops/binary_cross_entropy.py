"""`binary_cross_entropy`: the loss of yes or no."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, LossOp, Sample
from specc.ops.losses import (
    MASK,
    SCALE,
    check_mask,
    fitting,
    mask_in_pytorch,
    masked,
    misfit,
    real,
    require_equal,
    require_real_prediction,
    require_single,
    scaled,
    torch_mean,
    with_mask,
)
from specc.ops.rules import given
from specc.ops.site import Site
from specc.source import Span
from specc.types import Content, TensorType


class BinaryCrossEntropy(LossOp):
    """Mean of softplus(z) − t z over all logits z and targets t from 0 to 1.

    That is −t ln σ(z) − (1 − t) ln(1 − σ(z)), written so that it does not saturate (slides).
    dz = (σ(z) − t) / count. The target is real and of the prediction's shape, or `label of 2`
    where the prediction has a single feature (or channel). With `mask`, a tensor of the
    prediction's shape that is 1 where a number counts and 0 where not, the mean runs over what
    counts.
    """

    name = "binary_cross_entropy"
    is_decided_by_sign = True
    respects_lengths = True
    function = "step_mask"
    applies = "sigmoid"
    keeps_input = True
    sources = "slides (output units)"
    arguments = (MASK, SCALE)
    samples = (
        Sample("binary_cross_entropy", (4,), target="real[4]"),
        Sample("binary_cross_entropy", (1,), target="label of 2"),
        Sample("binary_cross_entropy", (3, 1), target="label[3] of 2"),
        Sample("binary_cross_entropy(scale=2)", (2, 3, 4), target="real[2, 3, 4]"),
        Sample("binary_cross_entropy(mask=m)", (4,), (4,), target="real[4]"),
        Sample("binary_cross_entropy", "real[3, 1] padded", target="label[3] of 2"),
    )

    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Real numbers of the prediction's shape, or `label of 2`."""
        require_real_prediction(site)
        if target.content is Content.REAL:
            require_equal(site, target, declared)
        else:
            _check_labels(site, target, declared)
        check_mask(site)

    def construct(self, layer: Layer) -> Construction:
        """`BinaryCrossEntropy(scale=…)`, with a mask `MaskedBinaryCrossEntropy(scale=…)`."""
        kernel = f"{masked(layer)}BinaryCrossEntropy"
        return Construction(kernel, (), given(layer, "scale"))

    def given(self, layer: Layer, inputs: Sequence[str]) -> list[str]:
        """Lengths become a mask."""
        return with_mask(layer, inputs)

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`F.binary_cross_entropy_with_logits`, which wants numbers of one shape and type."""
        prediction, target, *mask = self.given(layer, inputs)
        if layer.inputs[1].type.content is Content.LABEL:
            axis = 2 if layer.input.rank == 2 else 1
            target = f"{target}.unsqueeze({axis}).to({prediction}.dtype)"
        function = "F.binary_cross_entropy_with_logits"
        return scaled(torch_mean(function, (prediction, target, *mask)), real(layer["scale"]))

    def pytorch(self, layer: Layer) -> str:
        """`F.binary_cross_entropy_with_logits`."""
        target = "target.to(x.dtype).reshape(x.shape)"
        loss = "F.binary_cross_entropy_with_logits"
        if masked(layer):
            each = f"{loss}(x, {target}, reduction='none')"
            return f"{layer['scale'].plain} * {each}[{mask_in_pytorch(layer)}].mean()"
        return f"{layer['scale'].plain} * {loss}(x, {target})"


def _check_labels(site: Site, target: TensorType, declared: Span) -> None:
    """Fail (E0401, E0402) unless there are two classes, (E0409) unless one feature decides."""
    if target.classes is None or target.classes.plain != 2 or target.content is Content.TOKEN:
        raise misfit(
            site,
            target,
            declared,
            "E0401" if target.content is Content.TOKEN else "E0402",
            f"`binary_cross_entropy` needs real numbers or `label of 2`, gets {target}",
            help=fitting(site, target, declared, "cross_entropy"),
        )
    require_single(site, target, declared)
