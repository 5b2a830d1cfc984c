"""`hinge`: the loss of a margin."""

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
    require_single,
    scaled,
)
from specc.ops.rules import given, warn_padded
from specc.ops.site import Site
from specc.source import Span
from specc.types import TensorType


class Hinge(LossOp):
    """How far scores are from a margin of 1.

    With a single feature s and `label of 2`: mean of max(0, 1 − t s), where t is −1 for label 0
    and +1 for label 1. With a feature s_j for each of K classes: mean of
    Σ_{j≠label} max(0, 1 − s_label + s_j) / K, as PyTorch's multi-margin loss.
    """

    name = "hinge"
    is_decided_by_sign = True
    sources = "Rosasco et al. 2004; Weston and Watkins 1999"
    arguments = (SCALE,)
    samples = (
        Sample("hinge", (1,), target="label of 2"),
        Sample("hinge", (4,), target="label of 4"),
        Sample("hinge(scale=0.5)", (4,), target="label of 4"),
        Sample("hinge", (3, 4), target="label[3] of 4"),
        Sample("hinge", (1, 3, 4), target="label[3, 4] of 2"),
    )

    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Labels: of 2 for a single feature, else as many as features."""
        require_real_prediction(site)
        warn_padded(site)
        require_label_target(site, target, declared, "mse")
        if (
            target.classes is not None
            and target.classes.plain == 2
            and site.input.features.plain == 1
        ):
            require_single(site, target, declared)
        else:
            require_classes(site, target, declared)

    def construct(self, layer: Layer) -> Construction:
        """`Hinge(scale=…)` for a single feature, else `MultiClassHinge(scale=…)`."""
        kernel = "Hinge" if layer.input.features.plain == 1 else "MultiClassHinge"
        return Construction(kernel, (), given(layer, "scale"))

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """The formula for a single feature, else `F.multi_margin_loss`."""
        scores, label = inputs
        if layer.input.features.plain == 1:
            margin = f"(2 * {label} - 1) * {scores}.squeeze({2 if layer.input.rank == 2 else 1})"
            return scaled(f"F.relu(1 - {margin}).mean()", real(layer["scale"]))
        if layer.input.is_image:
            scores = f"{scores}.movedim(1, -1)"
        if layer.input.rank > 1:
            scores, label = f"{scores}.flatten(0, -2)", f"{label}.flatten()"
        return scaled(f"F.multi_margin_loss({scores}, {label})", real(layer["scale"]))

    def pytorch(self, layer: Layer) -> str:
        """The formula, or `F.multi_margin_loss`."""
        scale = layer["scale"].plain
        scores = "x.movedim(1, -1)" if layer.input.is_image else "x"
        if layer.input.features.plain == 1:
            return f"{scale} * torch.clamp(1 - (2 * target - 1) * {scores}[..., 0], min=0).mean()"
        rows = f"{scores}.reshape(-1, {layer.input.features})"
        return f"{scale} * F.multi_margin_loss({rows}, target.flatten())"
