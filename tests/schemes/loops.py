"""Loops, taps, and blocks in several variants."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from schemes.case import Affine, Tensors, case

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
net N {
  input x: real[4]
  target y: real[4]
  for i in range(2) { dense(4) -> tanh as tap[i] }
  from tap[1] as second
  dense(4) -> loss mse
  from tap[0] -> loss mse(target=x, scale=0.5)
  output tap[0], second
}
""")
def taps_in_losses_and_outputs(p: Affine, b: Tensors) -> torch.Tensor:
    taps, x = [], b["x"]
    for i in range(2):
        x = torch.tanh(p(f"for1.{i}.dense1", x))
        taps.append(x)
    first = F.mse_loss(p("dense1", taps[1]), b["y"])
    return first + 0.5 * F.mse_loss(taps[0], b["x"].detach())


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
