"""`one_hot`: tokens as vectors of zeros and a one."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, Sample
from specc.ops.rules import require_tokens
from specc.ops.site import Site
from specc.signature import POSITIVE, Argument
from specc.types import TensorType


class OneHot(ModuleOp):
    """Tokens as vectors that are 1 at the token's place and 0 elsewhere."""

    name = "one_hot"
    family = "affine"
    sources = "book, chapter 8; notes (recurrent networks)"
    arguments = (Argument("size", POSITIVE, doc="how many tokens there are"),)
    samples = (Sample("one_hot(6)", "token[4] of 6"), Sample("one_hot(2)", "token of 2"))

    def infer(self, site: Site) -> TensorType:
        """A token → [size]; [time] → [time, size]."""
        require_tokens(site, "size")
        return TensorType((*site.input.shape, site["size"]), padded=site.input.padded)

    def construct(self, layer: Layer) -> Construction:
        """`OneHot(size)`."""
        return Construction("OneHot", (layer["size"].term,))

    def torch_module(self, layer: Layer) -> Construction:
        """A module, which knows the network's type of numbers."""
        return self.construct(layer)

    def pytorch(self, layer: Layer) -> str:
        """`F.one_hot`, in float64 as the tests compute."""
        return f"F.one_hot(x, {layer['size'].plain}).double()"
