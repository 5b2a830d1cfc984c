"""`rnn`: simple recurrent layers."""

from __future__ import annotations

from dataclasses import replace

from specc.graph import Layer
from specc.ops.base import Construction, Sample
from specc.ops.recurrent import OPTIONS, SIZES, Recurrent
from specc.ops.recurrent_oracle import is_own_function, own_function, step_by_step
from specc.ops.recurrent_torch import options
from specc.signature import Argument, choice

_CELL = "(ACTIVATION(v @ {weight_ih}.T + {bias_ih} + s[0] @ {weight_hh}.T + {bias_hh}),)"
_ACTIVATIONS = {"tanh": "torch.tanh", "relu": "torch.relu", "identity": ""}


class RNN(Recurrent):
    """Simple recurrent layer: h' = φ(W x + b + U h + c), with φ = tanh, relu or the identity."""

    name = "rnn"
    gates = 1
    sources = "RNN notes; book, chapter 7"
    arguments = (
        *SIZES,
        Argument(
            "activation",
            choice("tanh", "relu", "identity"),
            "tanh",
            "what is applied to the sum",
            structural=True,
        ),
        *OPTIONS,
    )
    samples = (
        Sample("rnn(3)", (4, 2)),
        Sample("rnn(2, layers=2, bidirectional=true)", (3, 2)),
        Sample("rnn(2, layers=2, bidirectional=true, join=top)", (3, 2)),
        Sample("rnn(3, activation=relu)", (3, 2)),
        Sample("rnn(1, activation=identity, bias=false)", (1, 1)),
        Sample("rnn(2, layers=2, dropout=0.5)", (3, 2)),
        Sample("rnn(2, initial=x1)", (3, 2), (1, 2)),
        Sample("rnn(2, bidirectional=true)", "real[4, 2] padded"),
    )

    def kernel_name(self, layer: Layer) -> str:
        """`ReluRNN` and `IdentityRNN` are classes of their own."""
        activation = str(layer["activation"].plain)
        return "RNN" if activation == "tanh" else f"{activation.capitalize()}RNN"

    def features(self, layer: Layer) -> frozenset[str]:
        """The activation, too."""
        return super().features(layer) | {str(layer["activation"].plain)}

    def is_in_pytorch(self, layer: Layer) -> bool:
        """All but the identity."""
        return layer["activation"].plain != "identity"

    def torch_module(self, layer: Layer) -> Construction:
        """One class does tanh and relu: `nn.RNN(in_features, units, nonlinearity="relu", …)`."""
        made = super().torch_module(layer)
        if layer["activation"].plain != "relu":
            return made
        keywords = {**options(layer, "layers", "activation"), **made.keywords}
        return replace(made, kernel=made.kernel.replace("Relu", ""), keywords=keywords)

    def pytorch(self, layer: Layer) -> str:
        """`torch.rnn_tanh` or `torch.rnn_relu`, or the steps."""
        activation = str(layer["activation"].plain)
        if is_own_function(layer) and self.is_in_pytorch(layer):
            return own_function(layer, f"rnn_{activation}")
        cell = _CELL.replace("ACTIVATION", _ACTIVATIONS[activation])
        return step_by_step(layer, cell)
