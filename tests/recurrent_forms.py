"""Recurrent layers in every form, and what they compute: loops in PyTorch, a sequence at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from compiled import Batch, Compiled

Tensors = dict[str, torch.Tensor]
State = tuple[torch.Tensor, ...]
STATES = {"rnn": ("h",), "gru": ("h",), "lstm": ("h", "c")}
VARIANTS = {
    "rnn": ("", "activation=relu", "activation=identity"),
    "gru": ("", "reset_after=false"),
    "lstm": ("",),
}
INITIAL = {"h": "initial", "c": "initial_cell"}
RESULTS = {"h": "hidden", "c": "cell"}


@dataclass(frozen=True)
class Form:
    """A recurrent layer and what is around it."""

    kind: str
    steps: int = 3
    features: int = 2
    units: int = 2
    layers: int = 1
    bidirectional: bool = False
    join: str = "each"
    bias: bool = True
    variant: str = ""
    has_initial: bool = False
    is_padded: bool = False
    dropout: float = 0
    reads: str = "both"

    @property
    def directions(self) -> int:
        """One or two."""
        return 1 + self.bidirectional

    @property
    def rows(self) -> int:
        """How many states there are."""
        return self.layers * self.directions

    @property
    def spec(self) -> str:
        """A net whose loss reads the sequence, the last states, or both."""
        states, rows = STATES[self.kind], f"real[{self.rows}, {self.units}]"
        results = ", ".join(RESULTS[s] for s in states)
        targets = [f"target t_{RESULTS[s]}: {rows}" for s in states if self.reads != "sequence"]
        losses = [
            f"from {RESULTS[s]} -> loss mse(target=t_{RESULTS[s]})"
            for s in states
            if self.reads != "sequence"
        ]
        if self.reads != "states":
            sequence = f"real[{self.steps}, {self.units * self.directions}]"
            targets.append(f"target t: {sequence}")
            losses.append("from sequence -> loss mse(target=t)")
        named = "sequence" if self.reads == "sequence" else f"(sequence, {results})"
        lines = [
            f"input x: real[{self.steps}, {self.features}]{' padded' * self.is_padded}",
            *(f"input {s}: {rows}" for s in states if self.has_initial),
            *targets,
            f"from x -> {self.call} as {named}",
            *losses,
            f"output {named.strip('()')}",
        ]
        return "net N {\n  " + "\n  ".join(lines) + "\n}\n"

    @property
    def call(self) -> str:
        """The layer with its arguments."""
        given = {
            "layers": self.layers,
            "bidirectional": str(self.bidirectional).lower(),
            "bias": str(self.bias).lower(),
        }
        if self.bidirectional:
            given["join"] = self.join
        if self.dropout:
            given["dropout"] = self.dropout
        if self.variant:
            given |= dict([self.variant.split("=")])
        if self.has_initial:
            given |= {INITIAL[s]: s for s in STATES[self.kind]}
        return f"{self.kind}({self.units}, {', '.join(f'{k}={v}' for k, v in given.items())})"


# ---------------------------------------------------------------- the reference


def step(form: Form, p: Tensors, place: str, v: torch.Tensor, state: State) -> State:
    """The states after a step, [1, units] each."""
    zero = torch.zeros(())
    a = v @ p[f"weight_ih_{place}"].T + p.get(f"bias_ih_{place}", zero)
    weight, bias = p[f"weight_hh_{place}"], p.get(f"bias_hh_{place}", zero)
    h = state[0]
    if form.kind == "rnn":
        functions: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
            "relu": torch.relu, "identity": lambda x: x,
        }  # fmt: skip
        return (functions.get(form.variant.partition("=")[2], torch.tanh)(a + h @ weight.T + bias),)
    if form.kind == "lstm":
        i, f, g, o = (a + h @ weight.T + bias).chunk(4, 1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    u = h @ weight.T + bias
    r, z = torch.sigmoid(a + u).chunk(3, 1)[:2]
    inner = r * u.chunk(3, 1)[2]
    if form.variant == "reset_after=false":
        inner = (r * h) @ weight.chunk(3)[2].T + (bias.chunk(3)[2] if form.bias else 0)
    n = torch.tanh(a.chunk(3, 1)[2] + inner)
    return ((1 - z) * n + z * h,)


def sweep(
    form: Form, p: Tensors, row: int, x: torch.Tensor, state: State
) -> tuple[torch.Tensor, State]:
    """One layer in one direction over a sequence [T, F]; the last states."""
    layer, is_back = row // form.directions, bool(row % form.directions)
    place = f"l{layer}{'_reverse' * is_back}"
    outputs = []
    for v in x.flip(0) if is_back else x:
        state = step(form, p, place, v[None], state)
        outputs.append(state[0])
    return torch.cat(outputs[::-1] if is_back else outputs), state


def run(
    form: Form, p: Tensors, x: torch.Tensor, begin: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """All layers over a sequence; states are [kinds of state, rows, units]."""
    ends: dict[int, State] = {}

    def swept(row: int, y: torch.Tensor) -> torch.Tensor:
        y, ends[row] = sweep(form, p, row, y, tuple(begin[:, row, None]))
        return y

    if form.join == "top":
        stacks = []
        for direction in range(form.directions):
            y = x
            for layer in range(form.layers):
                y = swept(layer * form.directions + direction, y)
            stacks.append(y)
        y = torch.cat(stacks, 1)
    else:
        y = x
        for layer in range(form.layers):
            rows = range(layer * form.directions, (layer + 1) * form.directions)
            y = torch.cat([swept(row, y) for row in rows], 1)
    last = [torch.cat(ends[row]) for row in range(form.rows)]
    return y, torch.stack(last, 1)


def expected(form: Form, compiled: Compiled, batch: Batch) -> tuple[float, Batch]:
    """Loss and gradients."""
    leaves = {
        name: torch.tensor(array, requires_grad=True)
        for name, array in {**compiled.numbers(), **batch}.items()
        if array.dtype.kind == "f"
    }
    p = {name.partition(".")[2]: value for name, value in leaves.items() if "." in name}
    lengths = batch.get("x_lengths", [form.steps] * len(batch["x"]))
    states = STATES[form.kind]
    zeros = torch.zeros(len(lengths), form.rows, form.units, dtype=torch.float64)
    begin = torch.stack([leaves.get(state, zeros) for state in states], 1)
    sequences, ends = [], []
    for n, length in enumerate(lengths):
        y, end = run(form, p, leaves["x"][n, :length], begin[n])
        sequences.append(y)
        ends.append(end)
    loss = torch.zeros((), dtype=torch.float64)
    if form.reads != "states":
        wanted = [leaves["t"][n, :length] for n, length in enumerate(lengths)]
        loss = loss + torch.nn.functional.mse_loss(torch.cat(sequences), torch.cat(wanted))
    if form.reads != "sequence":
        for end, state in zip(torch.stack(ends, 1), states, strict=True):
            loss = loss + torch.nn.functional.mse_loss(end, leaves[f"t_{RESULTS[state]}"])
    inputs = ["x", *(state for state in states if form.has_initial)]
    names = [*inputs, *compiled.numbers()]
    found = torch.autograd.grad(loss, [leaves[name] for name in names], materialize_grads=True)
    return float(loss.detach()), {n: g.numpy() for n, g in zip(names, found, strict=True)}
