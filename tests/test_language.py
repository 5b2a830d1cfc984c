"""The rules of docs/language.md as behaviour: names, scopes, sizes, instances and classes.

A test cites the rules it is about. Most look at the names and shapes of parameters, which say
what was built; what is refused is looked at by its code and place.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from compiled import compile_text, directional_error
from drawing import RESIDUAL
from language_nets import codes, net, shapes, weights

from specc.diagnostics import CompileError, Diagnostics
from specc.pipeline import analyse
from specc.source import Source


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
        ("x: real[-T, 4]", "tanh", "E0205"),
        ("x: real[0 - 2*T - 1, 4]", "tanh", "E0205"),
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


# ---------------------------------------------------------------- classes (P7-P9)


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
