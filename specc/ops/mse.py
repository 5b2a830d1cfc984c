"""`mse`: the mean squared error."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.losses import MASK, SCALE, ElementLoss, real
from specc.signature import BOOLEAN, Argument


class MSE(ElementLoss):
    """Mean of (y − t)² over all numbers, or half of it (`half=true`, as in the book).

    dy = 2 (y − t) / count, or half of that.
    """

    name = "mse"
    torch_function = "F.mse_loss"
    kernel_name = "MeanSquaredError"
    sources = "slides (output units); book, chapter 7"
    arguments = (
        Argument(
            "half", BOOLEAN, False, "whether the mean is halved, so that dy = (y − t) / count"
        ),
        MASK,
        SCALE,
    )
    samples = (
        Sample("mse", (4,), target="real[4]"),
        Sample("mse(scale=0.5)", (3, 2), target="real[3, 2]"),
        Sample("mse(half=true)", (4,), target="real[4]"),
        Sample("mse", (2, 3, 4), target="real[2, 3, 4]"),
        Sample("mse(mask=m)", (4,), (4,), target="real[4]"),
        Sample("mse", "real[4, 2] padded", target="real[4, 2]"),
        Sample("mse(mask=m)", "real[4, 2] padded", (4, 2), target="real[4, 2]"),
    )

    def torch_factor(self, layer: Layer) -> float:
        """Half of it where the mean is halved."""
        return real(layer["scale"]) * (0.5 if layer["half"].plain else 1)

    def pytorch(self, layer: Layer) -> str:
        """`F.mse_loss`."""
        factor = 0.5 if layer["half"].plain else 1
        return f"{factor} * " + self.in_pytorch(layer, "mse_loss")
