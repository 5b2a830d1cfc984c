"""The table of layers: its counts against published ones and against a count of another kind."""

import time
from collections.abc import Iterator
from math import prod
from pathlib import Path

import pytest
from drawing import lenet, shaped

from specc.check import ShapedModel
from specc.costs import Costs
from specc.diagnostics import Diagnostics
from specc.graph import Call, Function, Layer, Loop
from specc.pipeline import analyse
from specc.source import Source
from specc.summarize import Row, summarize

ROOT = Path(__file__).parent.parent


def net(body: str, shape: str = "4", blocks: str = "") -> ShapedModel:
    return shaped(f"{blocks}\nnet Test {{\n  input x: real[{shape}]\n{body}\n}}\n")


def expanded(function: Function) -> Iterator[Layer]:
    """Every layer, one by one, as often as it is called."""
    for node in function.nodes:
        if isinstance(node, Layer):
            yield node
        elif isinstance(node, Call):
            yield from expanded(node.function)
        elif isinstance(node, Loop):
            for iteration in node.iterations:
                yield from expanded(iteration.function)


def row(model: ShapedModel, path: str) -> Row:
    (found,) = (r for r in summarize(model).rows if r.path == path)
    return found


NETS = {
    "residual": (
        "repeat 3 { residual(6) }\nfor c in [8, 4] { residual(c, stride=2) }",
        "block residual(c, stride = 1) { add { path { conv(c, 3, stride=stride, pad=1) -> relu }"
        " path { if stride != 1 or in.channels != c { conv(c, 1, stride=stride) } } } -> relu }",
    ),
    "dense": (
        "for n in [3, 5] { stage(n) }",
        "block layer(k) { concat { path {} path { relu -> conv(k, 3, pad=1) } } }\n"
        "block stage(n) { repeat n { layer(2) } -> conv(in.channels // 2 + 1, 1) -> avgpool(2) }",
    ),
    "long": (
        "for i in range(12) { repeat 2 { conv(i + 2, 1) -> relu } -> conv(3, 1, bias=false) }",
        "",
    ),
}


# ---------------------------------------------------------------- parameters and multiply-adds


def test_lenet_has_the_published_counts() -> None:
    summary = summarize(lenet())
    assert summary.parameters == 61_706  # LeCun et al. 1998, with all connections in C3
    assert summary.multiply_adds == 117_600 + 240_000 + 48_000 + 10_080 + 840
    first = summary.rows[0]
    assert first == Row("conv1", "conv 5×5, 6, pad 2", "[6, 28, 28]", 156, 117_600, 1)
    assert [r.path for r in summary.rows][-2:] == ["dense3", "cross_entropy1"]


@pytest.mark.parametrize("name", NETS)
def test_counts_agree_with_a_count_layer_by_layer(name: str) -> None:
    body, blocks = NETS[name]
    model = net(body, "3, 16, 16", blocks)
    summary = summarize(model)
    layers = list(expanded(model.function))
    shapes = [
        [size.number for size in parameter.shape]
        for layer in layers
        for parameter in layer.op.parameters(layer)
    ]
    assert summary.parameters == sum(map(prod, shapes))
    assert summary.multiply_adds == sum(x.op.multiply_adds(x).number for x in layers)
    assert summary.parameters == sum(r.parameters for r in summary.rows)
    assert summary.multiply_adds == sum(int(r.multiply_adds) for r in summary.rows)
    assert sum(r.times for r in summary.rows) == len(layers)


def test_equal_iterations_are_one_row() -> None:
    model = net("stage2: repeat 12 { conv(3, 3, pad=1) -> relu }", "3, 8, 8")
    assert [r.path for r in summarize(model).rows] == ["stage2.{0…11}.conv1", "stage2.{0…11}.relu1"]
    assert row(model, "stage2.{0…11}.conv1").parameters == 12 * 84
    assert row(model, "stage2.{0…11}.conv1").times == 12


def test_iterations_of_another_structure_have_rows_of_their_own() -> None:
    body, blocks = NETS["residual"]
    paths = [r.path for r in summarize(net(body, "3, 16, 16", blocks)).rows]
    assert paths[:6] == [
        "repeat1.0.conv1",
        "repeat1.0.relu1",
        "repeat1.0.conv2",
        "repeat1.0.add1",
        "repeat1.0.relu2",
        "repeat1.{1…2}.conv1",
    ]
    assert "for1.1.conv1" in paths


def test_numbers_that_change_are_shown_with_both_ends() -> None:
    model = net("repeat 6 { concat { path {} path { relu -> conv(2, 1) } } }", "3, 8, 8")
    assert row(model, "repeat1.{0…5}.concat1").output == "[5…15, 8, 8]"


def test_shared_parameters_count_once_and_their_work_each_time() -> None:
    model = net(
        "shared enc = tower(5)\nenc as a\nfrom x -> enc as b\nfrom a, b -> add",
        blocks="block tower(n) { dense(n) -> repeat 2 { dense(n) } }",
    )
    summary = summarize(model)
    assert summary.parameters == 25 + 2 * 30
    assert sum(r.parameters for r in summary.rows) == 85
    assert summary.multiply_adds == 2 * (20 + 2 * 25)


def test_a_shared_instance_in_a_loop_counts_once() -> None:
    summary = summarize(net("shared enc = dense(4)\nrepeat 5 { enc -> relu }\nenc"))
    assert summary.parameters == 20
    assert [r.parameters for r in summary.rows] == [20, 0, 0]
    assert summary.multiply_adds == 6 * 16


# ---------------------------------------------------------------- memory


def test_memory_of_lenet() -> None:
    summary = summarize(lenet(), batch=64)
    kept = 784 + 4704 + 1176 + 1600 + 400 + 120 + 84 + 10  # flatten's result is a view
    assert summary.parts.activations == 64 * 4 * kept
    assert summary.parts.parameters == summary.parts.gradients == 4 * 61_706
    assert summary.parts.adam == 8 * 61_706
    assert summary.memory == 64 * 4 * kept + 2 * 4 * 61_706


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("dense(3)", 4),
        ("dense(3) -> relu", 4 + 3),
        ("dense(3) -> relu -> dense(2)", 4 + 3),
        ("add { path {} path { dense(4) -> relu } } -> dense(2)", 4 + 4 + 4),
        ("block1 -> block1 -> dense(2)", 4 + 3 + 3),
        ("repeat 3 { dense(4) -> tanh }", 4 + 3 * 4),
        ("repeat 3 { dense(4) }", 4 + 2 * 4),
        ("same -> dense(3) -> same -> dense(2)", 4 + 3),
    ],
)
def test_every_array_is_counted_once(body: str, kept: int) -> None:
    blocks = "block block1 { dense(3) -> relu }\nblock same { if false { relu } }\n"
    assert summarize(net(body, blocks=blocks)).parts.activations == 4 * kept


# ---------------------------------------------------------------- free sizes


def test_free_sizes_stay_in_the_counts() -> None:
    model = net("dense(8) -> relu -> dense(2)", "T, 4")
    summary = summarize(model, batch=2)
    assert summary.rows[0].output == "[T, 8]"
    assert summary.rows[0].multiply_adds == "32 * T"
    assert summary.multiply_adds == "48 * T"
    assert summary.parts.activations == "96 * T"
    assert summary.memory == "96 * T + 464"


def test_free_sizes_can_be_given() -> None:
    model = net("dense(8) -> relu -> dense(2)", "T, 4")
    summary = summarize(model, batch=2, sizes={"T": 10})
    assert summary.rows[0].output == "[10, 8]"
    assert summary.multiply_adds == 480
    assert summary.memory == 960 + 464
    with pytest.raises(ValueError, match="no free size `S`; it has `T`"):
        summarize(model, sizes={"S": 3})


# ---------------------------------------------------------------- time


CELL = """
cell plain(units) {
  input x
  state h: [units]
  from x -> dense(units) as a
  from h -> dense(units) as b
  from a, b -> add -> tanh as state h
}
net C {
  input  x: real[T, 3]
  target y: real[4]
  scan plain(4) -> last
  loss mse
}
"""


def test_a_cell_costs_as_much_as_the_layer_it_is() -> None:
    """W [4, 3], U [4, 4], two biases; remembered are the input, every state, and the results."""
    cell = analyse(Source("c.net", CELL), Diagnostics())["C"]
    text = CELL[CELL.index("net") :].replace("scan plain(4)", "rnn(4)")
    layer = analyse(Source("c.net", text), Diagnostics())["C"]
    for sizes in ({"T": 7}, {}):
        own, other = summarize(cell, 2, sizes), summarize(layer, 2, sizes)
        assert own.parameters == other.parameters == 12 + 16 + 8
        assert own.multiply_adds == other.multiply_adds == (196 if sizes else "28 * T")
        assert own.rows[1].layer == "dense 4, each step"
    activations = 4 * 2 * 7 * (3 + 4 + 4)  # the stack of all results is a copy
    assert summarize(cell, 2, {"T": 7}).parts.activations == activations


def test_a_scan_has_a_row_above_those_of_its_step() -> None:
    """With their sums; a shared one's parameters are counted once."""
    body = "repeat 3 { scan plain(4) }\n  shared s = scan plain(4)\n  s -> s -> last"
    text = CELL.replace("real[T, 3]", "real[T, 4]").replace("scan plain(4) -> last", body)
    rows = summarize(shaped(text), 1, {"T": 7}).rows
    sums = [r for r in rows if r.is_sum]
    assert sums == [
        Row("repeat1.{0…2}", "scan plain(4), 7 steps", "[7, 4]", 3 * 40, 3 * 7 * 32, 3, True),
        Row("s", "scan plain(4), 7 steps", "[7, 4]", 40, 7 * 32, 1, True),
        Row("s", "scan plain(4), 7 steps", "[7, 4]", 0, 7 * 32, 1, True),
    ]
    own = [r for r in rows if not r.is_sum]
    assert sum(r.parameters for r in own) == sum(r.parameters for r in sums) == 160
    assert sum(int(r.multiply_adds) for r in own) == sum(int(r.multiply_adds) for r in sums)
    assert row(shaped(CELL), "scan1").layer == "scan plain(4), T steps"


@pytest.mark.parametrize(
    ("layer", "weights", "kept"),
    [
        ("rnn(4)", 4 * (3 + 4), 0),
        ("gru(4)", 12 * (3 + 4), 16),
        ("lstm(4, bidirectional=true)", 2 * 16 * (3 + 4), 40),
        ("gru(4, layers=2)", 12 * (3 + 4 + 4 + 4), 16 + 16 + 4),
        ("gru(4, layers=2, bidirectional=true)", 24 * (3 + 4 + 8 + 4), 2 * (16 + 16 + 4)),
    ],
)
def test_recurrent_layers(layer: str, weights: int, kept: int) -> None:
    """Every weight once a step; kept are the gates and one more a unit, and what lies between."""
    text = CELL[CELL.index("net") :].replace("scan plain(4)", layer)
    text = text.replace("real[4]", f"real[{8 if 'bi' in layer else 4}]")
    shaped = analyse(Source("c.net", text), Diagnostics())["C"]
    assert summarize(shaped).multiply_adds == f"{weights} * T"
    units = 8 if "bi" in layer else 4
    activations = 4 * 10 * (3 + units + kept)  # `last` is a view
    assert summarize(shaped, 1, {"T": 10}).parts.activations == activations


def test_totals_take_time_in_proportion_to_the_functions() -> None:
    doubling = "".join(f"block b{i} {{ b{i - 1} -> b{i - 1} }}\n" for i in range(1, 17))
    model = net("b16", blocks="block b0 { dense(4) }\n" + doubling)
    start = time.process_time()
    costs = Costs()
    assert costs.multiply_adds(model.function) == 2**16 * 16
    assert costs.kept(model.function).numbers == (2**16 - 1) * 4
    assert time.process_time() - start < 0.1
