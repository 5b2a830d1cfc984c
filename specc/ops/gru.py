"""`gru`: gated recurrent units."""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.base import Sample
from specc.ops.recurrent import OPTIONS, SIZES, Recurrent
from specc.ops.recurrent_oracle import is_own_function, own_function, step_by_step
from specc.signature import BOOLEAN, Argument

_CELL = (
    "[g := v @ {weight_ih}.T + {bias_ih}, u := s[0] @ {weight_hh}.T + {bias_hh},"
    " k := s[0].shape[1],"
    " r := torch.sigmoid((g + u)[:, :k]), z := torch.sigmoid((g + u)[:, k : 2 * k]),"
    " n := torch.tanh(g[:, 2 * k :] + CANDIDATE), ((1 - z) * n + z * s[0],)][-1]"
)
_AFTER = "r * u[:, 2 * k :]"
_BEFORE = "(r * s[0]) @ {weight_hh}[2 * k :].T + (u - s[0] @ {weight_hh}.T)[:, 2 * k :]"


class GRU(Recurrent):
    """Gated recurrent units: h' = (1 − z) ⊙ n + z ⊙ h, with gates r and z.

    r, z = σ(W x + b + U h + c) and n = tanh(W x + b + r ⊙ (U h + c)), each with its own rows of
    the weights, as in PyTorch. With `reset_after=false` the reset gate acts on the state before
    the product, n = tanh(W x + b + U (r ⊙ h) + c), as it was first published.
    """

    name = "gru"
    gates = 3
    sources = "Cho et al. 2014; notes; book, chapter 9"
    arguments = (
        *SIZES,
        Argument(
            "reset_after",
            BOOLEAN,
            True,
            "whether the reset gate acts behind the product with the state",
            structural=True,
        ),
        *OPTIONS,
    )
    samples = (
        Sample("gru(3)", (4, 2)),
        Sample("gru(2, layers=2, bidirectional=true)", (3, 2)),
        Sample("gru(2, layers=2, bidirectional=true, join=top, bias=false)", (3, 2)),
        Sample("gru(3, reset_after=false)", (3, 2)),
        Sample("gru(1, reset_after=false, bias=false)", (1, 1)),
        Sample("gru(2, layers=2, dropout=0.5)", (3, 2)),
        Sample("gru(2, initial=x1)", (3, 2), (1, 2)),
        Sample("gru(2, layers=2, bidirectional=true, initial=x1)", (2, 3), (4, 2)),
        Sample("gru(2)", "real[4, 2] padded"),
        Sample("gru(2, layers=2, bidirectional=true)", "real[4, 2] padded"),
    )

    def kernel_name(self, layer: Layer) -> str:
        """`ResetBeforeGRU` is a class of its own."""
        return "GRU" if layer["reset_after"].plain else "ResetBeforeGRU"

    def is_in_pytorch(self, layer: Layer) -> bool:
        """It has the reset gate behind the product alone."""
        return bool(layer["reset_after"].plain)

    def pytorch(self, layer: Layer) -> str:
        """`torch.gru`, or the steps."""
        if is_own_function(layer) and self.is_in_pytorch(layer):
            return own_function(layer, "gru")
        candidate = _AFTER if layer["reset_after"].plain else _BEFORE
        return step_by_step(layer, _CELL.replace("CANDIDATE", candidate))
