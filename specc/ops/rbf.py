"""`rbf`: radial basis functions."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp, ParameterSpec, Sample
from specc.ops.rules import product, require_features, require_number
from specc.ops.site import Site
from specc.signature import POSITIVE, Argument
from specc.types import TensorType
from specc.values import Value


class RBF(ModuleOp):
    """Radial basis functions: y_i = exp(−‖w_i − x‖² / σ_i²); in a sequence, of each step.

    The rows w_i of the weight are centres, the σ_i widths; both are learned.
    """

    name = "rbf"
    family = "activation"
    sources = "slides (hidden units)"
    keeps_input = True
    keeps_output = True
    arguments = (Argument("units", POSITIVE, doc="how many features come out"),)
    samples = (Sample("rbf(3)", (4,)), Sample("rbf(2)", (3, 4)))

    def infer(self, site: Site) -> TensorType:
        """[in] → [units]; [time, in] → [time, units]."""
        require_features(site)
        features = site.input.features
        require_number(site, features, "features", f"its centres are [{site['units']}, {features}]")
        return site.input.with_features(site["units"])

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """Weight [units, in], the centres, and sigma [units], the widths."""
        weight = (layer["units"], layer.input.features)
        return (
            ParameterSpec("weight", weight, is_penalised=True),
            ParameterSpec("sigma", (layer["units"],)),
        )

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of the weight, at each step of a sequence."""
        return product(layer.output.shape) * layer.input.features

    def construct(self, layer: Layer) -> Construction:
        """`RBF(in_features, units)`."""
        return Construction("RBF", (layer.input.features.term, layer["units"].term))

    def torch_module(self, layer: Layer) -> Construction:
        """A module of its own."""
        return self.construct(layer)

    def pytorch(self, layer: Layer) -> str:
        """The formula itself."""
        return "torch.exp(-((x.unsqueeze(-2) - weight) ** 2).sum(-1) / sigma**2)"
