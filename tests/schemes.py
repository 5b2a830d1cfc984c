"""Small networks, each with one thing that a backward pass easily gets wrong, and the same in
PyTorch, written by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional as F

Parameters = Mapping[str, torch.Tensor]
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Case:
    """A spec and the same in PyTorch: the loss, from parameters by name and a batch."""

    spec: str
    oracle: Callable[[Affine, Tensors], torch.Tensor]


class Affine:
    """The parameters of a network, to be applied by name."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def __call__(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Dense layer or convolution, by the rank of its weight; padding keeps the size."""
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        if weight.ndim == 2:
            return F.linear(x, weight, bias)
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


CASES: dict[str, Case] = {}


def case(spec: str) -> Callable[[Callable[[Affine, Tensors], torch.Tensor]], None]:
    """Note a case under the name of its oracle."""

    def note(oracle: Callable[[Affine, Tensors], torch.Tensor]) -> None:
        CASES[oracle.__name__] = Case(spec, oracle)

    return note


# ---------------------------------------------------------------- shared instances


@case("""
block enc(units) { dense(units) -> relu -> dense(units) -> tanh }
net N {
  input a: real[6], b: real[6]
  target y: real[4]
  shared e = enc(8)
  from a -> e as ea
  from b -> e as eb
  from ea, eb -> concat -> dense(4)
  loss mse
}
""")
def shared_block_with_kept_values_called_twice(p: Affine, b: Tensors) -> torch.Tensor:
    def enc(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(p("e.dense2", torch.relu(p("e.dense1", x))))

    return F.mse_loss(p("dense1", torch.cat((enc(b["a"]), enc(b["b"])), 1)), b["y"])


@case("""
block enc { dense(6) -> relu -> dense(6) -> sigmoid }
net N {
  input x: real[6]
  target y: real[6]
  shared e = enc
  e -> e as twice
  repeat 3 { e -> tanh }
  e
  loss mse
}
""")
def shared_block_on_its_own_result_and_in_a_loop(p: Affine, b: Tensors) -> torch.Tensor:
    def enc(x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(p("e.dense2", torch.relu(p("e.dense1", x))))

    x = enc(enc(b["x"]))
    for _ in range(3):
        x = torch.tanh(enc(x))
    return F.mse_loss(enc(x), b["y"])


@case("""
net N {
  input x: real[2, 6, 6]
  target y: label of 3
  shared c = conv(2, 3, pad=1)
  shared q = prelu
  shared m = maxpool(2)
  c -> q -> c -> relu -> m -> c -> q -> m -> flatten -> dense(3)
  loss cross_entropy
}
""")
def shared_layers_of_several_kinds(p: Affine, b: Tensors) -> torch.Tensor:
    slope = p.parameters["q.weight"]
    x = F.prelu(p("c", b["x"]), slope)
    x = F.max_pool2d(torch.relu(p("c", x)), 2)
    x = F.max_pool2d(F.prelu(p("c", x), slope), 2)
    return F.cross_entropy(p("dense1", x.flatten(1)), b["y"])


@case("""
net N {
  input x: real[5]
  target y: real[5]
  shared core = dense(5)
  core -> relu as base
  repeat 3 { dense(5) -> relu as h
    from h, base -> add -> core -> tanh }
  core
  loss mse
}
""")
def shared_layer_around_and_in_a_loop_that_reads_an_outer_tensor(
    p: Affine, b: Tensors
) -> torch.Tensor:
    base = x = torch.relu(p("core", b["x"]))
    for i in range(3):
        h = torch.relu(p(f"repeat1.{i}.dense1", x))
        x = torch.tanh(p("core", h + base))
    return F.mse_loss(p("core", x), b["y"])


@case("""
block enc { input a, b
  from a -> dense(4) -> tanh as u
  from b -> dense(4) -> relu as v
  from u, v -> multiply as w
  output w, v }
net N {
  input x: real[4]
  target y: real[4]
  shared e = enc
  dense(4) as h
  from x, h -> e as (p, q)
  from p, q -> e as (r, _)
  from r, q -> e as (_, s)
  from s, r -> add
  loss mse
}
""")
def shared_block_with_several_results_not_all_of_them_used(p: Affine, b: Tensors) -> torch.Tensor:
    def enc(x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        v = torch.relu(p("e.dense2", z))
        return torch.tanh(p("e.dense1", x)) * v, v

    first, second = enc(b["x"], p("dense1", b["x"]))
    third, _ = enc(first, second)
    _, fourth = enc(third, second)
    return F.mse_loss(fourth + third, b["y"])


# ---------------------------------------------------------------- memory


@case("""
net N {
  input x: real[6]
  target y: real[6]
  dense(6) as h
  add { path {} path { dense(6) } } -> relu -> dense(6) as g
  add { path { relu } path {} path { tanh } }
  loss mse
}
""")
def identity_path_before_an_in_place_gradient(p: Affine, b: Tensors) -> torch.Tensor:
    h = p("dense1", b["x"])
    g = p("dense3", torch.relu(h + p("dense2", h)))
    return F.mse_loss(torch.relu(g) + g + torch.tanh(g), b["y"])


@case("""
net N {
  input x: real[6]
  target y: real[6]
  dense(6) -> relu as r
  dense(6) -> sigmoid as s
  from r -> tanh as t
  from r, s, t -> multiply as m
  add { path {} path { dense(6) } }
  loss mse
}
""")
def result_used_after_an_activation(p: Affine, b: Tensors) -> torch.Tensor:
    r = torch.relu(p("dense1", b["x"]))
    m = r * torch.sigmoid(p("dense2", r)) * torch.tanh(r)
    return F.mse_loss(m + p("dense3", m), b["y"])


@case("""
block blk { dense(4) -> tanh }
net N {
  input x: real[4]
  target y: real[4]
  dense(4) as a
  blk as r
  from a -> tanh as b
  from r, b -> add
  loss mse
}
""")
def argument_of_a_block_overwritten_after_the_call(p: Affine, b: Tensors) -> torch.Tensor:
    a = p("dense1", b["x"])
    return F.mse_loss(torch.tanh(p("blk1.dense1", a)) + torch.tanh(a), b["y"])


@case("""
block shortcut(stride) { if stride != 1 { dense(4) } }
net N {
  input x: real[4]
  target y: real[4]
  dense(4) as a
  shortcut(1) as r
  from a -> tanh as b
  from r, b -> multiply -> add { path { relu } path { shortcut(2) } path { shortcut(1) } }
  loss mse
}
""")
def block_that_hands_its_argument_on(p: Affine, b: Tensors) -> torch.Tensor:
    a = p("dense1", b["x"])
    m = a * torch.tanh(a)
    return F.mse_loss(torch.relu(m) + p("shortcut2.dense1", m) + m, b["y"])


@case("""
block j { input a, b
  from a, b -> add -> dense(5) }
block jj { input c, d
  from c, d -> j }
net N {
  input x: real[5]
  target y: real[2]
  dense(5) -> relu as p
  from x -> dense(5) -> tanh as q
  from p, q -> jj -> dense(2)
  loss mse
}
""")
def block_that_returns_one_gradient_for_two_inputs(p: Affine, b: Tensors) -> torch.Tensor:
    first, second = torch.relu(p("dense1", b["x"])), torch.tanh(p("dense2", b["x"]))
    return F.mse_loss(p("dense3", p("jj1.j1.dense1", first + second)), b["y"])


@case("""
net N {
  input x: real[2, 4, 4]
  target y: real[8]
  conv(2, 3, pad=1) as c
  flatten as f
  from c -> relu -> flatten -> dense(8) as d
  from f -> tanh -> dense(8) as e
  from f -> reshape([4, 8]) -> sigmoid -> reshape([32]) -> dense(8)
  add { path {} path { reshape([2, 4]) -> tanh -> reshape([8]) } }  as g
  from d, e, g -> add
  loss mse
}
""")
def views_of_one_array(p: Affine, b: Tensors) -> torch.Tensor:
    c = p("conv1", b["x"])
    f = c.flatten(1)
    g = p("dense3", torch.sigmoid(f))
    total = p("dense1", torch.relu(f)) + p("dense2", torch.tanh(f)) + g + torch.tanh(g)
    return F.mse_loss(total, b["y"])


@case("""
net N {
  input x: real[3, 4, 4]
  target y: label of 3
  concat {
    path {}
    path { conv(2, 3, pad=1) -> relu }
    path { maxpool(3, stride=1, pad=1) -> conv(2, 1) -> sigmoid }
  } as j
  concat { path { tanh } path { relu } }
  global_avgpool -> dense(3) as u
  from j -> relu -> flatten -> dense(3) as v
  from u, v -> add
  loss cross_entropy
}
""")
def slices_of_one_gradient(p: Affine, b: Tensors) -> torch.Tensor:
    x = b["x"]
    pooled = F.max_pool2d(x, 3, 1, 1)
    j = torch.cat((x, torch.relu(p("conv1", x)), torch.sigmoid(p("conv2", pooled))), 1)
    u = p("dense1", torch.cat((torch.tanh(j), torch.relu(j)), 1).mean((2, 3)))
    return F.cross_entropy(u + p("dense2", torch.relu(j).flatten(1)), b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  target z: real[2]
  dense(4) as p
  loss mse(target=y)
  tanh -> dense(2) as q
  loss mse(target=z, scale=0.5)
  output q
}
""")
def prediction_used_after_its_loss(p: Affine, b: Tensors) -> torch.Tensor:
    first = p("dense1", b["x"])
    second = p("dense2", torch.tanh(first))
    return F.mse_loss(first, b["y"]) + 0.5 * F.mse_loss(second, b["z"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  multiply { path { dense(4) -> sigmoid } path {} } as p
  from p, p -> multiply as q
  from q, q -> add as r
  from r, r, r -> concat -> dense(4) -> sigmoid as s
  from s, p, s -> multiply
  loss mse
}
""")
def one_tensor_twice_in_one_join(p: Affine, b: Tensors) -> torch.Tensor:
    first = torch.sigmoid(p("dense1", b["x"])) * b["x"]
    r = 2 * first**2
    s = torch.sigmoid(p("dense2", torch.cat((r, r, r), 1)))
    return F.mse_loss(s * first * s, b["y"])


# ---------------------------------------------------------------- results and sums


@case("""
block two(units) {
  dense(units) -> relu as h
  dense(units) -> tanh as g
  output h, g
}
net N {
  input x: real[5]
  target y: real[5]
  two(5) as (u, v)
  from v -> two(5) as (s, _)
  from s -> two(5) as (_, t)
  from u, v, s, t -> add
  loss mse
}
""")
def result_of_a_block_unused_at_some_calls(p: Affine, b: Tensors) -> torch.Tensor:
    def two(name: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = torch.relu(p(f"{name}.dense1", x))
        return h, torch.tanh(p(f"{name}.dense2", h)) if name != "two2" else h

    u, v = two("two1", b["x"])
    s, _ = two("two2", v)
    _, t = two("two3", s)
    return F.mse_loss(u + v + s + t, b["y"])


@case("""
block two {
  dense(5) as u
  from in -> dense(5) -> tanh as v
  output u, v
}
net N {
  input x: real[5]
  target y: real[5]
  two as (a, b)
  from a, b -> add as s
  two as (c, d)
  from c, d, s -> add
  loss mse
}
""")
def one_gradient_for_two_results_of_a_block(p: Affine, b: Tensors) -> torch.Tensor:
    def two(name: str, x: torch.Tensor) -> torch.Tensor:
        return p(f"{name}.dense1", x) + torch.tanh(p(f"{name}.dense2", x))

    s = two("two1", b["x"])
    return F.mse_loss(two("two2", s) + s, b["y"])


@case("""
block two { dense(5) -> relu as h
  dense(5) as g
  output h, g }
net N {
  input x: real[5]
  target y: real[5], z: real[5]
  two as (u, v)
  from u, v -> add -> relu as w
  from w, u -> concat -> dense(5) as r
  from r -> loss mse(target=y)
  from v -> loss l1(target=z, scale=0.3)
  output v, r, u
}
""")
def outputs_used_twice_with_two_losses(p: Affine, b: Tensors) -> torch.Tensor:
    u = torch.relu(p("two1.dense1", b["x"]))
    v = p("two1.dense2", u)
    r = p("dense1", torch.cat((torch.relu(u + v), u), 1))
    return F.mse_loss(r, b["y"]) + 0.3 * F.l1_loss(v, b["z"])


@case("""
block sk { input x, skip, more
  from x -> dense(5) -> tanh as t
  from skip, t, skip -> add as s
  from s, more -> concat -> dense(5) }
net N {
  input a: real[5], b: real[5]
  target y: real[5]
  dense(5) -> relu as h
  from h, a, b -> sk as k
  from k, h, k -> sk as m
  from m, m, m -> sk
  loss mse
}
""")
def block_with_several_inputs(p: Affine, b: Tensors) -> torch.Tensor:
    def sk(name: str, x: torch.Tensor, skip: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
        s = 2 * skip + torch.tanh(p(f"{name}.dense1", x))
        return p(f"{name}.dense2", torch.cat((s, more), 1))

    h = torch.relu(p("dense1", b["a"]))
    k = sk("sk1", h, b["a"], b["b"])
    r = sk("sk2", k, h, k)
    return F.mse_loss(sk("sk3", r, r, r), b["y"])


@case("""
net N {
  input a: real[4], b: real[3]
  target y: real[2]
  dense(4) -> tanh as h
  from b -> dense(4) as g
  from h, g -> multiply -> dense(2)
  loss mse
}
""")
def several_inputs_of_the_net(p: Affine, b: Tensors) -> torch.Tensor:
    h, g = torch.tanh(p("dense1", b["a"])), p("dense2", b["b"])
    return F.mse_loss(p("dense3", h * g), b["y"])


# ---------------------------------------------------------------- loops


@case("""
net N {
  input x: real[5]
  target y: real[5]
  dense(5) -> tanh as p
  from x -> dense(5) -> tanh as q
  repeat 3 { tanh -> dense(5) as h
    from h, p, q -> add -> tanh as k
    from k, q -> multiply -> relu }
  add { path {} path { from p } path { from q -> relu } }
  loss mse
}
""")
def outer_tensors_read_in_a_loop(p: Affine, b: Tensors) -> torch.Tensor:
    first, q = torch.tanh(p("dense1", b["x"])), torch.tanh(p("dense2", b["x"]))
    x = q
    for i in range(3):
        h = p(f"repeat1.{i}.dense1", torch.tanh(x))
        x = torch.relu(torch.tanh(h + first + q) * q)
    return F.mse_loss(x + first + torch.relu(q), b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[6]
  for i in range(3) { dense(4) -> relu as tap[i] }
  for i in range(3) { dense(6) as m
    from tap[2 - i] -> dense(6) as t
    from m, t -> add -> softplus } as out
  from out, tap[0], tap[0] -> concat -> dense(6)
  loss mse
}
""")
def taps_read_by_a_second_loop(p: Affine, b: Tensors) -> torch.Tensor:
    taps, x = [], b["x"]
    for i in range(3):
        x = torch.relu(p(f"for1.{i}.dense1", x))
        taps.append(x)
    for i in range(3):
        x = F.softplus(p(f"for2.{i}.dense1", x) + p(f"for2.{i}.dense2", taps[2 - i]))
    return F.mse_loss(p("dense1", torch.cat((x, taps[0], taps[0]), 1)), b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  for i in range(4) { dense(4) -> tanh -> dense(4) -> relu as tap[i] }
  from tap[0], tap[2], tap[0] -> multiply as q
  from q, tap[1] -> add -> relu
  loss mse
}
""")
def last_result_of_a_loop_used_only_through_taps(p: Affine, b: Tensors) -> torch.Tensor:
    taps, x = [], b["x"]
    for i in range(4):
        x = torch.relu(p(f"for1.{i}.dense2", torch.tanh(p(f"for1.{i}.dense1", x))))
        taps.append(x)
    return F.mse_loss(torch.relu(taps[0] * taps[2] * taps[0] + taps[1]), b["y"])


@case("""
block dense_layer(growth) { concat { path {} path { tanh -> conv(growth, 3, pad=1) } } }
block stage(layers, growth) {
  repeat layers { dense_layer(growth) }
  conv(in.channels + 1, 1) -> avgpool(2)
}
net N {
  input x: real[2, 8, 8]
  target y: label of 3
  for n in [2, 3] { stage(n, 2) }
  repeat 2 { repeat 2 { conv(3, 3, pad=1) -> relu }
    sigmoid }
  flatten -> dense(3)
  loss cross_entropy
}
""")
def nested_loops_with_growing_channels(p: Affine, b: Tensors) -> torch.Tensor:
    x = b["x"]
    for s, layers in enumerate((2, 3)):
        for i in range(layers):
            x = torch.cat((x, p(f"for1.{s}.repeat1.{i}.conv1", torch.tanh(x))), 1)
        x = F.avg_pool2d(p(f"for1.{s}.conv1", x), 2)
    for i in range(2):
        for j in range(2):
            x = torch.relu(p(f"repeat1.{i}.repeat1.{j}.conv1", x))
        x = torch.sigmoid(x)
    return F.cross_entropy(p("dense1", x.flatten(1)), b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  shared core = dense(4)
  dense(4) -> tanh as base
  repeat 2 {
    dense(4) -> relu as h
    repeat 2 { core -> tanh as k
      from k, base, h -> add -> sigmoid }
  }
  loss mse
}
""")
def outer_tensors_read_two_loops_deep(p: Affine, b: Tensors) -> torch.Tensor:
    base = x = torch.tanh(p("dense1", b["x"]))
    for i in range(2):
        h = x = torch.relu(p(f"repeat1.{i}.dense1", x))
        for _ in range(2):
            x = torch.sigmoid(torch.tanh(p("core", x)) + base + h)
    return F.mse_loss(x, b["y"])


@case("""
block climb(n) {
  for i in range(n) { dense(4) -> relu as h
    from h, in -> add -> tanh as level[i] }
  from level[0], level[n - 1] -> multiply
}
net N {
  input x: real[4]
  target y: real[4]
  dense(4) -> climb(2) -> climb(3)
  repeat 0 { dense(4) }
  loss mse
}
""")
def loop_that_reads_the_incoming_tensor_of_its_block(p: Affine, b: Tensors) -> torch.Tensor:
    x = p("dense1", b["x"])
    for name, n in (("climb1", 2), ("climb2", 3)):
        start, levels = x, []
        for i in range(n):
            x = torch.tanh(torch.relu(p(f"{name}.for1.{i}.dense1", x)) + start)
            levels.append(x)
        x = levels[0] * levels[-1]
    return F.mse_loss(x, b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  dense(4) as base
  for i in range(4) {
    if i % 2 == 0 { dense(4) -> tanh } else { dense(4) -> relu -> dense(4) as q
      from q, base -> multiply }
    if i > 1 { sigmoid as tap[i] }
  }
  add { path {} path { from tap[2] } path { from tap[3] -> tanh } }
  loss mse
}
""")
def iterations_of_different_variants(p: Affine, b: Tensors) -> torch.Tensor:
    base = x = p("dense1", b["x"])
    taps = {}
    for i in range(4):
        if i % 2 == 0:
            x = torch.tanh(p(f"for1.{i}.dense1", x))
        else:
            x = p(f"for1.{i}.dense3", torch.relu(p(f"for1.{i}.dense2", x))) * base
        if i > 1:
            x = taps[i] = torch.sigmoid(x)
    return F.mse_loss(x + taps[2] + torch.tanh(taps[3]), b["y"])


# ---------------------------------------------------------------- variants


@case("""
block nested(depth) {
  if depth > 0 { add { path { dense(4) -> relu } path { nested(depth - 1) } } }
  else { dense(4) -> tanh }
}
net N {
  input x: real[4]
  target y: real[4]
  nested(3)
  loss mse
}
""")
def recursion_that_ends(p: Affine, b: Tensors) -> torch.Tensor:
    def nested(depth: int, path: str, x: torch.Tensor) -> torch.Tensor:
        if depth == 0:
            return torch.tanh(p(f"{path}.dense2", x))
        inner = nested(depth - 1, f"{path}.nested1", x)
        return torch.relu(p(f"{path}.dense1", x)) + inner

    return F.mse_loss(nested(3, "nested1", b["x"]), b["y"])


@case("""
block residual(channels, widen = false) {
  add {
    path { conv(channels, 3, pad=1) -> tanh -> conv(channels, 3, pad=1) }
    path { if widen or in.channels != channels { conv(channels, 1) } }
  }
  relu
}
net N {
  input x: real[2, 4, 4]
  target y: label of 3
  residual(2) -> residual(4) -> residual(4) -> residual(4, true)
  global_avgpool -> dense(3)
  loss cross_entropy
}
""")
def variants_of_a_block(p: Affine, b: Tensors) -> torch.Tensor:
    x = b["x"]
    for i, projects in enumerate((False, True, False, True), start=1):
        inner = p(f"residual{i}.conv2", torch.tanh(p(f"residual{i}.conv1", x)))
        x = torch.relu(inner + (p(f"residual{i}.conv3", x) if projects else x))
    return F.cross_entropy(p("dense1", x.mean((2, 3))), b["y"])


@case("""
block unit(features) { add { path { dense(features) -> tanh } path {} } }
block stage(features, layers) {
  if in.features != features { dense(features) }
  repeat layers { unit(features) }
}
net N {
  input x: real[4]
  target y: real[6]
  stage(4, 2) -> stage(6, 1)
  loss mse
}
""")
def one_loop_in_two_variants(p: Affine, b: Tensors) -> torch.Tensor:
    x = b["x"]
    for i in range(2):
        x = x + torch.tanh(p(f"stage1.repeat1.{i}.dense1", x))
    x = p("stage2.dense1", x)
    x = x + torch.tanh(p("stage2.repeat1.0.dense1", x))
    return F.mse_loss(x, b["y"])


@case("""
block res(channels, act = true) {
  dense(channels) -> tanh
  if act { sigmoid -> dense(2 * channels) }
}
block stack(widths) { for w in widths { res(w, act = w > 4) } }
net N {
  input x: real[3]
  target y: real[4]
  for w in [4, 5, 4, 6] { res(w, act = w > 4) }
  stack([5, 4, 6])
  stack([7, 3, 5])
  dense(4)
  loss mse
}
""")
def variants_that_alternate_in_a_loop_over_sizes(p: Affine, b: Tensors) -> torch.Tensor:
    x = b["x"]
    loops = {"for1": [4, 5, 4, 6], "stack1.for1": [5, 4, 6], "stack2.for1": [7, 3, 5]}
    for loop, widths in loops.items():
        for i, width in enumerate(widths):
            x = torch.tanh(p(f"{loop}.{i}.dense1", x))
            x = p(f"{loop}.{i}.dense2", torch.sigmoid(x)) if width > 4 else x
    return F.mse_loss(p("dense1", x), b["y"])


@case("""
net N {
  input x: real[4]
  target y: real[4]
  shared s = dense(4)
  repeat 2 { s -> tanh }
  loss mse
}
""")
def a_loop_that_learns_by_a_shared_layer_alone(p: Affine, b: Tensors) -> torch.Tensor:
    return F.mse_loss(torch.tanh(p("s", torch.tanh(p("s", b["x"])))), b["y"])


@case("""
block mse(n) { dense(n) -> tanh }
net N {
  input x: real[3]
  target y: real[2]
  mse(4) -> dense(2)
  loss mse
}
""")
def a_block_that_is_called_like_the_loss(p: Affine, b: Tensors) -> torch.Tensor:
    return F.mse_loss(p("dense1", torch.tanh(p("mse1.dense1", b["x"]))), b["y"])


# ---------------------------------------------------------------- how it looks

LONG_NAMES = """
block a_block_with_a_very_long_name_indeed(
  a_parameter_with_a_long_name, another_parameter_with_a_long_name, a_third_parameter = 3
) {
  input the_first_of_the_inputs, the_second_of_the_inputs, the_third_of_the_inputs
  from the_first_of_the_inputs ->
    conv(a_parameter_with_a_long_name * another_parameter_with_a_long_name, a_third_parameter, pad=1) ->
      relu as the_first_of_the_results
  from the_second_of_the_inputs ->
    conv(a_parameter_with_a_long_name * another_parameter_with_a_long_name, a_third_parameter, pad=1) ->
      sigmoid as the_second_of_the_results
  from the_first_of_the_results, the_second_of_the_results ->
      multiply ->
      tanh as the_third_of_the_results
  from the_first_of_the_results, the_third_of_the_inputs, the_second_of_the_results, the_third_of_the_results ->
      add as the_sum_of_them_all
  output the_first_of_the_results, the_second_of_the_results, the_sum_of_them_all
}
net LongNames {
  input a_picture_of_something_large: real[4, 8, 8]
  input another_picture_of_something: real[4, 8, 8]
  input a_third_picture_of_something: real[4, 8, 8]
  input vector_of_numbers: real[4]
  target a_target_with_a_long_name: real[4], another_target_with_a_long_name: real[4, 8, 8]
  from a_picture_of_something_large, another_picture_of_something, a_third_picture_of_something ->
    a_block_with_a_very_long_name_indeed(2, 2) as (
      the_first_result_of_block, the_second_result_of_block, the_third_result_of_block
    )
  from the_first_result_of_block, the_second_result_of_block, the_third_result_of_block, a_picture_of_something_large ->
      add as a_long_sum_of_many_things
  shared a_shared_convolution = conv(4, 3, pad=1)
  repeat 3 {
    a_shared_convolution -> relu as the_result_of_the_convolution
    from the_result_of_the_convolution, the_second_result_of_block, the_third_result_of_block, a_long_sum_of_many_things ->
      a_fourway
  } as after_all_the_repetitions
  for the_variable_of_the_loop in range(6) { conv(4, 3, pad=1) ->
      relu as some_long_tap_of_the_loop[the_variable_of_the_loop] }
  from some_long_tap_of_the_loop[0], some_long_tap_of_the_loop[1], some_long_tap_of_the_loop[2], some_long_tap_of_the_loop[3], after_all_the_repetitions ->
      multiply as a_very_long_product
  from a_very_long_product, some_long_tap_of_the_loop[4], some_long_tap_of_the_loop[5] ->
      concat as a_concatenation_of_tensors
  conv(4, 1) as the_prediction_of_the_net
  from the_prediction_of_the_net -> loss mse(target=another_target_with_a_long_name)
  global_avgpool as a_summary_of_the_image
  from a_summary_of_the_image, vector_of_numbers -> concat -> dense(4) as another_prediction
  loss mse(target=a_target_with_a_long_name, scale=0.125)
  output another_prediction, the_prediction_of_the_net, a_very_long_product
}
block a_fourway { input the_first_of_all, the_second_of_all, the_third_of_all, the_fourth_of_all
  from the_first_of_all, the_second_of_all, the_third_of_all, the_fourth_of_all ->
      multiply ->
      conv(4, 3, pad=1) ->
      tanh }
"""  # noqa: E501 - names in one list stand on one line
"""Hardly a statement of this network fits on a line."""
