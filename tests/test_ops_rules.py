"""Shape rules of the layers: sizes, terms, and what they say when something does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.diagnostics import Diagnostics
from specc.graph import Call, Layer
from specc.ops.base import ExpressionOp, FunctionOp, LayerOp, LossOp, ModuleOp, Op, Sample
from specc.ops.registry import layers, losses, ops
from specc.ops.site import Site, SiteError
from specc.pipeline import analyse
from specc.resources import resource
from specc.signature import defaults
from specc.source import Source, Span
from specc.terms import render
from specc.types import Content, TensorType
from specc.values import Value, constant, known_values, sequence

torch = pytest.importorskip("torch")
F = torch.nn.functional

NAMES = """
abs add avgpool batchnorm binary_cross_entropy concat constant conv conv1d conv_transpose
cross_entropy dense dropout embedding flatten global_avgpool global_maxpool gru hardtanh hinge l1
last layernorm leaky_relu lstm maxout maxpool mse multiply one_hot prelu rbf relu reshape reverse
rnn scale sigmoid smooth_l1 softmax softplus split subtract tanh
"""
SAMPLES = [(op, sample) for op in ops().values() for sample in op.samples]


def show(sample: Sample) -> str:
    """How a test of a sample is called."""
    return f"{sample.call} on {', '.join(sample.inputs)}"


@pytest.fixture(params=SAMPLES, ids=lambda pair: show(pair[1]))
def sampled(request: pytest.FixtureRequest) -> tuple[Sample, Layer]:
    """A sample of an op, and the layer that the compiler makes of it."""
    op, sample = request.param
    (net,) = analyse(Source("sample.net", spec_of(op, sample)), Diagnostics()).values()
    return sample, next(n for n in net.function.nodes if isinstance(n, Layer) and n.op is op)


def spec_of(op: Op, sample: Sample) -> str:
    """A net of one layer or loss."""
    names = ["x", "m"] if isinstance(op, LossOp) else [f"x{i}" for i in range(len(sample.inputs))]
    pairs = zip(names, sample.inputs, strict=False)
    inputs = ", ".join(f"{name}: {type_}" for name, type_ in pairs)
    target = f"\n target t: {sample.target}" if sample.target else ""
    flow = f"loss {sample.call}" if isinstance(op, LossOp) else sample.call
    start = f"from {', '.join(names[: op.input_count])} -> " if len(names) > 1 else ""
    return f"net N {{\n input {inputs}{target}\n {start}{flow}\n}}\n"


def outputs(text: str) -> list[str]:
    """The types of what a spec's only net returns."""
    (net,) = analyse(Source("test.net", text), Diagnostics()).values()
    return [str(tensor.type) for tensor in net.outputs]


def net(declared: str, *flow: str) -> str:
    """A net with one input, an optional target after a `;`, and a flow."""
    inputs, _, target = declared.partition(";")
    lines = [f"input x: {inputs}", f"target t:{target}" if target else "", *flow]
    return "net N {\n" + "".join(f"  {line}\n" for line in lines if line) + "}\n"


# ------------------------------------------------------------ the registry


def test_all_layers_and_losses_of_the_language_are_there() -> None:
    """The names of the reference, each in a file of its own name."""
    assert set(ops()) >= set(NAMES.split())
    assert all(type(op).__module__ == f"specc.ops.{name}" for name, op in ops().items())
    assert set(layers()) | set(losses()) == set(ops())


def test_every_op_documents_itself() -> None:
    """A family, a docstring, samples, and a line for every argument."""
    for op in ops().values():
        assert type(op).__doc__, op.name
        assert op.family, op.name
        assert op.samples, op.name
        assert all(argument.doc for argument in op.arguments), op.name


def test_every_op_is_a_module_or_an_expression_in_pytorch() -> None:
    assert all(isinstance(op, ModuleOp) ^ isinstance(op, ExpressionOp) for op in ops().values())


def test_samples_use_every_argument() -> None:
    """Each argument is given in some sample, so that the tests over samples cover it."""
    for op in ops().values():
        for position, argument in enumerate(op.arguments):
            calls = [sample.call.partition("(")[2] for sample in op.samples]
            given_first = position == 0 and any(calls)
            named = any(f"{argument.name}=" in call for call in calls)
            counted = any(call.count(",") >= position and call for call in calls)
            assert given_first or named or counted, f"{op.name}: {argument.name}"


# ------------------------------------------------------------ against PyTorch


def test_sample_has_pytorchs_shape(sampled: tuple[Sample, Layer]) -> None:
    """The oracle's result has the inferred shape, with parameters of the declared shapes."""
    sample, layer = sampled
    result = oracle(sample, layer)
    shape = tuple(size.number for size in layer.output.shape)
    assert tuple(result.shape) == ((2, *shape) if not isinstance(layer.op, LossOp) else ())


def oracle(sample: Sample, layer: Layer) -> Any:
    """A layer's `pytorch` expression on random numbers, two examples at once."""
    names: dict[str, object] = {"torch": torch, "F": F, "training": False}
    given = [*layer.inputs[:1], *layer.inputs[2:]] if sample.target else layer.inputs
    arrays = [numbers_of(tensor.type) for tensor in given]
    names |= {f"x{i}": array for i, array in enumerate(arrays)} | {"x": arrays[0]}
    names |= layer.split(arrays)[1]
    names |= {
        parameter.name: torch.rand(*(size.number for size in parameter.shape))
        for parameter in layer.op.parameters(layer)
    }
    if sample.target:
        names["target"] = numbers_of(layer.inputs[1].type)
        names["mask"] = torch.ones_like(arrays[0])
    return eval(layer.op.pytorch(layer), names)


def numbers_of(type_: TensorType) -> torch.Tensor:
    """Two random examples; lengths are 1."""
    shape = (2, *(size.number for size in type_.shape))
    if type_.content is Content.LENGTHS:
        return torch.ones(2, dtype=torch.int64)
    if type_.classes is not None:
        return torch.randint(type_.classes.number, shape)
    return torch.rand(shape)


def site(name: str, shape: tuple[int, ...], **arguments: object) -> Site:
    """A layer at a place of its own."""
    op = ops()[name]
    source = Source("site.net", "")
    span = Span(source, 0, 0)
    values = {**defaults(op.arguments), **{n: value(v) for n, v in arguments.items()}}
    sizes = tuple(constant(size) for size in shape)
    return Site(op, (TensorType(sizes),), (span,), values, span)


def value(plain: object) -> Value:
    """A number or a pair as a checked argument."""
    if isinstance(plain, tuple):
        return sequence(tuple(constant(item) for item in plain))
    return constant(plain)  # type: ignore[arg-type]


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    """Height and width."""
    return st.tuples(st.integers(low, high), st.integers(low, high))


def inferred(place: Site) -> tuple[int, ...] | None:
    """The shape of the result, `None` where the layer does not fit."""
    try:
        return tuple(size.number for size in place.op.infer(place).shape)
    except SiteError:
        return None


@settings(max_examples=300, deadline=None)
@given(pairs(1, 12), pairs(1, 5), pairs(1, 4), pairs(0, 3), pairs(1, 3))
def test_conv_agrees_with_pytorch_on_every_window(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """The same shape, or both refuse."""
    x, weight = (torch.empty(*s, device="meta") for s in ((1, 2, *size), (3, 2, *kernel)))
    try:
        expected = tuple(F.conv2d(x, weight, None, stride, pad, dilation).shape[1:])
    except RuntimeError:
        expected = None
    place = site(
        "conv", (2, *size), channels=3, kernel=kernel, stride=stride, pad=pad, dilation=dilation
    )
    assert inferred(place) == expected


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["max", "avg"]), pairs(1, 12), pairs(1, 5), pairs(1, 4), pairs(0, 3))
def test_pools_agree_with_pytorch_on_every_window(
    which: str,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
) -> None:
    """The same shape, or both refuse."""
    pool = getattr(F, f"{which}_pool2d")
    try:
        expected = tuple(
            pool(torch.empty(1, 2, *size, device="meta"), kernel, stride, pad).shape[1:]
        )
    except RuntimeError:
        expected = None
    place = site(f"{which}pool", (2, *size), kernel=kernel, stride=stride, pad=pad)
    assert inferred(place) == expected


@settings(max_examples=100, deadline=None)
@given(pairs(1, 9), pairs(1, 6), pairs(1, 3))
def test_same_padding_keeps_the_size(
    size: tuple[int, int], kernel: tuple[int, int], dilation: tuple[int, int]
) -> None:
    """Also for even kernels, and for kernels that are larger than the image."""
    place = site("conv", (2, *size), channels=3, kernel=kernel, pad="same", dilation=dilation)
    assert inferred(place) == (3, *size)


# ------------------------------------------------------------ free sizes

FREE = [
    ("real[3, H, W]", ["conv(8, 3)"], "[8, H - 2, W - 2]"),
    ("real[3, H, W]", ["conv(8, 3, pad=1)"], "[8, H, W]"),
    ("real[3, H, W]", ['conv(8, 4, pad="same")'], "[8, H, W]"),
    ("real[3, 16*H, 16*W]", ["maxpool(2) -> conv(8, 3, stride=2, pad=1)"], "[8, 4 * H, 4 * W]"),
    ("real[3, 2*H, 2*W]", ["maxpool(3, stride=2, pad=1)"], "[3, H, W]"),
    ("real[3, H, W]", ["flatten"], "[3 * H * W]"),
    ("real[3, H, W]", ["global_avgpool -> dense(10)"], "[10]"),
    ("real[T, 6]", ["reshape([in.length, 2, 3])"], "[T, 2, 3]"),
    ("real[T, 6]", ["dense(4) -> relu -> maxout(2)"], "[T, 2]"),
    ("real[2*F]", ["maxout(2)"], "[F]"),
    ("real[3, H, W]", ["concat { path { conv(4, 1) } path {} }"], "[7, H, W]"),
    ("real[T, 3]", ["concat(axis=0) { path {} path {} }"], "[2 * T, 3]"),
    (
        "real[3, H, W]",
        ["add { path { conv(4, 3, stride=2, pad=1) } path { conv(4, 1, stride=2) } }"],
        "[4, (H + 1) // 2, (W + 1) // 2]",
    ),
]


@pytest.mark.parametrize(("declared", "flow", "shape"), FREE)
def test_free_sizes_have_normal_forms(declared: str, flow: list[str], shape: str) -> None:
    """Sizes that are not known are carried along as expressions."""
    assert outputs(net(declared, *flow)) == [shape]


# ------------------------------------------------------------ terms and kernels


def constructed(body: str, call: str, shape: str = "[16, 12, 12]") -> list[str]:
    """How the layers of a block are constructed in its class."""
    text = f"block part(a, b=3, c=[1, 2]) {{\n {body}\n}}\n" + net(f"real{shape}", call)
    (shaped,) = analyse(Source("test.net", text), Diagnostics()).values()
    (node,) = (node for node in shaped.function.nodes if isinstance(node, Call))
    made = (n for n in node.function.nodes if isinstance(n, Layer) and isinstance(n.op, LayerOp))
    return [written(layer) for layer in made]


def written(layer: Layer) -> str:
    """A construction as Python."""
    assert isinstance(layer.op, LayerOp)
    kernel = layer.op.kernel((layer,))
    made = layer.op.construct_as(layer, kernel)
    words = [render(term) for term in made.positional]
    words += [f"{name}={render(term)}" for name, term in made.keywords.items()]
    return f"{made.kernel}({', '.join(words)})"


CONSTRUCTIONS = [
    ("conv(a, b, pad=1)", "part(8)", "UnitStrideConv2d(in_channels, a, b, pad=1)"),
    ("conv(a, 1)", "part(8)", "Conv1x1(in_channels, a)"),
    ("conv(a, 1, bias=false)", "part(8)", "Conv1x1(in_channels, a, bias=False)"),
    ("conv(2*a, 3, stride=b)", "part(8)", "Conv2d(in_channels, 2 * a, 3, stride=b)"),
    ("conv(a, c, pad=0)", "part(8)", "UnitStrideConv2d(in_channels, a, c)"),
    ("conv(a, [1, b])", "part(8)", "UnitStrideConv2d(in_channels, a, (1, b))"),
    ("conv(a, 1, pad=1)", "part(8)", "Conv2d(in_channels, a, 1, pad=1)"),
    ("conv(a, 3, groups=in.channels)", "part(32)", "Conv2d(in_channels, a, 3, groups=in_channels)"),
    ("conv(a, 3, stride=2, groups=a)", "part(16)", "DepthwiseConv2d(a, 3, stride=2)"),
    (
        'conv(a, b, pad="same")',
        "part(8)",
        "UnitStrideConv2d(in_channels, a, b, pad=b // 2)",
    ),
    ('conv(a, 5, pad="same")', "part(8)", "UnitStrideConv2d(in_channels, a, 5, pad=2)"),
    (
        'conv(a, [3, 5], pad="same")',
        "part(8)",
        "UnitStrideConv2d(in_channels, a, (3, 5), pad=(1, 2))",
    ),
    (
        'conv(a, 4, pad="same")',
        "part(8)",
        "UnitStrideConv2d(in_channels, a, 4, pad=((1, 2), (1, 2)))",
    ),
    ('conv(a, 1, pad="same", groups=4)', "part(8)", "Conv2d(in_channels, a, 1, pad=0, groups=4)"),
    ('conv(a, 1, pad="same")', "part(8)", "Conv1x1(in_channels, a)"),
    ("maxpool(2)", "part(8)", "TilingMaxPool2d(2)"),
    ("maxpool(2, stride=2)", "part(8)", "TilingMaxPool2d(2)"),
    ("avgpool(b)", "part(8)", "TilingAvgPool2d(b)"),
    ("maxpool(b, stride=2, pad=1)", "part(8)", "MaxPool2d(b, 2, pad=1)"),
    ("avgpool(b, pad=1)", "part(8)", "AvgPool2d(b, b, pad=1)"),
    ("reshape([in.channels, 144])", "part(8)", "Reshape(in_channels, 144)"),
    ("leaky_relu", "part(8)", "LeakyReLU()"),
    ("leaky_relu(0.2)", "part(8)", "LeakyReLU(slope=0.2)"),
    ("maxout(a)", "part(8)", "Maxout(a)"),
    ("prelu", "part(8)", "PReLU(in_channels)"),
    ("dropout(0.5)", "part(8)", "Dropout(0.5)"),
    ("flatten", "part(8)", "Flatten()"),
    ("concat(axis=1) { path {} path {} }", "part(8)", "Concat(axis=1)"),
    ("concat(axis=-1) { path {} path {} }", "part(8)", "Concat(axis=2)"),
    ("concat { path {} path {} }", "part(8)", "Concat(axis=-1)"),
]


@pytest.mark.parametrize(("body", "call", "construction"), CONSTRUCTIONS)
def test_constructions_are_written_with_the_blocks_own_symbols(
    body: str, call: str, construction: str
) -> None:
    """What a class of the code says in its constructor."""
    assert constructed(body, call) == [construction]


def test_few_channels_take_the_general_kernel() -> None:
    """Where the windows are short rows anyway; a kernel of one pixel is always a product."""
    assert constructed("conv(a, 3)", "part(8)", "[1, 12, 12]") == ["Conv2d(in_channels, a, 3)"]
    assert constructed("conv(a, 1)", "part(8)", "[1, 12, 12]") == ["Conv1x1(in_channels, a)"]


def test_every_kernel_has_a_template(sampled: tuple[Sample, Layer]) -> None:
    """The class or function is defined in the template of the op's name."""
    op = sampled[1].op
    if isinstance(op, FunctionOp) and not op.has_kernel:  # an expression
        return
    template = resource("templates", "numpy", f"{op.name}.py.j2").read_text("utf-8")
    if isinstance(op, LayerOp):
        assert op.kernel(sampled[1:]) in template
    else:
        assert isinstance(op, FunctionOp)
        assert f"def {op.function_name}(" in template
        assert f"def {op.function_name}_backward(" in template


def test_sizes_are_threaded_through_a_block() -> None:
    """The second convolution takes the channels that the concat makes."""
    body = "concat { path {} path { conv(a, 3, pad=1) } }\n conv(a // 2, 1)"
    assert constructed(body, "part(8)") == [
        "UnitStrideConv2d(in_channels, a, 3, pad=1)",
        "Concat(axis=-1)",
        "Conv1x1(a + in_channels, a // 2)",
    ]


def test_a_place_with_different_windows_takes_the_general_kernel() -> None:
    """One instance with a stride is enough."""
    made = []
    for stride in (1, 2):
        (shaped,) = analyse(
            Source("t.net", net("real[8, 8, 8]", f"conv(4, 3, stride={stride})")), Diagnostics()
        ).values()
        (layer,) = shaped.function.nodes
        assert isinstance(layer, Layer)
        made.append(layer)
    op = made[0].op
    assert isinstance(op, LayerOp)
    assert op.kernel(made[:1]) == "UnitStrideConv2d"
    assert op.kernel(made) == op.general_kernel == "Conv2d"
    assert "stride" in op.construct_as(made[1], "Conv2d").keywords


def test_parameters_and_costs() -> None:
    """PyTorch's layouts; multiply-adds of one example."""
    flow = "conv(8, [3, 5], groups=2) -> flatten -> dense(10, bias=false)"
    (shaped,) = analyse(Source("t.net", net("real[4, 6, 9]", flow)), Diagnostics()).values()
    layers_ = [node for node in shaped.function.nodes if isinstance(node, Layer)]
    parameters = [
        (p.name, [s.number for s in p.shape], p.is_penalised)
        for node in layers_
        for p in node.op.parameters(node)
    ]
    assert parameters == [
        ("weight", [8, 2, 3, 5], True),
        ("bias", [8], False),
        ("weight", [10, 160], True),
    ]
    costs = [known_values(node.op.multiply_adds(node).plain) for node in layers_]
    assert costs == [8 * 4 * 5 * 2 * 3 * 5, 0, 1600]
