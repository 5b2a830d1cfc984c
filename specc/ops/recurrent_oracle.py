"""Recurrent layers in PyTorch, for the tests: its own functions, and step by step what it lacks.

All are expressions over `x`, the parameters by name, `x1, x2, …` for states that are given, and
`lengths`.
"""

from __future__ import annotations

from specc.graph import Layer
from specc.ops.directions import directions, is_top
from specc.ops.recurrent import PARAMETERS


def own_function(layer: Layer, function: str) -> str:
    """`torch.gru(…)`."""
    given = [_state(layer, name) for name in layer.tensor_arguments]
    state = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
    weights = ", ".join(p.name for p in layer.op.parameters(layer))
    bias, both = bool(layer["bias"].plain), bool(layer["bidirectional"].plain)
    rest = f"{bias}, {layer['layers']}, 0.0, False, {both}, True"
    return f"torch.{function}(x, {state}, [{weights}], {rest})[0]"


def is_own_function(layer: Layer) -> bool:
    """Whether PyTorch's function does all layers, directions and steps."""
    return not (is_top(layer) or layer.is_padded)


def step_by_step(layer: Layer, cell: str) -> str:
    """Loops over time.

    `cell` is the tuple of the next states over `v`, what comes in, `s`, the states before, and the
    parameters without their places, in braces.
    """
    ends = ("", "_reverse")[: directions(layer)]
    layers = range(layer["layers"].number)
    if is_top(layer):
        stacks = [", ".join(_sweep(layer, cell, n, end, f"y{end}") for n in layers) for end in ends]
        begin = ", ".join(f"y{end} := x" for end in ends)
        return f"[{begin}, {', '.join(stacks)}, torch.cat([y, y_reverse], 2)][-1]"
    steps = ["y := x"]
    for number in layers:
        swept = (_sweep(layer, cell, number, end, "y", f"to{end}") for end in ends)
        joined = ", ".join(f"to{end}" for end in ends)
        steps += [*swept, f"y := torch.cat([{joined}], 2)"]
    return f"[{', '.join(steps)}][-1]"


def _sweep(layer: Layer, cell: str, number: int, end: str, source: str, name: str = "") -> str:
    """Assignments: the steps of one layer in one direction."""
    states = layer.tensor_arguments
    row = number * directions(layer) + (1 if end else 0)
    begin = ", ".join(f"{_state(layer, state)}[{row}]" for state in states)
    step = _with_parameters(layer, cell, f"_l{number}{end}")
    parts = [f"v := {source}[:, t]", "old := s", f"s := {step}", "s[0]"]
    if layer.is_padded:
        held = "".join(f"torch.where(m, s[{i}], old[{i}]), " for i in range(len(states)))
        parts[3:] = ["m := (t < lengths)[:, None]", f"s := ({held})", "s[0] * m"]
    value = f"[{', '.join(parts)}][-1]"
    times = f"range({source}.shape[1])"
    order = f"[{value} for t in reversed({times})][::-1]" if end else f"[{value} for t in {times}]"
    return f"s := ({begin},), {name or source} := torch.stack({order}, 1)"


def _with_parameters(layer: Layer, cell: str, place: str) -> str:
    has = {p.name for p in layer.op.parameters(layer)}
    names = {n: n + place if n + place in has else "0" for n in PARAMETERS}
    return cell.format(**names)


def _state(layer: Layer, name: str) -> str:
    """A state as PyTorch takes it, [layers · directions, N, units]."""
    if name in layer.positions:
        return f"x{layer.positions[name]}.transpose(0, 1).contiguous()"
    rows = layer["layers"].number * directions(layer)
    return f"x.new_zeros({rows}, len(x), {layer['units']})"
