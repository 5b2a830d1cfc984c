"""`embedding`: a learned vector for each token."""

from __future__ import annotations

from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import require_tokens
from specc.ops.site import Site
from specc.signature import BOOLEAN, POSITIVE, Argument
from specc.types import TensorType


class Embedding(ModuleOp):
    """A vector for each token, y = W[token]: a row of the weight W.

    The gradient of a row is the sum of those of all places where its token stands. W starts as
    N(0, 1) and is penalised as other weights are. A `frozen` one is not learned: it is stored with
    the weights, for vectors that come from elsewhere.
    """

    name = "embedding"
    family = "affine"
    sources = "Bengio et al. 2003; book, chapter 9"
    arguments = (
        Argument("vocab", POSITIVE, doc="how many tokens there are"),
        Argument("dim", POSITIVE, doc="how many features a token becomes"),
        Argument("frozen", BOOLEAN, False, "whether the vectors stay as they are", structural=True),
    )
    samples = (
        Sample("embedding(7, 3)", "token[4] of 7"),
        Sample("embedding(2, 1)", "token of 2"),
        Sample("embedding(5, 2, frozen=true)", "token[3] of 5"),
    )

    def infer(self, site: Site) -> TensorType:
        """A token → [dim]; [time] → [time, dim]."""
        require_tokens(site, "vocab")
        return TensorType((*site.input.shape, site["dim"]), padded=site.input.padded)

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [vocab, dim]; a buffer where it is frozen."""
        frozen = bool(layer["frozen"].plain)
        shape = (layer["vocab"], layer["dim"])
        return (ParameterSpec("weight", shape, is_buffer=frozen, is_penalised=not frozen),)

    def construct(self, layer: Layer) -> Construction:
        """`Embedding(vocab, dim)`."""
        kernel = "FrozenEmbedding" if layer["frozen"].plain else "Embedding"
        return Construction(kernel, (layer["vocab"].term, layer["dim"].term))

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.Embedding(vocab, dim)`, or a class of its own."""
        made = self.construct(layer)
        return made if layer["frozen"].plain else replace(made, kernel="nn.Embedding")

    def pytorch(self, layer: Layer) -> str:
        """`F.embedding`."""
        return "F.embedding(x, weight)"
