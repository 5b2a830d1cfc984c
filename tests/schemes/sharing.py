"""Shared instances, and results that are used several times or not at all."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from schemes.case import Affine, Tensors, case

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
net N {
  input x: real[5]
  target y: real[5]
  shared curve = tanh
  shared flat = flatten
  shared bent = leaky_relu(0.1)
  repeat 2 { curve }
  repeat 2 { dense(5) -> curve -> flat -> curve -> bent
    repeat 2 { bent -> curve } -> dense(5) }
  curve
  loss mse
}
""")
def shared_layers_that_learn_nothing_in_loops(p: Affine, b: Tensors) -> torch.Tensor:
    x = torch.tanh(torch.tanh(b["x"]))
    for i in range(2):
        x = torch.tanh(torch.tanh(p(f"repeat2.{i}.dense1", x)))
        x = F.leaky_relu(x, 0.1)
        for _ in range(2):
            x = torch.tanh(F.leaky_relu(x, 0.1))
        x = p(f"repeat2.{i}.dense2", x)
    return F.mse_loss(torch.tanh(x), b["y"])


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
