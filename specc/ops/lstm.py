"""`lstm`: long short-term memory."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.recurrent import OPTIONS, SIZES, Recurrent
from specc.ops.recurrent_oracle import is_own_function, own_function, step_by_step
from specc.signature import TENSOR, Argument

_CELL = (
    "[a := v @ {weight_ih}.T + {bias_ih} + s[0] @ {weight_hh}.T + {bias_hh}, a := a.chunk(4, 1),"
    " c := torch.sigmoid(a[1]) * s[1] + torch.sigmoid(a[0]) * torch.tanh(a[2]),"
    " (torch.sigmoid(a[3]) * torch.tanh(c), c)][-1]"
)


class LSTM(Recurrent):
    """Long short-term memory: c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c').

    The gates i, f, o = σ(…) and g = tanh(…) are affine maps of the step and the state h before,
    each with its own rows of the weights, in the order i, f, g, o, as in PyTorch.
    """

    name = "lstm"
    gates = 4
    optional_results = ("hidden", "cell")
    sources = "Hochreiter and Schmidhuber 1997; book, chapter 8"
    arguments = (
        *SIZES,
        *OPTIONS,
        Argument("initial_cell", TENSOR, None, "the memory cell before the first step, else zeros"),
    )
    samples = (
        Sample("lstm(3)", (4, 2)),
        Sample("lstm(2, layers=2, bidirectional=true)", (3, 2)),
        Sample("lstm(2, layers=2, bidirectional=true, join=top)", (3, 2)),
        Sample("lstm(1, bias=false)", (1, 1)),
        Sample("lstm(2, layers=2, dropout=0.5)", (3, 2)),
        Sample("lstm(2, initial=x1, initial_cell=x2)", (3, 2), (1, 2), (1, 2)),
        Sample("lstm(2, initial_cell=x1)", (3, 2), (1, 2)),
        Sample("lstm(2, layers=2, bidirectional=true)", "real[4, 2] padded"),
    )

    def kernel_name(self, layer: Layer) -> str:
        """Always the same."""
        return "LSTM"

    def pytorch(self, layer: Layer) -> str:
        """`torch.lstm`, or the steps."""
        if is_own_function(layer):
            return own_function(layer, "lstm")
        return step_by_step(layer, _CELL)
