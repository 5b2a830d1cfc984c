"""Generated PyTorch files against generated NumPy files: the same weights, step by step."""

from __future__ import annotations

import itertools
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import execute, network_class
from runtime_nets import net_of
from runtime_parts import ACCURACY, EVERYTHING, TARGETS, frame, load, part, script
from safetensors.numpy import load_file

from specc.commands.resume import tensors
from specc.diagnostics import Diagnostics
from specc.options import Options
from specc.pipeline import analyse, generate
from specc.source import Source

SPEC = """
net Small {{
  input image: real[2, 6, 6]
  target digit: label of 3
  conv(4, 3, bias=false) -> batchnorm -> prelu -> layernorm
  flatten -> dense(5) -> tanh -> dense(3)
  loss cross_entropy
}}
train {{
  data npz("a.npz")
  epochs 2
  batch 8
  optimizer {optimizer}
  {lines}
  metric accuracy
}}
"""
OPTIMIZERS = (
    "sgd(0.1)",
    "momentum(0.1, gamma=0.8)",
    "adam(0.01, 0.8, beta2=0.99, eps=1e-7)",
    "adagrad(0.01, eps=1e-7)",
)
KERNELS = ("SGD", "Momentum", "Adam", "Adagrad")
LINES = ("penalty l2(0.1)", "clip 0.5", "schedule piecewise([1, 0.05])", "init he")
ARGS = types.SimpleNamespace(
    seed=3, lr=None, batch=8, device=torch.device("cpu"), amp=False, check_finite=False
)


def module(text: str, target: str, backward: str | None = None) -> Any:
    """A generated file of a target, as a module."""
    options = Options(target=target, backward=backward)
    source = Source("small.net", text)
    code = generate(source, options, output=Path("small.py"), diagnostics=Diagnostics())
    return execute(code.text)


def examples(count: int = 36) -> dict[str, Any]:
    """Examples that are float64, for both targets."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(count, 2, 6, 6))
    return {"image": images, "digit": rng.integers(0, 3, count)}


def trained(text: str, weights: Path, backward: str | None = None) -> list[dict[str, Any]]:
    """Train in NumPy and in PyTorch for two epochs of five steps; all tensors and scores."""
    found = []
    for target in TARGETS:
        made = module(text, target, backward if target == "pytorch" else None)
        rate = 0.1 if "sgd" in text or "momentum" in text else 0.01
        args = types.SimpleNamespace(**vars(ARGS) | {"lr": None if "piecewise" in text else rate})
        data = examples()
        if target == "numpy":
            net = network_class(made)(dtype=np.float64)
            optimizer = next(vars(made)[name] for name in KERNELS if name in vars(made))(net)
            net.save(weights)
        else:
            net = network_class(made)(seed=1).double()
            net.load(weights)
            optimizer = made.make_optimizer(net, rate)
            data = made.as_tensors(data)
        losses = [made.train_epoch(net, optimizer, data, epoch, args) for epoch in range(2)]
        scores = made.evaluate(net, data, 10)
        path = weights.with_name(f"{target}.safetensors")
        net.save(path)
        found.append({**load_file(path), "losses": np.array(losses), **scores})
    return found


def close(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """The same names, and numbers that differ by rounding only."""
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-10, err_msg=name)


CHOSEN = [
    (
        optimizer,
        "\n  ".join(line for line, is_chosen in zip(LINES, chosen, strict=True) if is_chosen),
    )
    for optimizer in OPTIMIZERS
    for chosen in itertools.product((False, True), repeat=len(LINES))
    if chosen[3] == (chosen[0] != chosen[1])  # `init` changes nothing after the first step
]


@pytest.mark.parametrize(("optimizer", "lines"), CHOSEN)
def test_ten_steps_are_those_of_numpy(optimizer: str, lines: str, tmp_path: Path) -> None:
    text = SPEC.format(optimizer=optimizer, lines=lines)
    ours, theirs = trained(text, tmp_path / "start.safetensors")
    close(ours, theirs)
    start = load_file(tmp_path / "start.safetensors")
    weights = [name for name in start if name.endswith("weight")]
    assert not any(np.array_equal(ours[name], start[name]) for name in weights)


def test_ten_steps_with_an_explicit_backward_pass(tmp_path: Path) -> None:
    text = SPEC.format(optimizer=OPTIMIZERS[2], lines="\n  ".join(LINES))
    close(*trained(text, tmp_path / "start.safetensors", "explicit"))


IDLE = """
net Idle {{
  input image: real[2, 6, 6]
  target digit: label of 3
  flatten -> dense(4) as x -> dense(3) as scores
  loss cross_entropy
  from x -> dense(2) as others
  output scores, others
}}
"""


def test_parameters_without_influence_are_penalised_as_in_numpy(tmp_path: Path) -> None:
    train = SPEC[SPEC.index("train") :].replace("metric accuracy", "")
    text = (IDLE + train).format(optimizer=OPTIMIZERS[1], lines=LINES[0])
    close(*trained(text, tmp_path / "start.safetensors"))


# Drawing


@pytest.mark.parametrize(
    ("kind", "size"),
    [("default", None), ("xavier", 2.0), ("he", None), ("normal", 0.1), ("uniform", 0.3)],
)
def test_initial_weights_are_distributed_as_in_numpy(kind: str, size: float | None) -> None:
    samples = []
    for target in TARGETS:
        made = load(*frame(target, init={"kind": kind, "size": size}), net_of(target))
        nets = [dict(vars(made)["Net"](seed).named_parameters()) for seed in range(300)]
        value = {"numpy": lambda p: p.public(p.value), "pytorch": lambda p: p.detach().numpy()}[
            target
        ]
        samples.append({name: np.stack([value(net[name]) for net in nets]) for name in nets[0]})
    ours, theirs = samples
    for name, wanted in ours.items():
        found = theirs[name]
        assert found.shape == wanted.shape
        assert found.std() == pytest.approx(wanted.std(), rel=0.05)
        assert found.mean() == pytest.approx(0, abs=0.1 * float(wanted.std()) + 1e-12)
        if kind not in ("he", "normal"):
            assert np.abs(found).max() == pytest.approx(np.abs(wanted).max(), rel=0.03)


@pytest.mark.parametrize("kind", ["default", "he"])
def test_a_seed_decides_the_weights_and_nothing_else(kind: str) -> None:
    made = load(*frame("pytorch", init={"kind": kind, "size": None}), net_of("pytorch"))
    first, same, other = made.Net(1), made.Net(1), made.Net(2)
    before = torch.get_rng_state()
    first.draw(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.affine1.weight, same.affine1.weight)
    assert not torch.equal(first.affine1.weight, other.affine1.weight)


def test_only_weights_are_drawn_and_penalised() -> None:
    text = SPEC.format(optimizer=OPTIMIZERS[0], lines="penalty l2(0.1)\n  init normal(0)")
    made = module(text, "pytorch")
    net = made.Small()
    chosen = {id(parameter) for parameter in made.weights(net)}
    names = [name for name, p in net.named_parameters() if id(p) in chosen]
    assert names == ["conv1.weight", "dense1.weight", "dense2.weight"]
    assert not any(parameter.any() for parameter in made.weights(net))
    assert (net.layernorm1.weight == 1).all() and (net.prelu1.weight == 0.25).all()
    assert [group["weight_decay"] for group in made.penalised(net) if "weight_decay" in group] == [
        0.1
    ]


# Files


@pytest.mark.parametrize("source", TARGETS)
def test_weights_of_one_target_load_in_the_other(source: str, tmp_path: Path) -> None:
    text = SPEC.format(optimizer=OPTIMIZERS[0], lines="")
    nets = {target: network_class(module(text, target))(seed=5) for target in TARGETS}
    other = next(target for target in TARGETS if target != source)
    images = examples()["image"].astype(np.float32)
    nets[source].save(tmp_path / "w.safetensors")
    nets[other].load(tmp_path / "w.safetensors")
    ours, theirs = (np.asarray(nets[target].predict(images, batch=7)) for target in TARGETS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_wrong_file_changes_nothing_and_is_one_line(tmp_path: Path) -> None:
    made = load(*frame("pytorch"), net_of("pytorch"))
    net, path = made.Net(), tmp_path / "w.safetensors"
    before = {name: x.clone() for name, x in net.state_dict().items()}
    load(*frame(), net_of("numpy")).Net().astype(np.float64).save(path)
    with pytest.raises(made.InputError) as raised:
        net.load(path)
    assert str(raised.value).startswith(
        f"{path}: 'affine1.weight' is ('F64', [10, 12]), needs ('F32'"
    )
    assert all(torch.equal(x, before[name]) for name, x in net.state_dict().items())


def test_the_tensors_of_a_net_are_those_of_its_files(tmp_path: Path) -> None:
    text = """
block part(n) { conv(n, 3, pad=1) -> batchnorm }
net Loops {
  input image: real[2, 6, 6]
  repeat 2 { part(2) -> relu } -> repeat 2 { part(2) } -> repeat 2 { conv(2, 1) }
  shared slope = prelu
  slope -> slope -> flatten -> dense(3)
}
"""
    (shaped,) = analyse(Source("loops.net", text), Diagnostics()).values()
    network_class(module(text, "pytorch"))().save(tmp_path / "w")
    held = {name: list(array.shape) for name, array in load_file(tmp_path / "w").items()}
    assert held == dict(tensors(shaped.function))


# The rest


def test_predict_takes_arrays_and_tensors_of_any_real_type() -> None:
    net = load(*frame("pytorch"), net_of("pytorch")).Net()
    image = np.random.default_rng(0).random((7, 1, 4, 3))
    whole = net.predict(image)
    assert (whole.dtype, whole.requires_grad, net.training) == (torch.float32, False, False)
    torch.testing.assert_close(net.predict(torch.from_numpy(image), batch=3), whole)
    torch.testing.assert_close(net(torch.from_numpy(image).float()), whole)
    pair = load(
        *frame("pytorch", outputs=2),
        net_of("pytorch").replace(
            "return self.affine2(torch.tanh(self.affine1(x)))", "return x, self.affine1(x)"
        ),
    ).Net()
    assert [y.shape for y in pair.predict(image, batch=3)] == [(7, 12), (7, 10)]


class Echo:
    """A network whose output is its input."""

    def predict(self, x: Any, batch: int) -> Any:
        return (x, x) if x.dtype == torch.float64 else x

    def parameters(self) -> Any:
        return iter(())

    def loss(self, x: Any, y: Any, training: bool) -> Any:
        assert not training and not torch.is_grad_enabled()
        return x.mean()


METRICS: list[dict[str, Any]] = [
    {"form": "classes", "axis": 1},
    {"form": "binary", "axis": None},
    {"name": "mae", "form": None},
    {"name": "rmse", "form": None},
    {"name": "loss", "form": None, "target": None},
]


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_are_those_of_numpy(metric: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 3)).astype(np.float32)
    y = (
        rng.integers(0, 3, 7)
        if metric["form"] == "classes"
        else rng.normal(size=(7, 3)).astype("f4")
    )
    context = {"inputs": ["x"], "metrics": ({**ACCURACY, "target": "y", **metric},)}
    ours = load(part("train/batches"), part("train/evaluate", **context)).evaluate
    made = load(*frame("pytorch"), part("train/evaluate", "pytorch", **context)).evaluate

    class Numpy(Echo):
        def loss(self, x: Any, y: Any, training: bool) -> Any:
            return x.mean()

    data = {"x": torch.from_numpy(x), "y": torch.from_numpy(y)}
    wanted, found = ours(Numpy(), {"x": x, "y": y}, 2), made(Echo(), data, 2)
    assert found == {name: pytest.approx(value, rel=1e-6) for name, value in wanted.items()}


def test_clipping_shortens_long_gradients_only() -> None:
    clip = load(part("train/clip", "pytorch")).clip
    short, long, none = torch.full((4,), 2.0), torch.full((4,), 10.0), torch.zeros(4)
    for gradient in (short, long, none):
        clip([gradient])
    assert (short == 2).all() and (none == 0).all()
    torch.testing.assert_close(long, torch.full((4,), 2.5))


def test_clipping_shortens_gradients_whose_squares_overflow() -> None:
    long = [torch.full((2,), 1e38), torch.full((1, 2), 1e38)]
    load(part("train/clip", "pytorch")).clip(long)
    for gradient in long:
        torch.testing.assert_close(gradient, torch.full_like(gradient, 2.5))


def test_scripts_differ_by_what_is_asked_for() -> None:
    assert "torch.manual_seed" not in script(target="pytorch")
    assert "torch.manual_seed" in script(target="pytorch", **EVERYTHING)
    assert "--amp" not in script(target="pytorch", choices={"explicit": True})
