"""Nets with cells: every way to call one, padded or not, with gradients or without."""

from __future__ import annotations

import numpy as np
from compiled import Batch, Compiled, compile_text

STEP = """\
cell step(units) {
  input x
  state h: [units]
  from x, h -> concat -> dense(units) -> tanh as state h
}
"""
PAIR = """\
cell pair(units) {
  input x
  state h: [units], c: [2 * units]
  from x, c -> concat -> dense(2 * units) -> tanh as state c
  from c, h -> concat -> dense(units) -> sigmoid as state h
}
"""
TOTAL = """\
cell total {
  input x
  state s: [in.features]
  from x, s -> add as state s
}
"""
IDLE = """\
cell idle(units) {
  input x
  state a: [units], b: [units]
  from x, a -> concat -> dense(units) as state a
  from x, b -> concat -> dense(units) as state b
}
"""
LATER = """\
cell later(units) {
  input x
  state h: [units]
  dense(units) as state h
  from h -> scale
}
"""
BEFORE = """\
cell before(units) {
  input x
  state h: [units], g: [units]
  from x, g -> concat -> dense(units) -> tanh as state g
  from g as state h
  from h
}
"""
TWO = """\
cell two(units) {
  input a, b
  state h: [units]
  from a, h, b -> concat -> dense(units) -> tanh as state h
}
"""
HEAD = "net N(units = 2) {\n  input x: real[T, 3]\n  target y: real[T, units]\n"
LAST = "net N(units = 2) {\n  input x: real[T, 3]\n  target y: real[units]\n"

WAYS = {
    "the sequence": f"{STEP}{HEAD}  scan step(units)\n  loss mse\n}}",
    "the last state": f"{STEP}{LAST}  scan step(units) as (_, h)\n  from h -> loss mse\n}}",
    "both": f"""{PAIR}{HEAD}  target z: real[units]
  scan pair(units) as (s, h, c)
  from c -> dense(units) as d
  from h, d -> add -> loss mse(target=z)
  from s -> loss mse(target=y)
  output s
}}""",
    "first states": f"""{PAIR}{HEAD}  input c0: real[4], k: real[2]
  from k -> dense(units) -> tanh as h0
  from x -> scan pair(units, h=h0, c=c0)
  loss mse
}}""",
    "one first state, shared by two": f"""{STEP}{HEAD}  input k: real[2]
  from k -> tanh as h0
  from x -> a: scan step(units, h=h0) as (s, last)
  from x -> b: scan step(units, h=last) as u
  from x -> c: scan step(units, h=h0) as v
  from s, u, v -> add
  loss mse
}}""",
    "encoder and decoder": f"""{PAIR}{HEAD}  input z: real[S, 3]
  from z -> encoder: scan pair(units) as (_, h, c)
  from x -> decoder: scan pair(units, h=h, c=c)
  loss mse
}}""",
    "two layers": f"{STEP}{HEAD}  scan step(3) -> scan step(units)\n  loss mse\n}}",
    "a loop of layers": f"{STEP}{HEAD}  dense(units)\n  repeat 3 {{ scan step(units) }}\n"
    "  loss mse\n}",
    "a loop with more in it": f"{STEP}{HEAD}  dense(units)\n"
    "  repeat 2 { dense(2) as d; scan step(units) as h; from h, d -> add }\n  loss mse\n}",
    "shared": f"""{STEP}{HEAD}  shared enc = scan step(units)
  from x -> enc as a
  tanh -> dense(3) -> enc as b
  from a, b -> multiply
  loss mse
}}""",
    "several sequences": f"""{TWO}{HEAD}  input z: real[T, 2]
  dense(2) as d
  from d, z -> scan two(units)
  loss mse
}}""",
    "several sequences, one without gradient": f"""cell two(units) {{
  input a, b
  state h: [units]
  from a -> dense(units) as u
  from b -> dense(units) as v
  from u, v, h -> multiply as state h
}}
{HEAD}  input z: real[T, 2]
  from x, z -> scan two(units)
  loss mse
}}""",
    "one sequence beside several": f"""{TWO}{STEP}{HEAD}  input z: real[T, 2]
  from x, z -> scan two(units) -> scan step(units)
  loss mse
}}""",
    "two cells of different kinds": f"""{STEP}{PAIR}{HEAD}  scan pair(3) -> scan step(units)
  loss mse
}}""",
    "an output that is no state": f"""cell mealy(units) {{
  input x
  state h: [units]
  from x, h -> concat -> dense(units) -> sigmoid as state h
  from x, h -> concat -> dense(units) as y
  output y
}}
{HEAD}  scan mealy(units)
  loss mse
}}""",
    "a delay, and states that share memory": f"""cell delay(units) {{
  input x
  state h: [units], g: [units], f: [units]
  from h as state g
  from g as state f
  from x -> dense(units) as u
  from u, h, f -> add as state h
}}
{HEAD}  input h0: real[2], g0: real[2]
  from x -> scan delay(units, h=h0, g=g0)
  loss mse
}}""",
    "a sum without parameters": """cell total {
  input x
  state s: [in.features]
  from x, s -> add as state s
}
net N {
  input x: real[T, 3]
  target y: real[T, 3]
  scan total as a
  from x, a -> multiply -> dense(3) -> scan total
  loss mse
}""",
    "a sum of inputs": f"{TOTAL}{HEAD}  scan total -> dense(units)\n  loss mse\n}}",
    "a state without effect": f"{IDLE}{HEAD}  scan idle(units)\n  loss mse\n}}",
    "an effect on the next step": f"{LATER}{HEAD}  scan later(units)\n  loss mse\n}}",
    "the state before": f"""{BEFORE}{HEAD}  scan before(units)
  loss mse
}}""",
    "a first state that counts later": f"""{BEFORE}{HEAD}  last -> dense(units) as g0
  from x -> scan before(units, g=g0)
  loss mse
}}""",
    "blocks and loops inside": f"""block gate(units) {{ input a, b
  from a, b -> concat -> dense(units) -> sigmoid
}}
cell deep(units, depth = 2) {{
  input x
  state h: [units]
  shared twice = dense(units)
  from x, h -> gate(units)
  repeat depth {{ dense(units) -> tanh }}
  if depth > 1 {{ twice -> tanh -> twice as state h }} else {{ tanh as state h }}
}}
{HEAD}  scan deep(3, depth=1) -> scan deep(units)
  loss mse
}}""",
    "a scan in a block that is shared": f"""{STEP}
block part(units) {{ scan step(units) -> dense(3) }}
{HEAD}  shared both = part(units)
  both -> tanh -> both -> dense(units)
  loss mse
}}""",
    "a loop that reads a first state": f"""{STEP}{HEAD}  input k: real[2]
  from k -> tanh as h0
  from x -> dense(2)
  repeat 2 {{ scan step(2, h=h0) }}
  loss mse
}}""",
    "taps": f"""{STEP}{HEAD}  dense(2)
  for i in range(2) {{ scan step(2) as level[i] }}
  from level[0], level[1] -> add
  loss mse
}}""",
    "a state read in a loop": f"""cell loops(units) {{
  input x
  state h: [units]
  dense(units)
  repeat 2 {{ dense(units) as d; from d, h -> add -> tanh }}
  dense(units) as state h
}}
{HEAD}  scan loops(units)
  loss mse
}}""",
    "recurrences in a step": f"""{STEP}cell outer(units) {{
  input x
  state h: [units]
  reshape([3, 1]) as rows
  scan step(2) as (_, a)
  from rows -> gru(2) -> last as b
  from a, b, h -> concat -> dense(units) -> tanh as state h
}}
{HEAD}  scan outer(units)
  loss mse
}}""",
    "states with names that code needs": f"""cell names(units) {{
  input a
  state x: [units], y: [units], lengths: [units], training: [units], sequences: [1], sizes: [1]
  from x, y, lengths, training, sequences, sizes, a -> concat -> dense(units) -> tanh as y_
  from y_ as state x
  from x as state y
  from y as state lengths
  from lengths as state training
  dense(1) as state sequences
  tanh as state sizes
  from y_, training -> add
}}
{HEAD}  input k: real[2], k1: real[1]
  from x -> scan names(units, x=k, y=k, lengths=k, sequences=k1) as (s, _, a, b, _, _, c)
  from a, b, c -> concat -> dense(units) -> loss mse(target=z)
  from s -> loss mse(target=y)
  output s
}}""".replace("  input k", "  target z: real[units]\n  input k"),
    "all operations": f"""cell ops(units) {{
  input x
  state h: [units]
  from x -> dense(2 * units) -> split(2) as (a, b)
  from h -> constant(1) as one
  from one, h -> subtract as rest
  from rest, a -> multiply -> scale as p
  from b, h -> multiply -> layernorm as q
  from p, q -> subtract -> leaky_relu(0.1) -> maxout(1) as state h
}}
{HEAD}  scan ops(units)
  loss mse
}}""",
}
PADDED = {
    "the sequence": f"{PAIR}{HEAD}  scan pair(units)\n  loss mse(mask=m)\n}}".replace(
        "[T, 3]", "[T, 3] padded, m: real[T, 2]"
    ),
    "states": f"""{PAIR}{LAST}  input c0: real[4]
  from x -> scan pair(units, c=c0) as (s, h, c)
  last as end
  from s -> global_avgpool as g
  from c -> dense(units) as d
  from h, d, g, end -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded").replace("  last", "  from s -> last"),
    "one of two, beside a cell of several sequences": f"""{TWO}{STEP}{LAST}  input z: real[T, 2]
  from x, z -> scan two(units) -> scan step(units) -> last as g
  from z -> scan step(units) as (_, h)
  from h, g -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "one of two": f"""{STEP}{LAST}  input z: real[S, 3]
  from x -> scan step(units) as (_, h)
  from z -> dense(3) -> scan step(units) -> last as g
  from h, g -> add
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "shared, in a loop, and twice": f"""{STEP}{LAST}  shared enc = scan step(3)
  enc -> enc
  repeat 2 {{ scan step(3) }}
  last -> dense(units)
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "a sum of inputs": f"{TOTAL}{LAST}  scan total -> last -> dense(units)\n  loss mse\n}}".replace(
        "[T, 3]", "[T, 3] padded"
    ),
}
STILL = {
    "a cell": WAYS["a sum of inputs"],
    "a padded cell": PADDED["a sum of inputs"],
    "a cell beside one that learns": f"""{TOTAL}{STEP}{LAST}
  scan total -> scan step(units) -> last -> dense(units)
  loss mse
}}""".replace("[T, 3]", "[T, 3] padded"),
    "a cell with a block and a cell in it": f"""{TOTAL}block curve {{ tanh -> maxout(1) }}
cell outer {{
  input x
  state h: [3]
  reshape([3, 1]) -> scan total -> last as end
  from x, h -> add -> curve as state h
  from end, h -> concat
}}
{HEAD}  scan outer -> dense(units)
  loss mse
}}""",
    "a block": f"block curve {{ tanh }}\n{HEAD}  curve -> dense(units)\n  loss mse\n}}",
    "a loop": f"{HEAD}  repeat 2 {{ tanh -> relu }}\n  dense(units)\n  loss mse\n}}",
    "a shared block": f"""block curve {{ tanh -> maxout(1) }}
{HEAD}  shared c = curve
  c -> c -> dense(units)
  loss mse
}}""",
    "a shared block that is also behind what learns": f"""block curve {{ tanh -> maxout(1) }}
{HEAD}  shared c = curve
  c -> dense(3) -> c -> dense(units)
  loss mse
}}""",
}
WAYS_OF_BEFORE = ["the state before", "a first state that counts later"]
SIZES = {"T": 4, "S": 3}


def compiled_way(text: str, sizes: dict[str, int] | None = None) -> Compiled:
    """A net with gradients of its inputs."""
    return compile_text(text, input_gradients=True, sizes=sizes or SIZES)


def batch_of(compiled: Compiled, n: int = 3) -> Batch:
    """Random numbers; lengths from 1 to all steps."""
    batch = compiled.batch(n)
    if "x_lengths" in batch:
        batch["x_lengths"] = np.array([1, SIZES["T"], 2, 3])[:n]
    return batch
