"""`last`: the last step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, Sample
from specc.ops.rules import require_sequence
from specc.ops.site import Site
from specc.types import TensorType


class Last(ExpressionOp, LayerOp):
    """The last step of a sequence: [time, features] → [features].

    Of a padded sequence it is the last step of its own. Behind a bidirectional layer it is that
    step's output of both directions, of which the backward one has seen this step alone: the final
    states of both are `as (sequence, hidden)` (W0303).
    """

    name = "last"
    family = "sequence"
    sources = "book, chapters 8 and 9"
    respects_lengths = True
    is_view = True
    samples = (
        Sample("last", (4, 3)),
        Sample("last", (1, 2)),
        Sample("last", "real[4, 2] padded"),
    )

    def infer(self, site: Site) -> TensorType:
        """[time, features] → [features]."""
        require_sequence(site)
        return site.input.with_shape(site.input.features)

    def construct(self, layer: Layer) -> Construction:
        """`Last()`, `PaddedLast()`."""
        return Construction("PaddedLast" if layer.is_padded else "Last")

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """The step -1, or that before the length."""
        if not layer.is_padded:
            return f"{inputs[0]}[:, -1]"
        return f"{inputs[0]}[torch.arange(len({inputs[0]})), {inputs[1]} - 1]"

    def pytorch(self, layer: Layer) -> str:
        """Step by step."""
        steps = "lengths - 1" if layer.is_padded else "[-1] * len(x)"
        return f"torch.stack([sequence[step] for sequence, step in zip(x, {steps})])"
