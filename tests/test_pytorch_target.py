"""The PyTorch file of a spec computes what its NumPy file computes, with the same names.

Output, loss and gradients of both in float64, with equal weights, for every op and every shape of
a backward pass; the two have nothing in common but the spec.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from compiled import compile_text, worst
from op_samples import SAMPLES, batch_of, draws_masks, settle, spec_of, the_layer
from pytorch_files import BOUND, FORMS, as_tensors, check_same, numbers, pytorch_code, pytorch_net
from schemes import CASES

from specc.files import fingerprint
from specc.ops.registry import ops
from specc.rendering import kernel_classes
from specc.resources import resource
from specc.small import small_settings
from specc.targets.base import Target
from specc.targets.registry import targets


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("index", range(len(SAMPLES)), ids=lambda i: f"{SAMPLES[i][1].call}-{i}")
def test_op(index: int, tmp_path: Path) -> None:
    op, sample = SAMPLES[index]
    text = spec_of(op, sample)
    compiled = settle(compile_text(text, input_gradients=True))
    if draws_masks(compiled):
        pytest.skip("draws random numbers")
    for backward in FORMS:
        code = pytorch_code(text, input_gradients=True, backward=backward)
        check_same(compiled, code, batch_of(compiled, 3), tmp_path)


@pytest.mark.parametrize("name", sorted(path.stem for path in resource("specs").glob("*.net")))
def test_shipped_spec(name: str, tmp_path: Path) -> None:
    """At a small size; without dropout, which draws other masks."""
    path = resource("specs", f"{name}.net")
    text = re.sub(r"dropout\(.*?\)", "dropout(0)", path.read_text("utf-8"))
    text = re.sub(r"dropout=[\d.]+", "dropout=0", text)
    settings = tuple(f"{name}={value}" for name, value in small_settings(path).items())
    for net in re.findall(r"^net (\w+)", text, re.MULTILINE):
        compiled = compile_text(text, settings=settings, net=net, path=path, sizes={"T": 5})
        for backward in FORMS:
            code = pytorch_code(text, settings=settings, net=net, backward=backward, path=path)
            check_same(compiled, code, compiled.batch(3), tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_scheme(name: str, tmp_path: Path) -> None:
    text = CASES[name].spec
    for inputs in (False, True):
        compiled = compile_text(text, input_gradients=inputs)
        for backward in FORMS:
            code = pytorch_code(text, input_gradients=inputs, backward=backward)
            check_same(compiled, code, compiled.batch(3), tmp_path)


@pytest.mark.parametrize("backward", FORMS)
def test_a_loss_that_depends_on_no_parameter(backward: str, tmp_path: Path) -> None:
    text = """
net N {
  input x: real[4]
  target y: real[4]
  dense(3) as h
  from x -> loss mse
  output h
}
"""
    compiled = compile_text(text)
    check_same(compiled, pytorch_code(text, backward=backward), compiled.batch(3), tmp_path)


@pytest.mark.parametrize("backward", FORMS)
def test_parameters_that_the_loss_does_not_depend_on(backward: str, tmp_path: Path) -> None:
    """Their gradients are zero, as are those of a step before."""
    text = """
block twice(units) { dense(units) -> tanh -> dense(units) }
net N {
  input x: real[4]
  target y: real[3]
  dense(4) as h
  from h -> twice(4) as unused
  from h -> dense(3) as p
  from p -> loss mse
  output p, unused
}
"""
    compiled = compile_text(text)
    code = pytorch_code(text, backward=backward)
    check_same(compiled, code, compiled.batch(3), tmp_path)


@pytest.mark.parametrize("backward", FORMS)
@pytest.mark.parametrize("name", CASES)
def test_gradients_of_a_second_step_are_its_own(name: str, backward: str) -> None:
    text = CASES[name].spec
    compiled = compile_text(text)
    net = pytorch_net(pytorch_code(text, backward=backward))
    first, second = (as_tensors(compiled.batch(3, seed)) for seed in (1, 2))
    net.loss(**second)
    wanted = {name: numbers(g).copy() for name, g in net.backward().items()}
    net.loss(**first)  # a step that is left off
    net.loss(**first)
    net.backward()
    net.loss(**second)
    assert worst({name: numbers(g) for name, g in net.backward().items()}, wanted) < BOUND


def test_explicit_passes_use_no_autograd() -> None:
    code = pytorch_code(CASES["views_of_one_array"].spec, backward="explicit")
    net = pytorch_net(code)
    batch = as_tensors(compile_text(CASES["views_of_one_array"].spec).batch(3))
    assert net.loss(**batch).grad_fn is None
    with torch.inference_mode():
        net.loss(**batch)
        assert all(g.grad_fn is None for g in net.backward().values())


@pytest.mark.parametrize("target", targets().values(), ids=lambda target: target.name)
def test_target_has_every_op(target: Target) -> None:
    """No hole in the table of targets: what it names is there."""
    for op in ops().values():
        layer = the_layer(compile_text(spec_of(op, op.samples[0])), op)
        forward, backward = target.forward_of(layer), target.backward_of(layer)
        if forward.startswith("nn."):
            assert hasattr(torch.nn, forward.removeprefix("nn.")), op.name
        elif forward.isidentifier():
            assert forward in kernel_classes(target.name), op.name
        if backward != "arithmetic":
            kernel, _, method = backward.partition(".")
            texts = resource("templates", target.name).glob(f"{op.name}.py.j2")
            assert any(kernel in text.read_text("utf-8") for text in texts), op.name
            assert method == "backward" or kernel.endswith("_backward"), op.name


@pytest.mark.parametrize("name", ["F", "Linear", "Network", "DataLoader", "Path"])
def test_a_net_may_be_called_like_what_a_file_uses(name: str) -> None:
    text = f"net {name} {{ input x: real[2]\n target t: real[2]\n dense(2)\n loss mse }}\n"
    for backward in FORMS:
        net = pytorch_net(pytorch_code(text, backward=backward))
        assert type(net).__name__ == f"{name}_net"
        assert net(torch.zeros(3, 2, dtype=torch.float64)).shape == (3, 2)


def test_tensors_may_be_called_like_modules() -> None:
    inputs = "F: real[2], nn: real[2], torch: real[2]"
    text = f"net N {{ input {inputs}\n from F, nn, torch -> add -> relu }}\n"
    x = torch.ones(3, 2, dtype=torch.float64)
    assert torch.equal(pytorch_net(pytorch_code(text))(x, x, x), 3 * x)


@pytest.mark.parametrize("backward", FORMS)
def test_net_without_a_loss_and_net_without_parameters(backward: str) -> None:
    x = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
    net = pytorch_net(pytorch_code("net N { input x: real[2]\n relu }\n", backward=backward))
    assert torch.equal(net(x), x.relu()) and not hasattr(net, "loss")
    text = "net N { input x: real[2]\n target t: real[2]\n relu\n loss mse }\n"
    net = pytorch_net(pytorch_code(text, backward=backward))
    assert net.loss(x, 0 * x).item() == pytest.approx((x.relu() ** 2).mean().item())
    assert net.backward() == {}


def test_what_decides_the_code_is_in_its_fingerprint() -> None:
    text = CASES["views_of_one_array"].spec
    plain, usual, explicit = (pytorch_code(text, backward=b) for b in (None, *FORMS))
    assert plain == usual
    assert fingerprint(plain) != fingerprint(explicit) != fingerprint(compile_text(text).text)


@pytest.mark.parametrize("backward", FORMS)
def test_an_output_that_is_listed_twice_is_returned_twice(backward: str, tmp_path: Path) -> None:
    text = """
net N {
  input x: real[4]
  target y: real[3]
  dense(3) as p -> tanh as q
  from p -> loss mse
  output p, q, p
}
"""
    compiled = compile_text(text)
    assert len(compiled.net.forward(compiled.batch()["x"])) == 3
    check_same(compiled, pytorch_code(text, backward=backward), compiled.batch(), tmp_path)


DETACHED = """
net N {
  input lambda: real[3], z: real[3]
  target y: real[3]
  from z -> dense(3) as a -> relu -> dense(3) -> loss mse(target=a)
  loss mse(target=y)
  from lambda -> dense(3) as unused
  output a, unused
}
"""


@pytest.mark.parametrize("backward", FORMS)
def test_what_a_loss_compares_with_has_no_gradient(backward: str, tmp_path: Path) -> None:
    compiled = compile_text(DETACHED, input_gradients=True)
    code = pytorch_code(DETACHED, backward=backward, input_gradients=True)
    check_same(compiled, code, compiled.batch(), tmp_path)
