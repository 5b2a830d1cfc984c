"""`dropout`: numbers left out at random while training."""

from __future__ import annotations

from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, Sample
from specc.ops.site import Site
from specc.signature import RATE, Argument
from specc.types import TensorType


class Dropout(ModuleOp):
    """Inverted dropout: y = ξ x / (1 − rate) while training, y = x in evaluation.

    ξ is 0 with the probability `rate`, else 1, for each number anew. `rate` is the probability to
    be *left out* (notes); the book counts what is kept.
    """

    name = "dropout"
    family = "regularisation"
    sources = "Srivastava et al. 2014; notes (dropout); book, chapter 9"
    is_view = True
    arguments = (Argument("rate", RATE, doc="the probability of a number to be left out"),)
    samples = (
        Sample("dropout(0.5)", (6,)),
        Sample("dropout(0.2)", (3, 4, 4)),
        Sample("dropout(0)", (4, 3)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        return site.input

    def draws_random(self, layer: Layer) -> bool:
        """Which numbers are left out."""
        return True

    def construct(self, layer: Layer) -> Construction:
        """`Dropout(rate)`."""
        return Construction("Dropout", (layer["rate"].term,))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.Dropout(rate)`."""
        return replace(self.construct(layer), kernel="nn.Dropout")

    def pytorch(self, layer: Layer) -> str:
        """Evaluation: the identity."""
        return "x"
