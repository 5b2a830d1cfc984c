"""`smooth_l1`: squared near zero, absolute beyond."""

from __future__ import annotations

from specc.graph import Layer
from specc.literal import literal
from specc.ops.base import Sample
from specc.ops.losses import MASK, SCALE, ElementLoss, real
from specc.signature import POSITIVE_REAL, Argument


class SmoothL1(ElementLoss):
    """Mean over all numbers of d² / 2β where |d| < β, else |d| − β / 2, with d = y − t.

    dy = max(−1, min(1, d / β)) / count.
    """

    name = "smooth_l1"
    torch_function = "F.smooth_l1_loss"
    kernel_name = "SmoothL1"
    sources = "Girshick 2015"
    arguments = (
        Argument("beta", POSITIVE_REAL, 1, "up to which difference the loss is squared"),
        MASK,
        SCALE,
    )
    samples = (
        Sample("smooth_l1", (4,), target="real[4]"),
        Sample("smooth_l1(beta=0.25)", (4,), target="real[4]"),
        Sample("smooth_l1(scale=0.5)", (3, 2), target="real[3, 2]"),
        Sample("smooth_l1", (2, 3, 4), target="real[2, 3, 4]"),
        Sample("smooth_l1(mask=m)", (4,), (4,), target="real[4]"),
    )

    def torch_options(self, layer: Layer) -> tuple[str, ...]:
        """Where it changes from squared to absolute."""
        beta = real(layer["beta"])
        return () if beta == 1 else (f"beta={literal(beta)}",)

    def pytorch(self, layer: Layer) -> str:
        """`F.smooth_l1_loss`."""
        return self.in_pytorch(layer, "smooth_l1_loss", f"beta={layer['beta'].plain!r}")
