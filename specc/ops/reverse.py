"""`reverse`: a sequence from its end to its start."""

from __future__ import annotations

from collections.abc import Sequence

from specc.graph import Layer
from specc.ops.base import Construction, ExpressionOp, LayerOp, Sample
from specc.ops.rules import require_sequence
from specc.ops.site import Site
from specc.types import TensorType


class Reverse(ExpressionOp, LayerOp):
    """The steps of a sequence in the opposite order; of a padded one those of its own length.

    What lies behind a sequence's own end stays there.
    """

    name = "reverse"
    family = "sequence"
    sources = "Schuster and Paliwal 1997; Sutskever et al. 2014"
    respects_lengths = True
    is_view = True
    returns_view_of_gradient = True
    samples = (
        Sample("reverse", (4, 3)),
        Sample("reverse", (1, 2)),
        Sample("reverse", "real[4, 2] padded"),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        require_sequence(site)
        return site.input

    def construct(self, layer: Layer) -> Construction:
        """`Reverse()`, `PaddedReverse()`."""
        return Construction("PaddedReverse" if layer.is_padded else "Reverse")

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`flip`, or a function of the sequences and their lengths."""
        function = f"reverse_padded({', '.join(inputs)})"
        return function if layer.is_padded else f"{inputs[0]}.flip(1)"

    def pytorch(self, layer: Layer) -> str:
        """Sequence by sequence."""
        if not layer.is_padded:
            return "x.flip(1)"
        return "torch.stack([torch.cat((s[:n].flip(0), s[n:])) for s, n in zip(x, lengths)])"
