"""The rules of docs/language.md as behaviour: names, scopes, sizes, instances and classes.

A test cites the rules it is about. Most look at the names and shapes of parameters, which say
what was built; what is refused is looked at by its code and place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled import compile_file, compile_text, directional_error

from specc.diagnostics import CompileError, Diagnostics
from specc.pipeline import analyse, load
from specc.source import Source


def net(*lines: str, inputs: str = "x: real[4]", head: str = "") -> str:
    """A net of these statements, with what stands above it."""
    body = "".join(f"  {line}\n" for line in lines)
    return f"{head}\nnet N {{\n  input {inputs}\n{body}}}\n"


def shapes(text: str, **more: Any) -> dict[str, tuple[int, ...]]:
    """The parameters of a network but for biases, with their shapes."""
    arrays = compile_text(text, **more).net.parameters()
    return {name: a.shape for name, a in arrays.items() if not name.endswith(".bias")}


def weights(text: str, **more: Any) -> list[str]:
    """The paths of the layers with weights, in order."""
    return [name.removesuffix(".weight") for name in shapes(text, **more)]


def codes(text: str) -> list[tuple[str, str]]:
    """The diagnostics of a spec: code, and the text at its place."""
    found = Diagnostics()
    raised: tuple[Any, ...] = ()
    try:
        analyse(Source("test.net", text), found)
    except CompileError as error:
        raised = tuple(error.diagnostics)
    return [(d.code, d.primary.span.text) for d in dict.fromkeys((*found, *raised))]


def generated_classes(text: str) -> dict[str, list[str]]:
    """The classes that stand for blocks, loops and the net, with their constructors' arguments."""
    code = compile_text(text).text
    code = code[code.index("\nclass Network") : code.index(" Weights in files")]
    found = {}
    for match in re.finditer(r"\nclass (\w+)\(\w+\):(.*?)(?=\nclass |\n# ---|\Z)", code, re.DOTALL):
        arguments = re.search(r"def __init__\(self,? ?([^)]*)\)", match[2])
        found[match[1]] = [a for a in (arguments[1] if arguments else "").split(", ") if a]
    found.pop("Network")
    return found


# ---------------------------------------------------------------- instance names (P1-P4)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("dense(4) -> dense(4) -> tanh -> dense(4)", ["dense1", "dense2", "dense3"]),
        ("first: dense(4) -> dense(4)", ["first", "dense2"]),
        ("if 1 == 2 { dense(4) } else { dense(4) }\n dense(4)", ["dense2", "dense3"]),
        ("if false { dense(4) }\n dense(4)", ["dense2"]),
        ("add { path { dense(4) } path { dense(4) } } -> dense(4)", ["dense1", "dense2", "dense3"]),
        ("join: add { path { one: dense(4) } path {} }", ["one"]),
        ("two -> two", ["two1.dense1", "two1.dense2", "two2.dense1", "two2.dense2"]),
        ("pair: two", ["pair.dense1", "pair.dense2"]),
        ("repeat 2 { dense(4) }", ["repeat1.0", "repeat1.1"]),
        ("repeat 2 { dense(4) -> tanh }", ["repeat1.0.dense1", "repeat1.1.dense1"]),
        ("repeat 1 { main: dense(4) }", ["repeat1.0.main"]),
        ("repeat 1 { two }", ["repeat1.0.dense1", "repeat1.0.dense2"]),
        ("stage: repeat 1 { two -> tanh }", ["stage.0.two1.dense1", "stage.0.two1.dense2"]),
        ("for w in [3, 4] { dense(w) }", ["for1.0", "for1.1"]),
        ("repeat 1 { dense(4) }\n repeat 1 { dense(4) }", ["repeat1.0", "repeat2.0"]),
        ("repeat 1 { repeat 2 { dense(4) } }", ["repeat1.0.repeat1.0", "repeat1.0.repeat1.1"]),
        ("shared enc = dense(4)\n enc -> enc -> dense(4)", ["enc", "dense1"]),
        ("shared enc = two\n enc -> enc", ["enc.dense1", "enc.dense2"]),
        ("shared e = dense(4)\n repeat 1 { e -> dense(4) }", ["e", "repeat1.0.dense1"]),
    ],
)  # fmt: skip
def test_instances_are_named_by_label_or_ordinal(line: str, names: list[str]) -> None:
    """P1-P3: untaken arms count, paths are transparent, a body of one call is that call."""
    head = "block two { dense(4) -> tanh -> dense(4) }" if "two" in line else ""
    assert weights(net(line, head=head)) == names


def test_if_never_renames_a_neighbour() -> None:
    """P2: whichever way it goes."""
    for drop in (0, 1):
        lines = ("dense(4)", f"if {drop} == 1 {{ dense(5) -> dense(4) }}", "dense(6)")
        assert weights(net(*lines))[-1] == "dense4"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("a: dense(4)", "a: dense(4)"), "E0102"),
        (("dense2: dense(4)", "dense(4)"), "E0102"),
        (("shared a = dense(4)", "a: dense(4)", "a"), "E0102"),
        (("forward: dense(4)",), "E0107"),
        (("_hidden: dense(4)",), "E0107"),
        (("lambda: dense(4)",), "E0107"),
    ],
)
def test_labels_that_are_refused(lines: tuple[str, ...], code: str) -> None:
    """P1, P4."""
    assert codes(net(*lines))[0][0] == code


# ---------------------------------------------------------------- scopes (N1-N7)


def test_names_bound_in_paths_and_arms_are_seen_behind_them() -> None:
    """N4."""
    lines = (
        "add { path { dense(4) as a } path {} } as s",
        "if true { tanh as b } else { relu as b }",
        "from a, b, s -> concat",
    )
    assert compile_text(net(*lines)).net.forward(np.ones((2, 4))).shape == (2, 12)


def test_bodies_read_outer_names() -> None:
    """N5."""
    lines = ("let w = 3", "dense(w) as a", "repeat 2 { dense(w) as b", "from a, b -> add }")
    assert shapes(net(*lines))["repeat1.1.dense1.weight"] == (3, 3)


@pytest.mark.parametrize(
    ("lines", "code", "at"),
    [
        (("dense(4) as a", "dense(4) as a"), "E0102", "a"),
        (("let a = 1", "dense(4) as a"), "E0102", "a"),
        (("dense(4) as x",), "E0102", "x"),
        (("dense(4) as a", "repeat 2 { dense(4) as a }"), "E0102", "a"),
        (("for x in [1] { dense(x) }",), "E0102", "x"),
        (("repeat 2 { dense(4) as a", "from a, x -> add }", "from a -> tanh"), "E0101", "a"),
        (("for i in [1, 2] { dense(i) }", "dense(i)"), "E0101", "i"),
        (("repeat 2 { let w = 4; dense(w) }", "dense(w)"), "E0101", "w"),
        (("if false { dense(4) as a } else { tanh }", "from a, x -> add"), "E0112", "a"),
        (("b",), "E0101", "a"),
    ],
)
def test_names_that_are_not_seen(lines: tuple[str, ...], code: str, at: str) -> None:
    """N2, N3, N5-N7."""
    head = "let k = 1\nblock b { dense(4) as c\n from a, c -> add }" if lines == ("b",) else ""
    assert (code, at) in [(c, text.split("[")[0]) for c, text in codes(net(*lines, head=head))]


def test_sibling_bodies_may_use_one_name() -> None:
    """N2: neither is seen in the other."""
    loop = "repeat 2 { dense(4) as a\n from a, x -> add }"
    assert len(weights(net(loop, loop))) == 4


def test_let_of_a_file_and_of_a_body() -> None:
    """G1, N6: constants of the file are seen in blocks, those of a body are not."""
    head = "let w = 2\nlet v = w * 3\nblock b { dense(v) }"
    assert shapes(net("dense(w) -> b", head=head)) == {
        "dense1.weight": (2, 4),
        "b1.dense1.weight": (6, 2),
    }
    assert ("E0101", "u") in codes(net("let u = 2", "b", head="block b { dense(u) }"))
    assert ("E0101", "v") in codes(net("dense(w)", head="let w = v\nlet v = 2"))


def test_parameters_are_seen_in_their_block_only() -> None:
    """N6, B1: a default may use the parameters before it."""
    head = "block b(units, twice = 2 * units) { dense(units) -> dense(twice) }"
    assert shapes(net("b(3) -> b(1, 5)", head=head)) == {
        "b1.dense1.weight": (3, 4),
        "b1.dense2.weight": (6, 3),
        "b2.dense1.weight": (1, 6),
        "b2.dense2.weight": (5, 1),
    }
    assert ("E0101", "units") in codes(net("b(3)", "dense(units)", head=head))


def test_several_results() -> None:
    """F4: as many names as results, `_` skips one, the first is current behind it."""
    head = "block two { dense(2) as a\n dense(3) as b\n output a, b }"
    assert shapes(net("two as (p, _) -> dense(1)", head=head))["dense1.weight"] == (1, 2)
    assert shapes(net("two as (_, q) -> dense(1) as r", "from q, r -> concat", head=head))
    assert "E0304" in dict(codes(net("two as p", head=head)))
    assert "E0304" in dict(codes(net("two as (p, q, r)", head=head)))
    assert "E0303" in dict(codes(net("two -> dense(1)", head=head)))
    assert shapes(net("two -> concat -> dense(1)", head=head))["dense1.weight"] == (1, 5)


def test_from_several_feeds_one_step() -> None:
    """F5."""
    assert "E0303" in dict(codes(net("dense(4) as a", "from a, x -> dense(1)")))
    assert "E0313" in dict(codes(net("concat")))


# ---------------------------------------------------------------- `in`, taps, loops


def test_in_is_the_incoming_tensor_everywhere_in_the_body() -> None:
    """F6: behind other layers, inside loops, in paths and conditions."""
    head = (
        "block b { dense(7) -> dense(in.features)\n repeat 2 { dense(in.features * 2)"
        " -> dense(in.features) as h\n from h, in -> add }\n"
        " if in.features == 3 { dense(1) } else { dense(2) } }"
    )
    found = shapes(net("b -> dense(3) -> c: b", head=head))
    assert found["b1.dense2.weight"] == (4, 7)
    assert found["b1.repeat1.1.dense1.weight"] == (8, 4)
    assert found["b1.dense4.weight"] == (2, 4)
    assert found["c.repeat1.1.dense1.weight"] == (6, 3)
    assert found["c.dense3.weight"] == (1, 3)


def test_in_of_a_net_is_its_first_input() -> None:
    lines = ("dense(9) -> dense(in.features) as h", "from h, b -> concat")
    found = shapes(net(*lines, inputs="a: real[5], b: real[6]"))
    assert found["dense2.weight"] == (5, 9)


def test_sizes_of_images_and_sequences() -> None:
    head = (
        "block b { conv(in.channels + in.height - in.width, 1) -> flatten -> dense(in.shape[1]) }"
    )
    assert shapes(net("b", inputs="x: real[3, 6, 5]", head=head)) == {
        "b1.conv1.weight": (4, 3, 1, 1),
        "b1.dense1.weight": (6, 120),
    }
    head = "block s { dense(in.length) -> dense(in.features) }"
    assert shapes(net("s", inputs="x: real[7, 3]", head=head))["s1.dense1.weight"] == (7, 3)
    assert "E0111" in dict(codes(net("s", inputs="x: real[3]", head=head)))


def test_taps_carry_tensors_out_of_loops() -> None:
    """R4, R5."""
    lines = (
        "for i in range(3) { dense(i + 1) as tap[2 * i] }",
        "from tap[0], tap[4], tap[2] -> concat -> dense(1)",
    )
    assert shapes(net(*lines))["dense1.weight"] == (1, 6)
    assert "E0210" in dict(codes(net(*lines).replace("tap[4]", "tap[3]")))
    assert "E0109" in dict(codes(net(lines[0], "from tap -> tanh")))
    assert "E0102" in dict(codes(net("repeat 2 { dense(1) as tap[0] }", "from tap[0]", "tanh")))


def test_loops_thread_shapes_and_may_run_no_times() -> None:
    """R1, R2."""
    found = shapes(net("for w in [3, 2] { dense(w) -> tanh }", "repeat 0 { dense(9) }", "dense(1)"))
    assert found == {
        "for1.0.dense1.weight": (3, 4),
        "for1.1.dense1.weight": (2, 3),
        "dense1.weight": (1, 2),
    }
    for line, code in (
        ("repeat 1.5 { tanh }", "E0208"),
        ("repeat -1 { tanh }", "E0205"),
        ("for i in 3 { dense(i) }", "E0208"),
    ):
        assert code in dict(codes(net(line)))


# ---------------------------------------------------------------- shared instances (S1-S3)


def test_shared_instances_fix_their_sizes_at_the_first_use() -> None:
    """S3: and both places are shown."""
    text = net("shared e = dense(4)", "e -> e -> dense(5) -> e")
    found = Diagnostics()
    with pytest.raises(CompileError) as error:
        analyse(Source("test.net", text), found)
    (problem,) = error.value.diagnostics
    assert problem.code == "E0305"
    assert problem.secondary is not None
    assert (problem.primary.span.line, problem.primary.span.text) == (5, "e")
    assert problem.primary.span.start > problem.secondary.span.start


def test_shared_instances_are_one_set_of_parameters() -> None:
    """S1, S2: in paths, in loops, behind each other; a block has one in each of its instances."""
    head = "block b { shared e = dense(4)\n e -> tanh -> e }"
    assert weights(net("b -> b", head=head)) == ["b1.e", "b2.e"]
    assert weights(net("shared e = dense(4)", "add { path { e } path { e -> e } }")) == ["e"]
    assert weights(net("repeat 2 { shared e = dense(4)", "e -> e }")) == [
        "repeat1.0.e",
        "repeat1.1.e",
    ]


# ---------------------------------------------------------------- free sizes (Z1-Z6)


def test_free_sizes_run_at_any_length() -> None:
    """Z1, Z2."""
    text = net(
        "dense(3) -> tanh as h", "from h, c -> concat -> dense(2)", "loss cross_entropy",
        inputs="x: real[T, 4], c: real[T, 1]\n  target y: label[T] of 2",
    )  # fmt: skip
    for length in (1, 5):
        compiled = compile_text(text, sizes={"T": length})
        batch = compiled.batch(3)
        assert compiled.net.forward(batch["x"], batch["c"]).shape == (3, length, 2)
        assert directional_error(compiled, batch) < 1e-6


@pytest.mark.parametrize(
    ("inputs", "line", "code"),
    [
        ("x: real[T, 4]", "flatten -> dense(2)", "E0302"),
        ("x: real[T, 4]", "repeat in.length { tanh }", "E0302"),
        ("x: real[T, 4]", "if in.length > 3 { tanh }", "E0302"),
        ("x: real[width, 4]", "tanh", "E0101"),
        ("x: real[T, 4], y: real[S, 4]", "from x, y -> add", "E0309"),
        ("x: real[T, 4], y: real[T + 1, 4]", "from x, y -> add", "E0309"),
    ],
)
def test_free_sizes_where_numbers_are_needed(inputs: str, line: str, code: str) -> None:
    """Z4-Z6."""
    assert code in dict(codes(net(line, inputs=inputs)))


def test_free_sizes_in_expressions() -> None:
    """Z5: halves of an even size are known to be equal."""
    inputs = "x: real[2, 4*H, 4*W], y: real[2, 2*H, 2*W]"
    lines = ("maxpool(2) as a", "from a, y -> add -> maxpool(2) -> global_avgpool -> dense(1)")
    compiled = compile_text(net(*lines, inputs=inputs))
    assert compiled.net.forward(np.ones((1, 2, 8, 12)), np.ones((1, 2, 4, 6))).shape == (1, 1)


def test_a_constant_goes_before_a_free_size() -> None:
    """Z3."""
    text = net("flatten -> dense(1)", inputs="x: real[T, 4]", head="let T = 3")
    assert shapes(text) == {"dense1.weight": (1, 12)}


# ---------------------------------------------------------------- parameters of a net (G5)


def test_settings_change_what_is_built() -> None:
    text = (
        "net N(units = 3, widths = [2, 5], deep = false, kind = \"a\") {\n input x: real[4]\n"
        " dense(units)\n for w in widths { dense(w) }\n if deep { dense(1) }\n"
        " if kind == \"b\" { dense(7) }\n}\n"
    )  # fmt: skip
    assert [s[0] for s in shapes(text).values()] == [3, 2, 5]
    settings = ["units=2*4", "widths=[6]", "deep=true", 'kind="b"']
    compiled = compile_text(text, settings=settings)
    sizes = [a.shape[0] for n, a in compiled.net.parameters().items() if n.endswith("weight")]
    assert sizes == [8, 6, 1, 7]
    assert "units=2*4" in compiled.text.split('"""')[1]


def test_settings_that_are_wrong() -> None:
    text = "net N(units) {\n input x: real[4]\n dense(units)\n}\n"
    with pytest.raises(AssertionError, match="E0211"):
        compile_text(text)
    for setting, code in (("unit=3", "E0201"), ("units=0", "E0205"), ("units=other", "E0101")):
        with pytest.raises(AssertionError, match=code):
            compile_text(text, settings=[setting])
    assert shapes(text, settings=["units=3"]) == {"dense1.weight": (3, 4)}


# ---------------------------------------------------------------- imports (M1-M4)


def test_imports_bring_in_blocks_and_constants(tmp_path: Path) -> None:
    """M1, M4: with the names of their own file, not with what that imports."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "deep.net").write_text("let w = 7\nblock inner { dense(w) }\n", "utf-8")
    (tmp_path / "parts" / "a.net").write_text(
        'import "deep.net"\nlet units = 3\nblock outer { inner -> dense(units) }\n', "utf-8"
    )
    main = tmp_path / "main.net"
    main.write_text(net("outer -> dense(units)", head='import "parts/a.net"'), "utf-8")
    assert [a.shape for a in compile_file(main).net.parameters().values() if a.ndim == 2] == [
        (7, 4), (3, 7), (3, 3),
    ]  # fmt: skip
    main.write_text(net("inner", head='import "parts/a.net"'), "utf-8")
    with pytest.raises(AssertionError, match=r"E0101|E0108"):
        compile_file(main)


def test_imports_are_looked_up_in_the_library(tmp_path: Path) -> None:
    """M2: beside the file first, then in the shipped specs."""
    main = tmp_path / "main.net"
    main.write_text(net("dense(2)", head='import "lenet.net"'), "utf-8")
    assert compile_file(main).net.parameters()["dense1.weight"].shape == (2, 4)
    (tmp_path / "lenet.net").write_text("let own = 5\n", "utf-8")
    main.write_text(net("dense(own)", head='import "lenet.net"'), "utf-8")
    assert compile_file(main).net.parameters()["dense1.weight"].shape == (5, 4)


def test_imports_do_not_leave_the_folder(tmp_path: Path) -> None:
    """M5: neither by a path nor by a link."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out.net").write_text("let w = 3\n", "utf-8")
    (tmp_path / "in" / "link.net").symlink_to(tmp_path / "out.net")
    main = tmp_path / "in" / "main.net"
    for path in ("../out.net", str(tmp_path / "out.net"), "link.net"):
        main.write_text(net("dense(w)", head=f'import "{path}"'), "utf-8")
        with pytest.raises(AssertionError, match="E0106"):
            compile_file(main)
        allowed = analyse(load(main), Diagnostics(), allow_imports=True)
        assert len(allowed) == 1


# ---------------------------------------------------------------- classes (P7-P9)

RESIDUAL = """
block residual(channels, stride = 1) {
  add {
    path { conv(channels, 3, stride=stride, pad=1) -> relu -> conv(channels, 3, pad=1) }
    path { if stride != 1 or in.channels != channels { conv(channels, 1, stride=stride) } }
  }
  relu
}
"""
IMAGE = "x: real[8, 16, 16]"


def test_calls_that_differ_in_numbers_share_a_class() -> None:
    """P7: the numbers that differ are arguments, under the names of the spec."""
    found = generated_classes(
        net("residual(16) -> residual(24, stride=2) -> residual(24)", inputs=IMAGE, head=RESIDUAL)
    )
    assert list(found) == ["Residual", "Residual2", "N"]
    assert found["Residual"] == ["in_channels", "channels", "stride"]
    assert found["Residual2"] == []  # one call: every number is known


def test_numbers_that_are_equal_are_written_into_the_class() -> None:
    found = generated_classes(net("residual(8) -> residual(8)", inputs=IMAGE, head=RESIDUAL))
    assert found == {"Residual": [], "N": ["seed=0", "dtype=np.float32"]}


def test_sizes_are_threaded_through_loops() -> None:
    """A dense block grows: `channels += growth`, as a person would write it."""
    head = "block grow(growth) { concat { path {} path { conv(growth, 3, pad=1) } } }"
    text = net("repeat 4 { grow(2) }", "repeat 3 { grow(5) }", inputs=IMAGE, head=head)
    compiled = compile_text(text)
    assert "channels += " in compiled.text
    assert compiled.text.count("Grow(") == 3  # the class and one construction in each loop
    widths = [a.shape[1] for n, a in compiled.net.parameters().items() if n.endswith("weight")]
    assert widths == [8, 10, 12, 14, 16, 21, 26]


def test_repeat_is_a_loop() -> None:
    """Twelve rounds are one construction and one call."""
    short, long = (
        compile_text(net(f"repeat {n} {{ dense(4) -> tanh }}", "dense(2)")).text for n in (2, 12)
    )
    assert "for _ in range(12)" in long
    assert len(long.splitlines()) == len(short.splitlines())


def test_iterations_of_different_variants_split_the_loop() -> None:
    found = generated_classes(
        net("for w in [8, 8, 16, 16] { residual(w) }", inputs=IMAGE, head=RESIDUAL)
    )
    assert [name for name in found if name.startswith("Residual")] == ["Residual", "Residual2"]


def test_bodies_of_loops_are_classes_named_after_their_label() -> None:
    """P8: unless they are one call."""
    lines = (
        "stage: repeat 2 { dense(4) -> tanh }",
        "repeat 2 { dense(4) }",
        "repeat 2 { relu -> dense(4) }",
    )
    assert list(generated_classes(net(*lines))) == ["Stage", "Repeat3", "N"]
    head = "block b { repeat 2 { dense(4) -> tanh } }"
    assert list(generated_classes(net("b", head=head))) == ["BRepeat1", "B", "N"]


@pytest.mark.parametrize("name", ["dense", "network", "module", "parameter", "adam", "conv2d"])
def test_classes_that_would_hide_a_kernel_get_another_name(name: str) -> None:
    """P9: whether or not the file uses that kernel."""
    text = f"net {name.capitalize()} {{\n  input x: real[4]\n  dense(4)\n}}\n"
    kernel = {"conv2d": "Conv2d"}.get(name, name.capitalize())
    assert type(compile_text(text).net).__name__ == f"{kernel}_net"


def test_names_of_python_are_no_trouble() -> None:
    """P5: keywords and builtins as tensors, parameters, inputs and blocks."""
    text = """
block lambda(class, yield = 2) { dense(class) -> dense(yield) as def
  from def -> tanh as print
  from print, def -> add }
net N {
  input self: real[4], np: real[4]
  target list: real[2]
  from self, np -> add as len
  lambda(3) -> lambda(5) as x
  from len -> dense(2) as training
  from x, training -> add as loss_
  loss mse
}
"""
    compiled = compile_text(text)
    names = [t.name for t in compiled.shaped.inputs.values()]
    assert len(set(names)) == 2
    assert directional_error(compiled, compiled.batch(3)) < 1e-6


# ---------------------------------------------------------------- losses and outputs


def test_several_losses_need_an_output() -> None:
    lines = (
        "target y: real[4], z: real[4]",
        "dense(4) as p",
        "loss mse(target=y)",
        "tanh",
        "loss l1(target=z)",
    )
    assert "E0408" in dict(codes(net(*lines)))
    compiled = compile_text(net(*lines, "output p"))
    batch = compiled.batch(2)
    p = compiled.net.forward(batch["x"])
    both = ((p - batch["y"]) ** 2).mean() + abs(np.tanh(p) - batch["z"]).mean()
    assert compiled.net.loss(**batch) == pytest.approx(both)


def test_a_loss_leaves_the_current_tensor() -> None:
    lines = (
        "target y: real[4], z: real[3]",
        "dense(4)",
        "loss mse(target=y)",
        "dense(3)",
        "loss mse(target=z) ",
        "tanh as p",
        "output p",
    )
    assert compile_text(net(*lines)).net.forward(np.ones((2, 4))).shape == (2, 3)


def test_outputs_come_in_order() -> None:
    lines = ("dense(1) as a", "from x -> dense(2) as b", "output b, a, x")
    found = compile_text(net(*lines)).net.forward(np.ones((3, 4)))
    assert [array.shape for array in found] == [(3, 2), (3, 1), (3, 4)]


def test_a_net_without_a_loss_can_be_evaluated() -> None:
    compiled = compile_text(net("dense(2) -> softmax"))
    assert compiled.net.forward(np.ones((3, 4))).sum() == pytest.approx(3)
    assert not hasattr(compiled.net, "backward")
