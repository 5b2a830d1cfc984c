"""`batchnorm`: batch normalisation."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import given, require_number, warn_padded
from specc.ops.site import Site
from specc.signature import POSITIVE_REAL, RATE, Argument
from specc.terms import complement
from specc.types import TensorType


class BatchNorm(ModuleOp):
    """Batch normalisation of each channel or feature: y = γ (x − μ) / √(σ² + eps) + β.

    While training, μ and σ² are mean and variance of the batch: over all pixels of an image, over
    all steps of a sequence. In evaluation they are running averages, which every training pass
    moves: average = momentum · average + (1 − momentum) · batch. The running variance is the
    unbiased one, σ² · m / (m − 1) for m numbers; PyTorch's `momentum` is 1 − momentum.
    γ (`weight`) starts at 1, β (`bias`) at 0; neither is penalised. A bias of the layer before
    has no effect.
    """

    name = "batchnorm"
    family = "normalisation"
    sources = "Ioffe and Szegedy 2015; book, chapter 6; cheat sheet"
    keeps_input = True
    works_in_place = True
    arguments = (
        Argument("momentum", RATE, 0.9, "how much of the running averages stays at each step"),
        Argument("eps", POSITIVE_REAL, 1e-5, "added to the variance"),
    )
    samples = (
        Sample("batchnorm", (3, 4, 2)),
        Sample("batchnorm(0.95, eps=0.5)", (5,)),
        Sample("batchnorm(eps=1e-3)", (4, 3)),
    )

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        what = "channels" if site.input.is_image else "features"
        require_number(site, site.input.features, what, "each has statistics of its own")
        warn_padded(site)
        return site.input

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight and bias, and the running averages, each [channels] or [features]."""
        shape = (layer.input.features,)
        learned = (ParameterSpec(name, shape) for name in ("weight", "bias"))
        running = ("running_mean", "running_var")
        return (*learned, *(ParameterSpec(name, shape, is_buffer=True) for name in running))

    def construct(self, layer: Layer) -> Construction:
        """`BatchNorm(features, momentum=…, eps=…)`."""
        keywords = given(layer, "momentum", "eps")
        return Construction("BatchNorm", (layer.input.features.term,), keywords)

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.BatchNorm2d(features, eps=…, momentum=…)`; the momentum is counted the other way."""
        kernel = {1: "nn.BatchNorm1d", 2: "SequenceBatchNorm", 3: "nn.BatchNorm2d"}
        keywords = given(layer, "eps", "momentum")
        if "momentum" in keywords:
            keywords["momentum"] = complement(keywords["momentum"])
        return Construction(kernel[layer.input.rank], (layer.input.features.term,), keywords)

    def pytorch(self, layer: Layer) -> str:
        """`F.batch_norm`, which takes the second axis."""
        rates = f"1 - {layer['momentum'].plain}, {layer['eps'].plain}"
        arrays = "running_mean, running_var, weight, bias, training"
        if layer.input.is_image:
            return f"F.batch_norm(x, {arrays}, {rates})"
        return f"F.batch_norm(x.movedim(-1, 1), {arrays}, {rates}).movedim(1, -1)"
