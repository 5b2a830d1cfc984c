"""Names in docs/language.md as behaviour: of instances and tensors, where they are seen, imports.

A test cites the rules it is about.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compiled import compile_file, compile_text
from language_nets import codes, net, shapes, weights

from specc.diagnostics import Diagnostics
from specc.pipeline import analyse, load

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
        ("shared e = dense(4)\n repeat 1 { e: dense(4) } -> e", ["repeat1.0.e", "e"]),
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
        (("shared a = dense(4)", "repeat 2 { a: dense(4) -> a }"), "E0102"),
        (
            ("shared dense1 = dense(4)", "repeat 2 { dense(4) -> relu; repeat 2 { dense1 } }"),
            "E0102",
        ),
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
