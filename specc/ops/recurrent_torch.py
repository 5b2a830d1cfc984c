"""Recurrent layers in PyTorch: its own module where that is enough, else a class based on it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, ModuleOp
from specc.ops.directions import is_top
from specc.ops.rules import given
from specc.terms import Term

_NAMES = {"layers": "num_layers", "activation": "nonlinearity"}


class RecurrentTorch(ModuleOp):
    """What a recurrent layer is in PyTorch."""

    @abstractmethod
    def kernel_name(self, layer: Layer) -> str:
        """The class of one layer in one direction."""

    def is_in_pytorch(self, layer: Layer) -> bool:
        """Whether PyTorch has such a step."""
        return True

    def torch_module(self, layer: Layer) -> Construction:
        """`nn.GRU(in_features, units, num_layers=…, batch_first=True)`, or a class of the file."""
        made = self.torch_layer(layer)
        return made if self._is_beyond(layer) else replace(made, kernel=f"nn.{made.kernel}")

    def torch_layer(self, layer: Layer) -> Construction:
        """`GRU`, or `TopGRU` where the directions are two stacks."""
        form = "Top" if is_top(layer) else ""
        positional = (layer.input.features.term, layer["units"].term)
        keywords = options(layer, "layers", "bias", "dropout", "bidirectional")
        keywords["batch_first"] = True
        return Construction(f"{form}{self.kernel_name(layer)}", positional, keywords)

    def _is_beyond(self, layer: Layer) -> bool:
        """Whether PyTorch's module lacks something, or has it in another way.

        Its states are not batch first, and its dropout has masks that no other can be given.
        """
        states = bool(layer.given) or len(layer.outputs) > 1
        lacks = layer.is_padded or is_top(layer) or not self.is_in_pytorch(layer)
        return states or lacks or self.draws_random(layer) or layer.is_shared


def options(layer: Layer, *names: str) -> dict[str, Term]:
    """Arguments as PyTorch's keywords, those that are not their defaults."""
    return {_NAMES.get(name, name): term for name, term in given(layer, *names).items()}
