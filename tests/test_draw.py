"""The diagram: what is drawn, what is written on it, and that nothing of a spec can break it."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.diagram import render as rendering
from specc.draw import NoGraphviz, RenderError, dot, render
from specc.ops.registry import layers
from specc.pipeline import analyse, load
from specc.source import Source

ROOT = Path(__file__).parent.parent
needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None and find_spec("pygraphviz") is None, reason="no Graphviz"
)

RESIDUAL = """
block residual(channels, stride = 1) {
  add {
    path { conv(channels, 3, stride=stride, pad=1) -> relu -> conv(channels, 3, pad=1) }
    path { if stride != 1 or in.channels != channels { conv(channels, 1, stride=stride) } }
  }
  relu
}
"""


def shaped(text: str) -> ShapedModel:
    (net,) = analyse(Source("test.net", text), Diagnostics()).values()
    return net


def net(body: str, shape: str = "3, 8, 8", blocks: str = "") -> ShapedModel:
    return shaped(f"{blocks}\nnet Test {{\n  input x: real[{shape}]\n{body}\n}}\n")


def lenet() -> ShapedModel:
    (model,) = analyse(load(ROOT / "specs" / "lenet.net"), Diagnostics()).values()
    return model


def nodes(text: str) -> dict[str, str]:
    """The attributes of every node, by its name."""
    found = re.findall(r'^\s*("?)([^"\s]+)\1 \[(.*)\]$', text, re.MULTILINE)
    return {name: attributes for _, name, attributes in found}


def edges(text: str) -> dict[tuple[str, str], str]:
    """The attributes of every edge that is seen, by its ends."""
    found = re.findall(r"^\s*(\S+) -> (\S+) \[(.*)\]$", text, re.MULTILINE)
    return {
        (tail.strip('"'), head.strip('"')): attributes
        for tail, head, attributes in found
        if "invis" not in attributes
    }


def clusters(text: str) -> list[str]:
    return re.findall(r'subgraph "?cluster_([^"\s]+)"? \{', text)


# ---------------------------------------------------------------- what is drawn


def test_a_layer_has_its_name_its_arguments_and_its_parameters() -> None:
    drawn = nodes(dot(lenet()))
    assert "<b>conv1</b><br/>conv 5×5, 6, pad 2<br/>" in drawn["conv1"]
    assert "156 parameters" in drawn["conv1"]
    assert "<b>maxpool1</b><br/>maxpool 2×2>" in drawn["maxpool1"]
    assert "label=sigmoid1" in drawn["sigmoid1"]


def test_shapes_are_on_the_edges_and_the_total_is_in_the_title() -> None:
    text = dot(lenet())
    assert "61,706 parameters" in text.splitlines()[1]
    lines = edges(text)
    assert 'label=" [1, 28, 28] "' in lines["input.image", "conv1"]
    assert 'label=" [16, 5, 5] "' in lines["maxpool2", "flatten1"]
    assert 'label=" label of 10 "' in lines["target.digit", "cross_entropy1"]
    assert len(lines) == 14


def test_blocks_are_nested_clusters() -> None:
    blocks = "block inner { conv(4, 3) -> relu }\nblock outer { inner -> inner }\n"
    text = dot(net("outer", blocks=blocks))
    assert clusters(text) == ["outer1", "outer1.inner1", "outer1.inner2"]
    assert ("outer1.inner1.relu1", "outer1.inner2.conv1") in edges(text)


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
    assert ("repeat1.0.relu2", "repeat1.1…3.conv1") in edges(text)


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


def test_identity_paths_and_signs_of_joins() -> None:
    text = dot(net("residual(3)\nmultiply { path { relu } path { tanh } }", blocks=RESIDUAL))
    lines = edges(text)
    assert "#0072b2" in lines["input.x", "residual1.add1"]
    assert "#0072b2" not in lines["residual1.conv2", "residual1.add1"]
    assert 'label="+"' in nodes(text)["residual1.add1"]
    assert "label=×" in nodes(text)["multiply1"] or 'label="×"' in nodes(text)["multiply1"]


def test_paths_stand_side_by_side_in_the_order_of_the_spec() -> None:
    text = dot(net("concat { path { conv(2, 1) } path { maxpool(1) } path { relu } }"))
    order = re.findall(r"^\s*(\S+) -> (\S+) \[style=invis\]$", text, re.MULTILINE)
    assert order == [("conv1", "maxpool1"), ("maxpool1", "relu1")]


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
    assert 'label=" tap[0] [4] "' in lines["for1.0.relu1", "add1"]
    assert 'label=" tap[2] [4] "' in lines["for1.2.relu1", "add1"]


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
        inputs = [f"input x{i}: real{list(s)}" for i, s in enumerate(sample.shapes)]
        take = f"from {', '.join(f'x{i}' for i in range(len(inputs)))} -> {sample.call}"
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


# ---------------------------------------------------------------- pictures


@needs_dot
@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_pictures(form: rendering.Format, start: bytes) -> None:
    picture = render(dot(lenet()), form)
    assert picture.startswith(start)
    assert picture == render(dot(lenet()), form)


@needs_dot
def test_a_pdf_has_the_date_of_no_day() -> None:
    dates = re.findall(rb"/CreationDate \(D:(\d{8})", render(dot(lenet()), "pdf"))
    assert set(dates) <= {b"19700101"}


def test_without_graphviz_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)
    with pytest.raises(NoGraphviz, match=r"apt install graphviz.*pip install pygraphviz.*\.dot"):
        render("digraph {}", "svg")


@pytest.mark.skipif(find_spec("pygraphviz") is None, reason="no pygraphviz")
def test_the_wheel_draws_where_there_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert render(dot(lenet()), "png").startswith(b"\x89PNG")


@needs_dot
def test_a_text_that_is_no_graph_fails_with_its_reason() -> None:
    with pytest.raises(RenderError, match="Graphviz failed"):
        render("digraph {", "svg")


@needs_dot
def test_a_layout_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(RenderError, match=r"more than 0\.001 seconds.*--depth 1"):
        render(dot(lenet()), "svg", timeout=0.001)
