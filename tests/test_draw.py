"""The diagram: what is drawn, what is written on it, and that nothing of a spec can break it."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from drawing import (
    RESIDUAL,
    ROOT,
    clusters,
    edges,
    lenet,
    levels,
    needs_dot,
    net,
    nodes,
    shaped,
)

from specc.diagnostics import Diagnostics
from specc.draw import dot, render
from specc.ops.registry import layers
from specc.pipeline import analyse, load

# ---------------------------------------------------------------- what is drawn


def test_a_layer_has_its_name_its_arguments_and_its_parameters() -> None:
    drawn = nodes(dot(lenet()))
    assert "<b>conv1</b><br/>conv 5×5, 6, pad 2<br/>" in drawn["conv1"]
    assert "156 parameters" in drawn["conv1"]
    assert "<b>maxpool1</b><br/>maxpool 2×2>" in drawn["maxpool1"]
    assert "label=flatten1" in drawn["flatten1"]


def test_what_follows_a_layer_and_keeps_its_shape_stands_on_it() -> None:
    text = dot(net("conv(4, 3) -> batchnorm -> relu -> dropout(0.5) -> maxpool(2)"))
    assert list(nodes(text)) == ["input.x", "conv1", "maxpool1", "output.output"]
    label = nodes(text)["conv1"]
    pieces = ["conv 3×3, 4", "112 parameters", "batchnorm1", "8 parameters", "relu1", "dropout1"]
    assert sorted(pieces, key=label.index) == pieces
    assert 'label=" [4, 6, 6] "' in edges(text)["conv1", "maxpool1"]


@pytest.mark.parametrize(
    ("body", "drawn"),
    [
        ("relu -> relu", ["relu1", "relu2"]),  # no two of a family
        ("dense(4) as a -> relu as b\nfrom a, b -> add", ["dense1", "relu1", "add1"]),  # read twice
        ("dense(4) -> maxout(2)", ["dense1", "maxout1"]),  # another shape
        ("from x, x -> add -> relu", ["add1", "relu1"]),  # a sign stands alone
        ("shared d = dense(4)\nd -> relu", ["d", "relu1"]),
    ],
)
def test_what_stands_alone(body: str, drawn: list[str]) -> None:
    found = nodes(dot(net(body, shape="4")))
    assert [name for name in found if not re.search(r"[./]", name)] == drawn


def test_shapes_are_on_the_edges_and_the_total_is_in_the_title() -> None:
    text = dot(lenet())
    assert "61,706 parameters" in text.splitlines()[1]
    lines = edges(text)
    assert 'label=" [1, 28, 28] "' in lines["input.image", "conv1"]
    assert 'label=" [16, 5, 5] "' in lines["maxpool2", "flatten1"]
    assert 'label=" label of 10 "' in lines["target.digit", "cross_entropy1"]
    assert len(lines) == 10


def test_blocks_are_nested_clusters() -> None:
    blocks = "block inner { conv(4, 3) -> relu }\nblock outer { inner -> inner }\n"
    text = dot(net("outer", blocks=blocks))
    assert clusters(text) == ["outer1", "outer1.inner1", "outer1.inner2"]
    assert ("outer1.inner1.conv1", "outer1.inner2/0") in edges(text)
    assert ("outer1.inner2/0", "outer1.inner2.conv1") in edges(text)


def test_depth_draws_blocks_as_single_nodes() -> None:
    blocks = "block inner { conv(4, 3) }\nblock outer { inner -> inner }\n"
    model = net("outer -> relu", blocks=blocks)
    closed = dot(model, depth=0)
    assert clusters(closed) == []
    assert "<b>outer1</b><br/>outer<br/>" in nodes(closed)["outer1"]
    assert "260 parameters" in nodes(closed)["outer1"]
    assert 'label=" [4, 4, 4] "' in edges(closed)["outer1", "relu1"]
    assert clusters(dot(model, depth=1)) == ["outer1"]
    assert dot(model, depth=2) == dot(model)


def test_equal_iterations_are_drawn_once() -> None:
    text = dot(net("stage: repeat 12 { conv(3, 3, pad=1) -> relu }"))
    assert clusters(text) == ["stage"]
    assert "<b>stage ×12</b>" in text and "12 × 84 parameters" in text
    assert "84 parameters" in nodes(text)["stage.conv1"]


def test_iterations_that_grow_are_drawn_once_with_both_ends() -> None:
    text = dot(net("repeat 6 { concat { path {} path { relu -> conv(2, 3, pad=1) } } }"))
    assert "<b>repeat1 ×6</b>" in text and "876 parameters in all" in text
    assert 'label=" [3…13, 8, 8] "' in edges(text)["repeat1.relu1", "repeat1.conv1"]
    assert "56…236 parameters" in nodes(text)["repeat1.conv1"]


def test_iterations_of_another_structure_are_drawn_apart() -> None:
    text = dot(net("repeat 4 { residual(6) }", blocks=RESIDUAL))
    assert clusters(text) == ["repeat1.0", "repeat1.1…3"]
    assert "<b>repeat1.1…3 ×3</b>" in text
    assert "repeat1.0.conv3" in nodes(text) and "repeat1.1…3.conv3" not in nodes(text)
    assert ("repeat1.0.relu2", "repeat1.1…3/0") in edges(text)


def test_a_short_for_is_drawn_in_full_and_a_long_one_folded() -> None:
    text = dot(net("for c in [4, 8] { conv(c, 3) -> relu }"))
    assert clusters(text) == ["for1.0", "for1.1"] and "c = 8" in text
    text = dot(net("for c in range(20) { conv(c + 4, 3, pad=1) -> relu }"))
    assert clusters(text) == ["for1"] and "c = 0…19" in text
    assert "conv 3×3, 4…23, pad 1" in text


def test_a_loop_of_one_layer_is_that_layer() -> None:
    text = dot(net("repeat 3 { dense(5) }", shape="5"))
    assert "dense 5 ×3" in nodes(text)["repeat1"] and "3 × 30 parameters" in nodes(text)["repeat1"]
    assert clusters(text) == []


BLUE = "#0072b2"


def test_what_a_block_takes_comes_in_at_one_point_with_its_shape() -> None:
    text = dot(net("residual(6)", blocks=RESIDUAL))
    lines = edges(text)
    assert 'label=" [3, 8, 8] "' in lines["input.x", "residual1/0"]
    inner = {head for tail, head in lines if tail == "residual1/0"}
    assert inner == {"residual1.conv1", "residual1.conv3"}
    assert text.count("[3, 8, 8]") == 1


def test_an_identity_is_led_past_the_layers_beside_it() -> None:
    text = dot(net("residual(3)", blocks=RESIDUAL))
    lines = edges(text)
    way = ["residual1/0", "residual1.add1/past0", "residual1.add1/past1", "residual1.add1"]
    assert all(BLUE in lines[edge] for edge in pairwise(way))
    assert {edge for edge, look in lines.items() if BLUE in look} == set(pairwise(way))
    assert levels(text) >= {
        ("residual1.conv1", "residual1.add1/past0"),
        ("residual1.conv2", "residual1.add1/past1"),
    }


def test_the_shorter_path_of_a_sum_is_its_shortcut() -> None:
    lines = edges(dot(net("residual(6)", blocks=RESIDUAL)))
    blue = {edge for edge, look in lines.items() if BLUE in look}
    assert blue == {("residual1/0", "residual1.conv3"), ("residual1.conv3", "residual1.add1")}


def test_paths_of_one_length_have_no_shortcut() -> None:
    text = dot(net("add { path { conv(3, 1) } path { maxpool(1) } }"))
    assert BLUE not in text


def test_a_concat_is_a_bar_and_sums_and_products_are_signs() -> None:
    text = dot(net("concat { path { conv(2, 1) -> relu -> conv(2, 1) } path { conv(2, 1) } }"))
    assert nodes(text)["concat1"].count('port="i') == 2
    lines = edges(text)
    assert "headport=" in lines["conv2", "concat1"] and "i0:n" in lines["conv2", "concat1"]
    assert "i1:n" in lines["conv3", "concat1"] and BLUE not in text
    text = dot(net("from x, x -> add as a\nfrom a, x -> multiply"))
    assert 'label="+"' in nodes(text)["add1"] and "×" in nodes(text)["multiply1"]


def test_paths_stand_side_by_side_in_the_order_of_the_spec() -> None:
    text = dot(net("concat { path { conv(2, 1) } path { maxpool(1) } path { relu } }"))
    assert levels(text) == {("conv1", "maxpool1"), ("maxpool1", "relu1")}


def test_a_join_stands_below_the_fork_of_an_even_number_of_paths() -> None:
    text = dot(net("concat { path { conv(2, 1) } path { relu } }"))
    assert levels(text) == {("conv1", "concat1/centre"), ("concat1/centre", "relu1")}


def test_a_caption_stands_at_the_left_of_the_line_that_comes_in() -> None:
    text = dot(net("residual(3)", blocks=RESIDUAL))
    assert ("residual1/caption", "residual1/0") in levels(text)
    assert "<b>residual1</b>" in nodes(text)["residual1/caption"]


# ---------------------------------------------------------------- blocks beside the net


def parts(text: str) -> list[str]:
    return [c for c in clusters(text) if f"{c}/around" in clusters(text)]


def test_each_kind_of_block_is_drawn_once_beside_the_net() -> None:
    text = dot(net("residual(3) -> residual(6) -> residual(9)", blocks=RESIDUAL), is_apart=True)
    assert parts(text) == ["residual", "residual(2)"]
    assert ("input.x", "residual1") in edges(text) and ("residual2", "residual3") in edges(text)
    assert "<b>residual (2)</b>" in nodes(text)["residual(2)/caption"]
    assert "conv 3×3, 6…9, pad 1" in nodes(text)["residual(2).conv1"]
    assert "residual(2).conv3" in nodes(text) and "residual.conv3" not in nodes(text)


def test_a_call_has_the_colour_of_its_kind() -> None:
    text = dot(net("residual(3) -> residual(6) -> residual(9)", blocks=RESIDUAL), is_apart=True)
    frames = re.findall(r'subgraph "?cluster_residual\S* {\s*graph \[.*? color="(.*?)"', text)
    looks = [nodes(text)[f"residual{i}"] for i in (1, 2, 3)]
    colours = [re.findall(r' color="(.*?)"', look)[-1] for look in looks]
    assert colours == [frames[0], frames[1], frames[1]] and frames[0] != frames[1]


def test_the_shapes_that_come_into_a_part_are_those_of_all_its_calls() -> None:
    text = dot(net("residual(6) -> residual(9)", blocks=RESIDUAL), is_apart=True)
    assert "[3…6, 8, 8]" in nodes(text)["residual/in0"]
    assert "[6…9, 8, 8]" in nodes(text)["residual/out0"]
    assert ("residual/in0", "residual/0") in edges(text)


def test_a_block_that_only_arranges_others_is_drawn_in_its_place() -> None:
    blocks = RESIDUAL + "block stage(c) { residual(c)\nrepeat 3 { residual(c) } }\n"
    text = dot(net("stage(6) -> stage(9)", blocks=blocks), is_apart=True)
    assert parts(text) == ["residual", "residual(2)"]
    assert {"stage1", "stage2"} <= set(clusters(text))
    assert "residual(6) ×3" in nodes(text)["stage1.repeat1"]


def test_a_large_net_has_its_blocks_beside_it() -> None:
    few, many = (net("\n".join(["residual(3)"] * n), blocks=RESIDUAL) for n in (2, 20))
    assert dot(few) == dot(few, is_apart=False)
    assert dot(many) == dot(many, is_apart=True) != dot(many, is_apart=False)
    assert clusters(dot(many, depth=5)).count("residual20") == 1


def test_the_picture_of_a_deep_net_is_no_larger_than_that_of_a_shallow_one() -> None:
    source = load(ROOT / "specs" / "resnet.net")
    columns = ((), ("layers=[3, 8, 36, 3]", "bottleneck=true"))
    nets = [analyse(source, Diagnostics(), settings=s)["ResNet"] for s in columns]
    shallow, deep = (nodes(dot(model)) for model in nets)
    assert len(deep) < len(shallow) + 10 < 80
    assert "bottleneck(256) ×35" in deep["stage3.repeat1"]


def test_shared_parameters_are_marked_and_counted_once() -> None:
    body = "shared enc = dense(4)\nenc as a\nfrom x -> enc as b\nfrom a, b -> add"
    drawn = nodes(dot(net(body, shape="4")))
    assert "20 parameters, shared" in drawn["enc"] and "peripheries=2" in drawn["enc"]
    assert "shared, counted once" in drawn["enc@2"]


def test_a_shared_instance_in_a_loop_belongs_to_the_body_around() -> None:
    body = "shared enc = dense(4)\nrepeat 3 { enc -> relu }\nenc"
    drawn = nodes(dot(net(body, shape="4")))
    assert "20 parameters, shared" in drawn["repeat1.enc"]
    assert "shared, counted once" in drawn["enc"]


def test_taps_are_named() -> None:
    body = "for i in range(3) { dense(4) -> relu as tap[i] }\nfrom tap[0], tap[2] -> add"
    lines = edges(dot(net(body, shape="4")))
    assert 'label=" tap[0] [4] "' in lines["for1.0.dense1", "add1"]
    assert 'label=" tap[2] [4] "' in lines["for1.2.dense1", "add1"]


def test_several_outputs_are_drawn_by_name() -> None:
    text = dot(net("dense(4) as a\nrelu as b\noutput a, b", shape="4"))
    assert {("dense1", "output.a"), ("relu1", "output.b")} <= set(edges(text))


def test_outputs_without_a_name() -> None:
    lines = edges(dot(net("relu as a\ntanh as b\nfrom a, b", shape="4")))
    assert {("relu1", "output.output"), ("tanh1", "output.output@2")} <= set(lines)


def test_an_output_that_is_a_tap() -> None:
    body = 'for i in range(2) { relu as tap[i] }\noutput tap[len([":"]) - 1], tap[1]'
    text = dot(net(body, shape="4"))
    assert {("for1.0.relu1", "output.tap"), ("for1.1.relu1", "output.tap@2")} <= set(edges(text))


def test_a_block_that_does_nothing_is_not_drawn() -> None:
    text = dot(net("nothing -> relu", blocks="block nothing { if false { relu } }"))
    assert clusters(text) == [] and ("input.x", "relu1") in edges(text)


def test_defaults_are_left_out_of_calls() -> None:
    text = dot(net("residual(6, stride=2) -> residual(6)", blocks=RESIDUAL), depth=0)
    assert "residual(6, stride=2)" in nodes(text)["residual1"]
    assert "residual(6)<" in nodes(text)["residual2"]


@pytest.mark.parametrize("name", sorted(layers()))
def test_every_layer_can_be_drawn(name: str) -> None:
    for sample in layers()[name].samples:
        inputs = [f"input x{i}: {type_}" for i, type_ in enumerate(sample.inputs)]
        names = [f"x{i}" for i in range(len(inputs))][: layers()[name].input_count]
        take = f"from {', '.join(names)} -> {sample.call}"
        text = dot(shaped("\n".join(["net Test {", *inputs, take, "}"])))
        assert f"{name}1" in nodes(text)


# ---------------------------------------------------------------- large, hostile, repeatable


def test_many_iterations_make_a_small_picture() -> None:
    small, large = (dot(net(f"repeat {n} {{ relu -> tanh }}")) for n in (10, 5000))
    assert len(large) < len(small) + 50


def test_many_layers_take_time_in_proportion() -> None:
    text = dot(net("relu\n" * 10_000, shape="2"))
    assert text.count(" -> ") == 10_001


def test_long_names_are_cut() -> None:
    name = "n" * 5000
    blocks = f"block {name} {{ relu }}\n"
    text = dot(net(f"repeat 3 {{ {name} -> {name} -> tanh }}", blocks=blocks))
    assert len(text) < 10_000


HOSTILE = r"""z\\N\\G\"</b><script>&amp;]];}{|"""


@needs_dot
def test_strings_of_a_spec_stay_text() -> None:
    blocks = "block odd(_mode) { relu -> tanh }\n"
    model = net(f'repeat 2 {{ odd("{HOSTILE}") }}\nodd("{HOSTILE}")', blocks=blocks)
    for depth in (None, 0):
        picture = ElementTree.fromstring(render(dot(model, depth), "svg"))
        texts = ["".join(e.itertext()) for e in picture.iter() if e.tag.endswith("}text")]
        assert sum(f'odd("{HOSTILE}")' in text for text in texts) == 2


@needs_dot
def test_names_that_mean_something_to_graphviz() -> None:
    body = "node: relu\nedge: relu\ndigraph: relu\nsubgraph: repeat 2 { relu -> tanh }"
    render(dot(net(body)), "svg")


def test_the_text_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import sys; from pathlib import Path; from specc.pipeline import analyse, load\n"
        "from specc.diagnostics import Diagnostics; from specc.draw import dot\n"
        "for net in analyse(load(Path(sys.argv[1])), Diagnostics()).values(): print(dot(net))"
    )
    command = [sys.executable, "-X", "utf8", "-c", program, str(ROOT / "specs" / "lenet.net")]
    texts = {
        subprocess.run(
            command,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
