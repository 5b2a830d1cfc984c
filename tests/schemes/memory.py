"""Memory that several tensors share."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from schemes.case import Affine, Tensors, case


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
