"""`conv1d` and `conv_transpose`: drawn windows, free sizes, parameters, shared instances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compiled import compile_text
from hypothesis import given, settings
from hypothesis import strategies as st
from op_samples import DRAWN, check_drawn, padding, pair

from specc.diagnostics import Diagnostics
from specc.graph import Layer
from specc.ops.registry import ops
from specc.ops.site import Site, SiteError
from specc.pipeline import analyse
from specc.signature import defaults
from specc.source import Source, Span
from specc.types import TensorType
from specc.values import constant

torch = pytest.importorskip("torch")
F = torch.nn.functional

few = st.integers(1, 3)


# ---------------------------------------------------------------- numbers


@DRAWN
@given(
    length=st.integers(1, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    pad=st.integers(0, 4),
    dilation=few,
    groups=st.integers(1, 2),
    features=few,
    multiple=st.integers(1, 2),
    bias=st.booleans(),
    n=few,
)
def test_conv1d(
    length: int,
    kernel: int,
    stride: int,
    pad: int,
    dilation: int,
    groups: int,
    features: int,
    multiple: int,
    bias: bool,
    n: int,
) -> None:
    """Stride remainders, padding wider than the kernel, dilation, groups, sequences of one step."""
    options = f"stride={stride}, pad={pad}, dilation={dilation}, groups={groups}"
    call = f"conv1d({groups * multiple}, {kernel}, {options}, bias={str(bias).lower()})"
    check_drawn(call, (length, features * groups), n=n)


@DRAWN
@given(st.integers(1, 9), st.integers(1, 6), few)
def test_conv1d_that_keeps_the_length(length: int, kernel: int, dilation: int) -> None:
    """Also where the padding is odd."""
    check_drawn(f'conv1d(3, {kernel}, pad="same", dilation={dilation})', (length, 2))


@DRAWN
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    kernel=pair,
    stride=pair,
    pad=padding,
    output_pad=padding,
    dilation=pair,
    groups=st.integers(1, 2),
    channels=few,
    multiple=st.integers(1, 2),
    bias=st.booleans(),
    n=few,
)
def test_conv_transpose(
    size: tuple[int, int],
    kernel: str,
    stride: str,
    pad: str,
    output_pad: str,
    dilation: str,
    groups: int,
    channels: int,
    multiple: int,
    bias: bool,
    n: int,
) -> None:
    """Gaps between kernels and overlaps, everything different along height and width."""
    options = f"stride={stride}, pad={pad}, dilation={dilation}, groups={groups}"
    options += f", output_pad={output_pad}, bias={str(bias).lower()}"
    call = f"conv_transpose({groups * multiple}, {kernel}, {options})"
    check_drawn(call, (channels * groups, *size), n=n)


def test_many_blocks() -> None:
    """Batches that are too large for the cache are taken in pieces, the last of them smaller."""
    check_drawn("conv1d(4, 5, pad=2)", (60, 40), n=40)
    check_drawn("conv_transpose(8, 4, stride=2, pad=1)", (12, 14, 14), n=13)


def test_conv_transpose_is_the_adjoint_of_conv() -> None:
    """⟨conv(a), b⟩ = ⟨a, conv_transpose(b)⟩ for the same weight."""
    options = "stride=2, pad=1, groups=2, bias=false"
    down = one_layer("real[4, 8, 6]", f"conv(6, 4, {options})", "real[6, 4, 3]").net
    up = one_layer("real[6, 4, 3]", f"conv_transpose(4, 4, {options})", "real[4, 8, 6]").net
    (weight,), (same,) = down.parameters().values(), up.parameters().values()
    same[...] = weight
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 4, 8, 6)), rng.normal(size=(3, 6, 4, 3))
    assert (down.forward(a) * b).sum() == pytest.approx((a * up.forward(b)).sum(), rel=1e-12)


def one_layer(declared: str, call: str, target: str, **more: Any) -> Any:
    """A compiled net of one layer."""
    text = f"net N {{\n input x: {declared}\n target t: {target}\n {call}\n loss mse\n}}"
    return compile_text(text, **more)


# ---------------------------------------------------------------- shapes


def inferred(name: str, shape: tuple[int, ...], **arguments: int) -> tuple[int, ...] | None:
    """The shape of the result, `None` where the layer does not fit."""
    op = ops()[name]
    span = Span(Source("site.net", ""), 0, 0)
    values = {**defaults(op.arguments), **{n: constant(v) for n, v in arguments.items()}}
    inputs = (TensorType(tuple(constant(size) for size in shape)),)
    try:
        found = op.infer(Site(op, inputs, (span,), values, span))
    except SiteError:
        return None
    return tuple(size.number for size in found.shape)


small, padded = st.integers(1, 4), st.integers(0, 3)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), small, small, padded, few)
def test_conv1d_agrees_with_pytorch_on_every_window(
    length: int, kernel: int, stride: int, pad: int, dilation: int
) -> None:
    """The same length, or both refuse."""
    x, weight = (torch.empty(*s, device="meta") for s in ((1, 2, length), (3, 2, kernel)))
    try:
        _, channels, new_length = F.conv1d(x, weight, None, stride, pad, dilation).shape
        expected = (new_length, channels)
    except RuntimeError:
        expected = None
    options = {"kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation}
    assert inferred("conv1d", (length, 2), channels=3, **options) == expected


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 4), small, small, padded, padded, few)
def test_conv_transpose_agrees_with_pytorch_on_every_window(
    size: int, kernel: int, stride: int, pad: int, output_pad: int, dilation: int
) -> None:
    """The same size, or both refuse; PyTorch lets some results without a pixel pass."""
    x, weight = torch.empty(1, 2, size, size), torch.empty(2, 3, kernel, kernel)
    try:
        made = F.conv_transpose2d(x, weight, None, stride, pad, output_pad, 1, dilation)
        expected = tuple(made.shape[1:]) if made.numel() else None
    except RuntimeError:
        expected = None
    options = {"kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation}
    options |= {"channels": 3, "output_pad": output_pad}
    assert inferred("conv_transpose", (2, size, size), **options) == expected


def shaped(declared: str, flow: str) -> Any:
    """The net of a flow."""
    source = Source("test.net", f"net N {{\n input x: {declared}\n {flow}\n}}\n")
    (found,) = analyse(source, Diagnostics()).values()
    return found


@pytest.mark.parametrize(
    ("declared", "flow", "result"),
    [
        ("real[T, 6]", "conv1d(8, 3)", "[T - 2, 8]"),
        ("real[T, 6]", "conv1d(8, 3, pad=1)", "[T, 8]"),
        ("real[T, 6]", 'conv1d(8, 4, pad="same", dilation=3)', "[T, 8]"),
        ("real[T, 6]", "conv1d(8, 3, stride=2, pad=1)", "[(T + 1) // 2, 8]"),
        ("real[4*T, 6]", "conv1d(8, 4, stride=4) -> conv1d(5, 1)", "[T, 5]"),
        ("real[3, H, W]", "conv_transpose(8, 4, stride=2, pad=1)", "[8, 2 * H, 2 * W]"),
        ("real[3, H, W]", "conv_transpose(8, 3)", "[8, H + 2, W + 2]"),
        (
            "real[3, 2*H, 2*W]",
            "conv(8, 4, stride=2, pad=1) -> conv_transpose(3, 4, stride=2, pad=1)",
            "[3, 2 * H, 2 * W]",
        ),
    ],
)
def test_free_sizes(declared: str, flow: str, result: str) -> None:
    """Sizes that are not known are carried along as expressions."""
    assert [str(tensor.type) for tensor in shaped(declared, flow).outputs] == [result]


def test_any_length_runs() -> None:
    """One network takes sequences of any length: nothing of it depends on the length."""
    x, flow = "real[T, 3]", "conv1d(4, 3, pad=1) -> relu -> conv1d(2, 1)"
    net = one_layer(x, flow, "real[T, 2]", sizes={"T": 5}).net
    weights = {name: torch.tensor(value) for name, value in net.parameters().items()}
    for length in (5, 9, 1, 5):
        array = np.random.default_rng(length).normal(size=(2, length, 3))
        middle = F.conv1d(
            torch.tensor(array).transpose(1, 2),
            weights["conv1d1.weight"],
            weights["conv1d1.bias"],
            padding=1,
        )
        last = F.conv1d(middle.relu(), weights["conv1d2.weight"], weights["conv1d2.bias"])
        np.testing.assert_allclose(net.forward(array), last.transpose(1, 2), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "keeps"), [("conv1d(4, 3, pad=1)", True), ("conv1d(4, 3, stride=3)", False)]
)
def test_lengths_of_padded_sequences_stay_while_the_length_does(call: str, keeps: bool) -> None:
    """A padding that is taken for values is worth a warning."""
    flow = f"last as own\n from x -> {call} as y\n output y, own"
    source = Source("test.net", f"net N {{\n input x: real[T, 3] padded\n {flow}\n}}\n")
    diagnostics = Diagnostics()
    (found,) = analyse(source, diagnostics).values()
    assert bool(found.outputs[0].type.padded) is keeps
    assert [d.code for d in diagnostics] == ["W0302"]


# ---------------------------------------------------------------- parameters


LAYERS = [
    ("real[20, 6]", "conv1d(8, 5, groups=2)", torch.nn.Conv1d(6, 8, 5, groups=2), (6, 20)),
    (
        "real[6, 5, 5]",
        "conv_transpose(8, [3, 2], groups=2)",
        torch.nn.ConvTranspose2d(6, 8, (3, 2), groups=2),
        (6, 5, 5),
    ),
]


@pytest.mark.parametrize(("declared", "call", "module", "shape"), LAYERS, ids=["1d", "transpose"])
def test_parameters_and_cost_are_pytorchs(
    declared: str, call: str, module: Any, shape: tuple[int, ...]
) -> None:
    """Names and shapes; multiply-adds as PyTorch's counter has them (each is two operations)."""
    from torch.utils.flop_counter import FlopCounterMode

    (layer,) = shaped(declared, call).function.nodes
    assert isinstance(layer, Layer)
    found = {p.name: tuple(s.number for s in p.shape) for p in layer.op.parameters(layer)}
    assert found == {name: tuple(p.shape) for name, p in module.named_parameters()}
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, *shape))
    assert 2 * layer.op.multiply_adds(layer).number == counter.get_total_flops()


@pytest.mark.parametrize(("declared", "call", "module", "shape"), LAYERS, ids=["1d", "transpose"])
def test_weights_are_drawn_as_in_pytorch(
    declared: str, call: str, module: Any, shape: tuple[int, ...]
) -> None:
    """Uniform up to the bound of PyTorch's own `reset_parameters`."""
    result = str(shaped(declared, call).outputs[0].type)
    (weight, bias) = one_layer(declared, call, f"real{result}").net.parameters().values()
    drawn = [module.weight.detach().clone() for _ in range(30) if module.reset_parameters() is None]
    bound = float(torch.stack(drawn).abs().max())
    assert np.abs(weight).max() == pytest.approx(bound, rel=0.03)
    assert np.abs(bias).max() <= bound * 1.001


def test_a_shared_instance_adds_up_its_gradients() -> None:
    """Two calls, in which the sequences are of different lengths, and of images."""
    compiled = compile_text(
        "net N {\n input a: real[7, 4]\n input b: real[3, 4]\n target t: real[10, 4]\n"
        " shared c = conv1d(4, 3, pad=1)\n from a -> c as x\n from b -> c -> c as y\n"
        " from x, y -> concat(axis=0)\n loss mse\n}",
        input_gradients=True,
    )
    batch = compiled.batch(3)
    weight, bias = (torch.tensor(v, requires_grad=True) for v in compiled.net.parameters().values())
    a, b, t = (torch.tensor(batch[name]) for name in "abt")

    def conv(x: Any) -> Any:
        return F.conv1d(x.transpose(1, 2), weight, bias, padding=1).transpose(1, 2)

    F.mse_loss(torch.cat([conv(a), conv(conv(b))], 1), t).backward()
    found = compiled.gradients(batch)
    np.testing.assert_allclose(found["c.weight"], weight.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["c.bias"], bias.grad, rtol=1e-9, atol=1e-12)


def test_a_shared_transposed_convolution() -> None:
    """The same for images, of different sizes."""
    compiled = compile_text(
        "net N {\n input a: real[2, 3, 4]\n target t: real[2, 12, 16]\n"
        " shared c = conv_transpose(2, 4, stride=2, pad=1)\n c -> c\n loss mse\n}",
    )
    batch = compiled.batch(3)
    weight, bias = (torch.tensor(v, requires_grad=True) for v in compiled.net.parameters().values())
    x = torch.tensor(batch["a"])
    for _ in range(2):
        x = F.conv_transpose2d(x, weight, bias, 2, 1)
    F.mse_loss(x, torch.tensor(batch["t"])).backward()
    found = compiled.gradients(batch)
    np.testing.assert_allclose(found["c.weight"], weight.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["c.bias"], bias.grad, rtol=1e-9, atol=1e-12)
