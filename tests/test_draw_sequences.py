"""The diagram of what runs over time: loops, copies side by side, and cells with their states."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commandline import specc
from drawing import ROOT, clusters, edges, lenet, needs_dot, net, nodes, shaped
from recurrent_forms import STATES

from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.draw import NothingToUnroll, dot, render
from specc.graph import Node, Scan
from specc.pipeline import analyse, load

CELL = (ROOT / "tests/cells/lstm.net").read_text("utf-8").partition("\nnet ")[0]
TIME = "#8a4a73"


def sequence(body: str, shape: str = "T, 4", blocks: str = "") -> ShapedModel:
    return net(body, shape, blocks)


# ---------------------------------------------------------------- folded


@pytest.mark.parametrize(
    ("call", "label", "text"),
    [
        ("rnn(3)", " h ", "rnn 3<"),
        ("lstm(3, layers=2)", " h, c ", "lstm 3, 2 layers<"),
        ("gru(3, bidirectional=true)", " ⇄ h ", "gru 3, bidirectional<"),
        ("gru(3, bidirectional=true, join=top)", " ⇄ h ", "gru 3, bidirectional, join top<"),
    ],
)
def test_a_recurrent_layer_has_a_loop_with_its_states(call: str, label: str, text: str) -> None:
    drawn = dot(sequence(call))
    name = f"{call[: call.index('(')]}1"
    loop = edges(drawn)[name, name]
    assert f'label="{label}"' in loop and TIME in loop
    assert ("dir=both" in loop) == ("bidirectional" in call)
    assert text in nodes(drawn)[name]
    assert 'label=" [T, 4] "' in edges(drawn)["input.x", name]


def test_what_follows_a_recurrent_layer_stands_alone() -> None:
    assert {"gru1", "dropout1"} <= set(nodes(dot(sequence("gru(4) -> dropout(0.5)"))))


def test_states_have_lines_with_their_names() -> None:
    body = "lstm(3) as (sequence, hidden, cell)\n"
    body += "from sequence -> lstm(3, initial=hidden, initial_cell=cell)"
    drawn = dot(sequence(body))
    lines = re.findall(r"^\tlstm1 -> lstm2 \[(.*)\]$", drawn, re.MULTILINE)
    assert [re.findall('label="(.*?)"', line) for line in lines] == [
        [" [T, 3] "],
        [" hidden [1, 3] as initial "],
        [" cell [1, 3] as initial_cell "],
    ]


def test_lengths_are_not_drawn() -> None:
    text = """
    block enc { gru(3) -> reverse }
    net Test {
      input words: token[T] of 9 padded
      embedding(9, 4) -> enc -> gru(3) -> last
    }
    """
    for is_apart in (False, True):
        drawn = dot(shaped(text), is_apart=is_apart)
        assert "<b>words</b><br/>padded" in nodes(drawn)["input.words"]
        assert "lengths" not in drawn
        assert [head for tail, head in edges(drawn) if tail == "input.words"] == ["embedding1"]
        assert [tail for tail, head in edges(drawn) if head == "last1"] == ["gru1"]


def test_a_split_is_a_bar_with_a_name_at_each_part() -> None:
    body = "split(2) as (a, b)\nfrom b -> tanh as c\nfrom a, c -> add"
    drawn = dot(sequence(body))
    assert nodes(drawn)["split1"].count('port="i') == 2
    assert 'label=" b [T, 2] "' in edges(drawn)["split1", "tanh1"]
    assert 'tailport="i1:s"' in edges(drawn)["split1", "tanh1"]
    assert 'tailport="i0:s"' in edges(drawn)["split1", "add1"]


def test_the_title_has_what_was_set() -> None:
    text = "net Test(units = 3, deep = false) { input x: real[2]\n dense(units) }"
    assert "<b>Test</b>" in dot(shaped(text))
    done = specc("render", "-", "-o", "-", "--set", "units=5", stdin=text.encode())
    assert "<b>Test(units=5)</b>" in done.out


# ---------------------------------------------------------------- unrolled


def rows(text: str) -> list[str]:
    """The states of the copies, from left to right, the rows in their order."""
    found: dict[str, list[str]] = {}
    for name, look in nodes(text).items():
        if place := re.search(r"/(\d[fb])\d$", name):
            (label,) = re.findall(r'label=(<.*>|"⋯") ', look)
            found.setdefault(place[1], []).append(re.sub('<.*?>|[<>"]', "", label))
    return [f"{row}: {' '.join(states)}" for row, states in found.items()]


@pytest.mark.parametrize(
    ("steps", "drawn"),
    [
        ("T", "h₁ h₂ ⋯ hT"),
        ("2*T", "h₁ h₂ ⋯ h2 * T"),
        ("30", "h₁ h₂ ⋯ h₃₀"),
        ("4", "h₁ h₂ ⋯ h₄"),
        ("3", "h₁ h₂ h₃"),
        ("1", "h₁"),
    ],
)
def test_there_are_so_many_copies_and_dots_for_the_rest(steps: str, drawn: str) -> None:
    text = dot(sequence("rnn(3)", f"{steps}, 4"), copies=3)
    assert rows(text) == [f"1f: {drawn}"]
    assert ("⋯" in nodes(text)["rnn1/x"]) == ("⋯" in drawn)
    assert nodes(text)["rnn1/x"].count("<i>x</i>") == drawn.count("h")


def test_states_go_from_copy_to_copy_and_sequences_from_below_to_above() -> None:
    text = dot(sequence("lstm(3) -> dense(2)"), copies=2)
    lines = edges(text)
    assert "rankdir=BT" in text.splitlines()[1]
    assert TIME in lines["lstm1/1f0", "lstm1/1f1"] and TIME in lines["lstm1/1f1", "lstm1/1f2"]
    assert 'tailport="t2.0:n"' in lines["lstm1/x", "lstm1/1f2"]
    assert 'headport="b2.0:s"' in lines["lstm1/1f2", "lstm1/y"]
    assert ("lstm1/x", "lstm1/1f1") not in lines  # the dots
    assert 'label=" [T, 4] "' in lines["input.x", "lstm1/x"]
    assert 'label=" [T, 3] "' in lines["lstm1/y", "dense1"]
    assert "<i>h</i>₁, <i>c</i>₁" in nodes(text)["lstm1/1f0"]


def test_layers_lie_on_one_another() -> None:
    text = dot(sequence("gru(3, layers=3)"), copies=2)
    assert rows(text) == [f"{layer}f: h₁ ⋯ hT" for layer in (1, 2, 3)]
    assert {("gru1/1f0", "gru1/2f0"), ("gru1/2f0", "gru1/3f0")} <= set(edges(text))
    assert nodes(text)["gru1/2f0/text"].startswith('label="layer 2"')


@pytest.mark.parametrize(("join", "is_joined"), [("each", True), ("top", False)])
def test_the_second_direction_is_a_row_with_arrows_to_the_left(join: str, is_joined: bool) -> None:
    call = f"gru(3, layers=2, bidirectional=true, join={join})"
    text = dot(sequence(call), copies=2)
    lines = edges(text)
    assert rows(text) == [f"{row}: h₁ ⋯ hT" for row in ("1f", "1b", "2f", "2b")]
    assert "dir=back" in lines["gru1/1b0", "gru1/1b1"]
    assert "dir=back" not in lines["gru1/1f0", "gru1/1f1"]
    assert 'label="layer 1, backward"' in nodes(text)["gru1/1b0/text"]
    assert (("gru1/1b0", "gru1/y1") in lines) == is_joined
    assert (("gru1/y1", "gru1/2f0") in lines) == is_joined
    assert (("gru1/1b0", "gru1/2b0") in lines) != is_joined
    assert {("gru1/2f0", "gru1/y"), ("gru1/2b0", "gru1/y")} <= set(lines)


def test_states_leave_at_the_end_of_each_row_and_come_in_at_the_beginning() -> None:
    body = "gru(3, bidirectional=true) as (sequence, hidden)\n"
    text = dot(sequence(body + "from sequence -> gru(3, layers=2, initial=hidden)"), copies=2)
    lines = edges(text)
    assert TIME in lines["gru1/1f2", "gru2/1f0"] and TIME in lines["gru1/1b0", "gru2/2f0"]
    text = dot(sequence(body + "from hidden -> reshape([6]) as h\noutput sequence, h"), copies=2)
    lines = edges(text)
    assert 'label=" hidden [2, 3] "' in lines["gru1/1f2", "reshape1"]
    assert "label" not in lines["gru1/1b0", "reshape1"]


@pytest.mark.parametrize(("steps", "place"), [("T", 3), ("9", 3), ("2", 1)])
def test_last_takes_the_last_place(steps: str, place: int) -> None:
    body = "gru(3, layers=2) as (sequence, hidden)\nfrom sequence -> last as a\n"
    body += "from sequence -> dropout(0.5) -> last as b\nfrom a, b -> add"
    lines = edges(dot(sequence(body, f"{steps}, 4"), copies=3))
    assert f'tailport="p{place}:n"' in lines["gru1/y", "last1"]
    assert "tailport" not in lines["gru1/y", "dropout1"]


def test_captions_stand_above() -> None:
    text = dot(sequence("repeat 2 { enc }", blocks="block enc { rnn(4) -> tanh }\n"), copies=2)
    (caption,) = re.findall(r"label=(<.*?>>) labeljust=l labelloc=b", text)
    assert "<b>repeat1 ×2</b>" in caption and "enc" in caption
    assert "repeat1/caption" not in nodes(text)


def test_what_is_unrolled_lies_in_blocks_and_beside_the_net() -> None:
    model = sequence("enc", blocks="block enc { rnn(3) -> dense(2) -> relu }\n")
    assert clusters(dot(model, copies=2)) == ["enc1", "enc1.rnn1"]
    assert "enc.rnn1" in clusters(dot(model, copies=2, is_apart=True))
    label = nodes(dot(model, copies=2))["enc1.dense1"]
    assert label.index("relu1") < label.index("dense1")  # from the bottom to the top


def test_a_large_number_of_steps_makes_no_larger_picture() -> None:
    few, many = (dot(sequence("gru(3)", f"{n}, 4"), copies=8) for n in (9, 10_000))
    assert len(many) - len(few) < 40


def test_there_must_be_something_to_unroll() -> None:
    with pytest.raises(NothingToUnroll, match="`LeNet` has nothing to unroll") as found:
        dot(lenet(), copies=3)
    assert not found.value.is_hidden
    model = sequence("enc", blocks="block enc { rnn(3) }\n")
    with pytest.raises(NothingToUnroll, match="lie deeper") as found:
        dot(model, depth=0, copies=3)
    assert found.value.is_hidden
    assert dot(model, depth=1, copies=3)


def test_the_command_unrolls() -> None:
    spec = b"net Test { input x: real[T, 4]\n rnn(3) }"
    assert specc("render", "-", "-o", "-", "--unroll", "3", stdin=spec).out == dot(
        shaped(spec.decode()), copies=3
    )
    for number in ("1", "9", "x"):
        done = specc("render", "-", "-o", "-", "--unroll", number, stdin=spec)
        assert done.status == 2 and "--unroll" in done.err
    done = specc("render", str(ROOT / "specs/lenet.net"), "-o", "-", "--unroll", "3")
    assert done.status == 1 and not done.out
    assert done.err.splitlines()[-1] == "  = help: leave `--unroll` out"


# ---------------------------------------------------------------- cells


def test_a_cell_is_drawn_with_its_states_and_the_way_back() -> None:
    text = dot(sequence("scan lstm_cell(3)", blocks=CELL))
    assert clusters(text) == ["scan1"]
    assert "lstm_cell(3)" in nodes(text)["scan1/caption"]
    lines = edges(text)
    for state in "hc":
        assert f"<i>{state}</i>" in nodes(text)[f"scan1/in.{state}"]
        assert f"<i>{state}</i>" in nodes(text)[f"scan1/next.{state}"]
        back = lines[f"scan1/in.{state}", f"scan1/next.{state}"]
        assert "dashed" in back and "dir=back" in back
    assert text.count("next step") == 1
    assert 'label=" [3] "' in lines["scan1/in.h", "scan1.concat1"]


def test_what_a_step_gives_leaves_from_the_box_of_its_state() -> None:
    text = dot(sequence("scan lstm_cell(3) as (sequence, h, c)\noutput sequence, c", blocks=CELL))
    assert 'label=" [T, 3] "' in edges(text)["scan1/next.h", "output.sequence"]
    assert 'label=" c [3] "' in edges(text)["scan1/next.c", "output.c"]


def test_what_is_no_state_leaves_at_a_point() -> None:
    cell = """
    cell sums {
      input x
      state s: [4]
      from x, s -> add as state s
      tanh
    }
    """
    lines = edges(dot(sequence("scan sums", blocks=cell)))
    assert {("scan1.tanh1", "scan1/out"), ("scan1/out", "output.output")} <= set(lines)


def test_a_cell_without_a_layer_has_its_states() -> None:
    cell = "cell turn { input x; state a: [4], b: [4]\n from a as state b\n from x as state a }\n"
    model = sequence("scan turn as (_, _, b)\noutput b", blocks=cell)
    for is_apart in (False, True):
        lines = edges(dot(model, is_apart=is_apart))
        assert {("scan1/in.a", "scan1/next.b"), ("scan1/0", "scan1/next.a")} <= set(lines)
    assert rows(dot(model, copies=2)) == ["1f: a₁, b₁ ⋯ aT, bT"]


def test_first_states_come_in_at_their_boxes() -> None:
    text = """
    net Test {
      input x: real[T, 2]
      input h0: real[3]
      from x -> scan lstm_cell(3, h=h0)
    }
    """
    lines = edges(dot(shaped(CELL + text)))
    assert 'label=" [3] "' in lines["input.h0", "scan1/in.h"]
    assert 'label=" [3] as h "' in edges(dot(shaped(CELL + text), depth=0))["input.h0", "scan1"]


def test_a_folded_cell_has_a_loop() -> None:
    text = dot(sequence("scan lstm_cell(3)", blocks=CELL), depth=0)
    assert clusters(text) == []
    assert 'label=" h, c "' in edges(text)["scan1", "scan1"]
    assert "lstm_cell(3)" in nodes(text)["scan1"]


def test_cells_beside_the_net() -> None:
    model = sequence("scan lstm_cell(3) -> scan lstm_cell(5)", blocks=CELL)
    text = dot(model, is_apart=True)
    assert clusters(text) == ["lstm_cell/around", "lstm_cell"]
    assert 'label=" h, c "' in edges(text)["scan2", "scan2"]
    assert "[3…5]" in nodes(text)["lstm_cell/out0"] and "lstm_cell/out1" not in nodes(text)
    text = dot(model, is_apart=True, copies=2)
    assert {"scan1", "scan2", "lstm_cell"} <= set(clusters(text))


def test_an_unrolled_cell() -> None:
    text = dot(sequence("scan lstm_cell(3)", blocks=CELL), copies=2)
    assert rows(text) == ["1f: h₁, c₁ ⋯ hT, cT"]
    assert "concat" not in text


def test_an_unrolled_cell_of_several_sequences() -> None:
    cell = """
    cell sums {
      input left, right
      state s: [4]
      from left, right, s -> add as state s
    }
    """
    text = dot(sequence("from x, x -> scan sums", blocks=cell), copies=2)
    assert "<i>left</i>₁, <i>right</i>₁" in nodes(text)["scan1/x"]


# ---------------------------------------------------------------- pictures


ODD = """
cell node(graph) {
  input x
  state edge: [graph], a_very_long_name_of_a_state_that_goes_on: [graph]
  from x, edge, a_very_long_name_of_a_state_that_goes_on -> concat -> dense(graph) as state edge
  tanh as state a_very_long_name_of_a_state_that_goes_on
}
"""


@needs_dot
def test_every_form_is_a_picture() -> None:
    model = sequence("scan node(3) -> lstm(3, layers=2, bidirectional=true) -> last", blocks=ODD)
    for text in (dot(model), dot(model, 0), dot(model, copies=2), dot(model, None, True, 8)):
        ElementTree.fromstring(render(text, "svg"))


SPECS = (*sorted((ROOT / "specs").glob("*.net")), *sorted((ROOT / "tests/cells").glob("*.net")))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_runs_over_time_is_drawn_folded_and_unrolled(path: Path) -> None:
    """Of every spec: a loop at each layer and cell that has states, and copies of these, three."""
    for model in analyse(load(path), Diagnostics()).values():
        recurrent = [node.name for node in model.function.nodes if has_states(node)]
        lines = edges(dot(model, depth=0))
        assert [name for name in recurrent if (name, name) in lines] == recurrent
        assert sum(tail == head for tail, head in lines) == len(recurrent)
        if recurrent:
            drawn = rows(dot(model, copies=3))
            assert drawn and all("h₁" in row and "⋯" in row for row in drawn)


def has_states(node: Node) -> bool:
    """Whether that is a recurrent layer or a scan."""
    return isinstance(node, Scan) or getattr(getattr(node, "op", None), "name", "") in STATES


@needs_dot
def test_the_lines_to_the_copies_are_straight() -> None:
    text = dot(sequence("gru(3, layers=2, bidirectional=true)"), copies=3)
    upward = []
    for group in ElementTree.fromstring(render(text, "svg")).iter():
        title, path = group.findtext("{*}title") or "", group.find("{*}path")
        if path is not None and re.search(r"/x.*/1[fb]\d$", title):
            upward.append([float(x) for x in re.findall(r"[MCL ](-?[\d.]+),", path.attrib["d"])])
    assert len(upward) == 6 and all(max(xs) - min(xs) < 1 for xs in upward)


@needs_dot
@pytest.mark.parametrize(("picture", "copies"), [("recurrent", None), ("unrolled", 3)])
def test_the_pictures_of_the_documentation(picture: str, copies: int | None) -> None:
    (spec,) = re.findall(r"```net\n(.*?)```", (ROOT / "docs/diagrams.md").read_text("utf-8"), re.S)
    drawn = ElementTree.fromstring(render(dot(shaped(spec), copies=copies), "svg"))
    kept = ElementTree.parse(ROOT / "docs" / f"{picture}.svg").getroot()
    assert _texts(kept) == _texts(drawn), f"draw docs/{picture}.svg again"


def _texts(picture: ElementTree.Element) -> list[str | None]:
    return [e.text for e in picture.iter() if e.tag.endswith(("}title", "}text"))]
