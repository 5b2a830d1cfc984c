"""Bugs planted in generated code: `verify` finds each, and names the tensor that is wrong first."""

from __future__ import annotations

import pytest
from mutations import (
    GRADIENT,
    HANDS_BACK,
    RESULT,
    TOTAL,
    Mutation,
    check_found,
    verified,
    verified_with,
)

POOLS = """\
net Pools {
  input  x: real[2, 7, 7]
  target y: label of 3
  conv(3, 3, pad=1)
  relu
  maxpool(3, stride=2)
  flatten
  dense(3)
  loss cross_entropy
}
"""
STRIDES = """\
net Strides {
  input  x: real[2, 8, 8]
  target y: label of 3
  conv(3, 3)
  tanh
  conv(4, 3, stride=2)
  flatten
  dense(3)
  loss cross_entropy
}
"""
NORMS = """\
net Norms {
  input  x: real[4]
  target y: real[5]
  dense(5, bias=false)
  batchnorm
  relu
  dropout(0.3)
  dense(5)
  loss mse
}
train {
  data      npz("points.npz")
  epochs    1
  batch     4
  optimizer momentum(lr=0.1)
  penalty   l2(0.01)
  clip      0.5
}
"""
PATHS = """\
block enc {
  dense(4)
  tanh
  dense(4)
  sigmoid
}
net Paths {
  input  a: real[4], b: real[4]
  target y: real[3]
  shared e = enc
  from a -> e as u
  from b -> e as v
  from u, v -> add -> dense(4) as h
  from h -> relu as r
  from h -> tanh as t
  from r, t -> concat
  dense(3)
  loss mse
}
"""
SQUARE = """\
net Square {
  input  x: real[4]
  target y: real[4]
  repeat 2 { dense(4) }
  loss mse
}
"""


MUTATIONS = {
    "overlapping max-pool gradient": Mutation(
        POOLS, "d_x[under] += d_y", "d_x[under] = d_y", "maxpool1", 6, HANDS_BACK
    ),
    "border of a max-pool": Mutation(
        POOLS, "y[...] = -np.inf", "y[...] = 0.5", "maxpool1", 6, RESULT
    ),
    "stride remainder": Mutation(
        STRIDES,
        "::down_step, ::across_step",
        "down_step - 1 :: down_step, across_step - 1 :: across_step",
        "conv2",
        6,
        RESULT,
    ),
    "gradient of a bias": Mutation(
        STRIDES,
        "np.matmul(ones, pixels, out=self.bias.gradient)",
        "np.matmul(ones / 2, pixels, out=self.bias.gradient)",
        "conv2.bias",
        6,
        GRADIENT,
    ),
    "gradient of an activation": Mutation(
        STRIDES,
        "d_conv1 = tanh_backward(d_tanh1, tanh1, out=d_tanh1)",
        "d_conv1 = d_tanh1",
        "conv1",
        4,
        TOTAL,
    ),
    "scale of a loss": Mutation(
        STRIDES,
        "d_z = y * (self.scale / len(label))",
        "d_z = y * self.scale",
        "cross_entropy1",
        9,
        HANDS_BACK,
    ),
    "batch norm after dense": Mutation(
        NORMS, "count = x.size // len(mean)", "count = len(mean)", "batchnorm1", 5, HANDS_BACK
    ),
    "biased running variance": Mutation(
        NORMS, "(count / (count - 1))", "1", "batchnorm1.running_var", 5, "buffers"
    ),
    "evaluation with the batch's statistics": Mutation(
        NORMS,
        "self.moments(x) if training else",
        "self.moments(x) if True else",
        "batchnorm1",
        5,
        RESULT,
    ),
    "dropout scale": Mutation(NORMS, "1 / (1 - self.rate)", "1", "dropout1", 7, RESULT),
    "penalty on the biases": Mutation(
        NORMS,
        "size = net.penalised",
        "size = len(net.values)",
        "dense1.weight",
        4,
        "weights after",
    ),
    "no momentum": Mutation(NORMS, "v *= 0.9", "v *= 0", "dense1.weight", 4, "weights after"),
    "swapped paths of a concat": Mutation(
        PATHS, "forward([r, t], training)", "forward([t, r], training)", "concat1", 16, RESULT
    ),
    "forgotten sum of a fan-out": Mutation(PATHS, "d_h += ", "d_h + ", "dense1", 13, TOTAL),
    "shared block that overwrites what it kept": Mutation(
        PATHS,
        "tanh1, sigmoid1 = self.calls.pop()",
        "tanh1, sigmoid1 = self.calls[-1]",
        "e.dense2",
        4,
        TOTAL,
    ),
    "shared layer that forgets its first call": Mutation(
        PATHS,
        "self.weight.gradient += d_rows.T @ rows",
        "self.weight.gradient[...] = d_rows.T @ rows",
        "e.dense2.weight",
        4,
        GRADIENT,
    ),
    "transposed weight": Mutation(
        NORMS, "self.weight.value.T, out", "self.weight.value, out", "dense1", 4, "fails"
    ),
    "transposed square weight": Mutation(
        SQUARE, "self.weight.value.T, out", "self.weight.value, out", "repeat1.0", 4, RESULT
    ),
    "another activation in PyTorch": Mutation(
        PATHS, "torch.tanh(h)", "torch.sigmoid(h)", "tanh1", 15, RESULT, "pytorch"
    ),
    "another name in PyTorch": Mutation(
        POOLS, "self.dense1", "self.dense_1", "dense1.weight", 8, "missing", "pytorch"
    ),
}


@pytest.mark.parametrize(
    "text", [POOLS, STRIDES, NORMS, PATHS, SQUARE], ids=lambda t: t.split("{")[0]
)
def test_the_originals_pass(text: str) -> None:
    assert verified(text).failure is None


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_found(MUTATIONS[name], monkeypatch)


@pytest.mark.parametrize(
    "name",
    ["overlapping max-pool gradient", "gradient of a bias", "forgotten sum of a fan-out"],
)
def test_finite_differences_find_wrong_gradients(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By themselves: they do not look at the other target."""
    checks = verified_with(MUTATIONS[name], monkeypatch).checks
    found = next(check for check in checks if check.quantity == "finite differences")
    assert len(found.failed) == len(found.errors) == 5
