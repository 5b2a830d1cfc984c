"""Recurrent layers in PyTorch: its own module where that is enough, else a class based on it."""

from __future__ import annotations

from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, Op
from specc.ops.rules import given
from specc.terms import Term

BEYOND = {
    "dropout", "identity", "initial", "initial_cell", "lengths", "reset_before", "states", "top",
}  # fmt: skip
"""The features that PyTorch's modules lack, or have in other layouts: states are batch first here.

Dropout between layers they have, but not with masks that others could be given, too.
"""

_NAMES = {"layers": "num_layers", "activation": "nonlinearity"}


class RecurrentTorch(Op):
    """What a recurrent layer is in PyTorch, by its features."""

    @property
    def module_name(self) -> str:
        """`GRU`."""
        return self.name.upper()

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.GRU(in_features, units, num_layers=…, batch_first=True)`, or a class of the file."""
        features = self.features(layer)
        if "layers" not in features:
            features -= {"top"}  # one layer is joined where it ends
        forms = {"top": "Top", "reset_before": "ResetBefore", "identity": "Identity"}
        form = "".join(forms[feature] for feature in forms if feature in features)
        is_own = bool(BEYOND & features) or layer.is_shared
        kernel = f"{form if is_own else 'nn.'}{self.module_name}"
        positional = (layer.input.features.term, layer["units"].term)
        return Construction(kernel, positional, _options(layer))

    def torch_layer(self, layer: Layer) -> Construction:
        """A class of the file, which differs by the activation, too."""
        made = self.torch_module(layer)
        kernel = made.kernel.removeprefix("nn.")
        if "relu" not in self.features(layer):
            return replace(made, kernel=kernel)
        keywords = {k: term for k, term in made.keywords.items() if k != "nonlinearity"}
        form = "Top" if kernel.startswith("Top") else ""
        return Construction(f"{form}Relu{self.module_name}", made.positional, keywords)


def _options(layer: Layer) -> dict[str, Term]:
    """PyTorch's keywords."""
    known = [a.name for a in layer.op.arguments if a.name in layer.arguments]
    words = ("layers", "activation", "bias", "dropout", "bidirectional")
    found = given(layer, *(word for word in words if word in known))
    if found.get("activation") == "identity":
        del found["activation"]
    return {_NAMES.get(word, word): term for word, term in found.items()} | {"batch_first": True}
