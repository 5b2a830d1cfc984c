"""Errors while a generated network runs name the spec's line: shapes, labels, overflow."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import execute, network_class

from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.emit import emit
from specc.options import Options
from specc.pipeline import load, shape_one
from specc.resources import resource
from specc.small import small_settings
from specc.source import Source
from specc.verification.batches import cast, draw_batch

FORMS = {
    "numpy": Options(),
    "pytorch": Options(target="pytorch"),
    "explicit": Options(target="pytorch", backward="explicit"),
}
SPECS = sorted(resource("specs").glob("*.net"), key=lambda path: path.name)

TAGGER = """net Tagger(tags = 5) {
  input words: real[T, 6], more: real[T, 2]
  target tag: label[T] of tags
  from words, more -> concat
  dense(tags)
  loss cross_entropy
}
"""
LETTERS = """net Letters {
  input image: real[1, 6, 6]
  target letter: label of 4
  conv(2, 3) -> relu -> flatten -> dense(4)
  loss cross_entropy
}
"""
DEEP = """block residual(c) {
  add {
    path { dense(c) -> relu -> dense(c) }
    path {}
  }
}
net Deep {
  input x: real[2]
  target y: real[1]
  dense(8) -> relu
  stage: repeat 3 { residual(8) }
  last: dense(1)
  loss l1
}
train { data xor; epochs 5; batch 4; optimizer sgd(lr=0.1) }
"""


def module_of(source: Source, form: str, settings: tuple[str, ...] = ()) -> Any:
    return compiled(source, form, settings)[0]


def compiled(source: Source, form: str, settings: tuple[str, ...] = ()) -> tuple[Any, ShapedModel]:
    """The module of a spec, and its shapes."""
    options = replace(FORMS[form], settings=settings)
    diagnostics = Diagnostics()
    shaped = shape_one(source, options, diagnostics)
    return execute(emit(shaped, options, Path("test.py"), diagnostics)), shaped


def net_of(text: str, form: str) -> Any:
    return network_class(module_of(Source("test.net", text), form))()


def given(array: Any, form: str) -> Any:
    return array if form == "numpy" else torch.tensor(array)


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def labels(*values: int) -> Any:
    return np.array(values)


each_form = pytest.mark.parametrize("form", FORMS)

# ---------------------------------------------------------------- shapes and labels

IMAGE, LETTER = "`image` (test.net:2) needs [N, 1, 6, 6], gets ", "`letter` (test.net:3) needs "
WRONG = {
    "no channel": ((2, 6, 6), IMAGE + "[2, 6, 6]: image[:, None] would do"),
    "no batch": ((1, 6, 6), IMAGE + "[1, 6, 6]: image[None] would do"),
    "neither": ((6, 6), IMAGE + "[6, 6]: image[None, None] would do"),
    "channels last": ((2, 6, 6, 1), IMAGE + "[2, 6, 6, 1]: image.transpose(0, 3, 1, 2) would do"),
    "another size": ((2, 1, 5, 6), IMAGE + "[2, 1, 5, 6]"),
    "three channels": ((2, 3, 6, 6), IMAGE + "[2, 3, 6, 6]"),
    "no example": ((0, 1, 6, 6), IMAGE + "[0, 1, 6, 6]"),
}


@each_form
@pytest.mark.parametrize("case", WRONG)
def test_an_input_of_another_shape_is_told_with_the_line_of_the_spec(case: str, form: str) -> None:
    shape, message = WRONG[case]
    net, image = net_of(LETTERS, form), given(ones(*shape), form)
    message = message if form == "numpy" else message.replace("transpose", "permute")
    targets = given(np.zeros(len(image), int), form)
    for run in (net.forward, net.predict, lambda x: net.loss(x, targets)):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            run(image)
    if " would do" in message:  # then it does
        mended = message.partition("]: ")[2].removesuffix(" would do")
        net.forward(eval(mended, {"image": image}))


@each_form
@pytest.mark.parametrize(
    ("letter", "message"),
    [
        (labels(0, 1, 2), "[2], gets [3]"),
        (labels(0, 4), "whole numbers from 0 to 3, gets 0 to 4"),
        (labels(-1, 3), "whole numbers from 0 to 3, gets -1 to 3"),
        (ones(2), "whole numbers from 0 to 3, gets 1.0 to 1.0"),
        (labels(0, 1)[:, None], "[2], gets [2, 1]: letter[:, 0] would do"),
        (np.eye(4, dtype=int)[:2], "[2], gets [2, 4]: letter.argmax(1) would do"),
    ],
)
def test_labels_that_the_net_does_not_have(letter: Any, message: str, form: str) -> None:
    net = net_of(LETTERS, form)
    with pytest.raises(ValueError, match=f"^{re.escape(LETTER + message)}$"):
        net.loss(given(ones(2, 1, 6, 6), form), given(letter, form))


@each_form
def test_equal_letters_are_equal_sizes(form: str) -> None:
    net = net_of(TAGGER, form)
    words, more, tag = ones(2, 7, 6), ones(2, 7, 2), np.zeros((2, 7), int)
    net.loss(*(given(x, form) for x in (words, more, tag)))
    for wrong, message in (
        ((words[0], more, tag), r"`words` \(test.net:2\) needs \[N, T, 6\], gets \[7, 6\]"),
        ((words, more[:, 1:], tag), r"`more` \(test.net:2\) needs \[2, 7, 2\], gets \[2, 6, 2\]"),
        ((words, more, tag[:, 2:]), r"`tag` \(test.net:3\) needs \[2, 7\], gets \[2, 5\]"),
    ):
        with pytest.raises(ValueError, match=message):
            net.loss(*(given(x, form) for x in wrong))


@each_form
def test_labels_that_a_loss_leaves_out_may_be_anything(form: str) -> None:
    net = net_of(LETTERS.replace("cross_entropy", "cross_entropy(ignore=9)"), form)
    net.loss(given(ones(2, 1, 6, 6), form), given(labels(9, 1), form))


@each_form
def test_an_input_may_be_called_as_what_checks_it(form: str) -> None:
    text = LETTERS.replace("image", "expect").replace("letter", "fits")
    net = net_of(text, form)
    with pytest.raises(ValueError, match=r"`expect_` \(test.net:2\)"):
        net.forward(given(ones(2, 6, 6), form))


def test_the_page_shows_what_is_told() -> None:
    page = (Path(__file__).parents[1] / "docs" / "running.md").read_text("utf-8")
    net = network_class(module_of(load(resource("specs", "lenet.net")), "numpy"))()
    digits = np.arange(32) % 10 + 1
    for images, labels in ((ones(32, 28, 28), digits - 1), (ones(32, 1, 28, 28), digits)):
        with pytest.raises(ValueError, match=r"lenet\.net") as told:
            net.loss(images, labels)
        assert f"ValueError: {told.value}\n" in page


HALVES = """net Halves {
  input words: token[2*T] of 9 padded, more: real[T + 1, 3], other: real[N, 3]
  target kind: label[T] of 3
  embedding(9, 4) -> gru(3) -> last -> dense(3) as a
  from other -> last -> dense(3) as b
  from more -> conv1d(3, 2) -> loss cross_entropy
  output a, b
}
"""


def halves(words: int = 6, longest: int = 6, more: int = 4, other: int = 5, kind: int = 3) -> Any:
    """Two examples of these lengths."""
    whole = np.zeros((2, words), int), np.array([1, longest])
    return (*whole, ones(2, more, 3), ones(2, other, 3), np.zeros((2, kind), int))


@each_form
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"words": 7}, "`words` (test.net:2) needs [N, 6], gets [2, 7]"),
        ({"words": 1}, "`words` (test.net:2) needs [N, 0], gets [2, 1]"),
        ({"words": 8}, "`more` (test.net:2) needs [2, 5, 3], gets [2, 4, 3]"),
        ({"more": 3}, "`more` (test.net:2) needs [2, 4, 3], gets [2, 3, 3]"),
        ({"kind": 2}, "`kind` (test.net:3) needs [2, 3], gets [2, 2]"),
        (
            {"longest": 7},
            "`words_lengths` (test.net:2) needs whole numbers from 1 to 6, gets 1 to 7",
        ),
    ],
)
def test_sizes_that_follow_from_others(form: str, wrong: dict[str, int], message: str) -> None:
    """The first size that has a letter fixes it; `N` is no number of examples."""
    net = net_of(HALVES, form)
    net.loss(*(given(x, form) for x in halves()))
    with pytest.raises(ValueError, match=re.escape(message)):
        net.loss(*(given(x, form) for x in halves(**wrong)))


@each_form
def test_a_size_of_no_use_for_others(form: str) -> None:
    """T * T says nothing of T, and lengths are told the steps there are."""
    text = "net A { input x: real[T*T, 3] padded, y: real[T, 3]; from y -> last as b\n"
    net = net_of(text + "from x -> last as a; from a, b -> add }", form)
    x, y = given(ones(2, 5, 3), form), given(ones(2, 7, 3), form)
    assert net.forward(x, given(np.array([1, 5]), form), y).shape == (2, 3)
    with pytest.raises(ValueError, match="needs whole numbers from 1 to 5, gets 1 to 6"):
        net.forward(x, given(np.array([1, 6]), form), y)


# ---------------------------------------------------------------- where numbers overflow

quiet = pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")


def parts_of(net: Any) -> dict[str, Any]:
    """The parts below a net, by path; lists and what is inside recurrent layers left out."""
    if isinstance(net, torch.nn.Module):
        modules = dict(net.named_modules()).items()
        parts = {k: p for k, p in modules if k and not isinstance(p, torch.nn.ModuleList)}
    else:
        parts = {path: part for path, part in net.parts() if hasattr(part, "forward")}
    recurrent = {path for path in parts if re.fullmatch(r"(rnn|lstm|gru)\d+", path)}
    return {
        path: part for path, part in parts.items() if path.split(".")[0] not in recurrent - {path}
    }


@each_form
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_part_knows_its_line(path: Path, form: str) -> None:
    source = load(path)
    settings = tuple(f"{name}={value}" for name, value in small_settings(path).items())
    module, shaped = compiled(source, form, settings)
    if not hasattr(module, "LINES"):
        assert "train {" not in source.text
        return
    net = network_class(module)()
    found = {name: part for name, part in module.located(net)}
    paths = {re.match(r"`(.*)` \(", name)[1]: part for name, part in found.items()}  # type: ignore[index]
    assert paths.keys() == parts_of(net).keys()
    assert all(paths[place] is part for place, part in parts_of(net).items())
    lines = {path.name: source.text.splitlines()}
    for name in found:
        place, file, line = re.match(r"`(.*)` \((.*):(\d+)\)", name).groups()  # type: ignore[union-attr]
        text = lines.setdefault(file, (path.parent / file).read_text("utf-8").splitlines())
        label = re.sub(r"(\.\d+)+$", "", place).rpartition(".")[2]
        assert (
            label.rstrip("0123456789") in text[int(line) - 1] or f"{label}:" in text[int(line) - 1]
        )
    module.watch(net, 0, 1)
    batch = cast(draw_batch(shaped, {"T": 5}, 2, np.random.default_rng(0)), np.float32)
    net.loss(*(given(x, form) for x in batch.values()))
    net.backward()


@each_form
def test_shared_parts_in_loops_have_their_lines(form: str) -> None:
    text = TAGGER.replace("dense(tags)", "shared d = dropout(0.5)\n  shared e = dense(8)\n"
                          "  repeat 2 { e -> d -> d }\n  d -> dense(tags)")  # fmt: skip
    text += 'train { data npz("a"); epochs 1; batch 4; optimizer adam }\n'
    module = module_of(Source("test.net", text), form)
    net = network_class(module)()
    named = {name.split("`")[1] for name, _ in module.located(net)}
    assert named >= {"e", "d", "dense1", "repeat1.0.d", "repeat1.1.d"}


def overflowing(form: str, values: dict[str, Any]) -> tuple[Any, Any]:
    """A net in which some weights are these numbers, which is watched, and its batch."""
    module = module_of(Source("deep.net", DEEP), form)
    net = network_class(module)()
    named = net.parameters() if form == "numpy" else dict(net.state_dict())
    for name, value in values.items():
        named[name][...] = given(np.float32(value), form)
    module.watch(net, 7, 5)
    return net, tuple(given(x, form) for x in (ones(4, 2), ones(4, 1)))


@quiet
@each_form
def test_the_first_result_that_is_not_finite_is_told(form: str) -> None:
    net, batch = overflowing(form, {"dense1.weight": 1.0, "stage.1.dense1.weight": 1e38})
    message = (
        r"^the result of `stage.1.dense1` \(deep.net:3\) is inf in step 3 of epoch 2, "
        r"from \|x\| <= [\d.]+ and \|weight\| <= 1e\+38 and \|bias\| <= [\d.]+$"
    )
    with pytest.raises(FloatingPointError, match=message):
        net.loss(*batch)


@quiet
@each_form
def test_in_evaluation_no_step_is_named(form: str) -> None:
    net, (x, _) = overflowing(form, {"dense1.weight": 1.0, "last.weight": np.inf})
    if form != "numpy":
        net.eval()
    with pytest.raises(FloatingPointError, match=r"`last` \(deep.net:12\) is \w+ in evaluation"):
        net.forward(x) if form == "numpy" else net(x)


@quiet
@each_form
def test_what_overflows_between_the_parts_is_told_by_the_block(form: str) -> None:
    zero = {"stage.0.dense1.weight": 0.0, "stage.0.dense2.weight": 0.0, "dense1.bias": 0.0}
    large = {"dense1.weight": 1.5e38, "stage.0.dense2.bias": 3e38}
    net, batch = overflowing(form, zero | large)
    with pytest.raises(FloatingPointError, match=r"result of `stage.0` \(deep.net:11\) is inf"):
        net.loss(*batch)


@quiet
@each_form
def test_the_first_gradient_that_is_not_finite_is_told(form: str) -> None:
    ends = {"dense1.weight": 1e-30, "dense1.bias": 0.0, "last.weight": 1e30}
    both = [f"{part}.{p}" for part in ("dense1", "dense2") for p in ("weight", "bias")]
    zeros = {f"stage.{i}.{name}": 0.0 for i in range(3) for name in both}
    # in the forward pass, these cancel; in the backward pass, each is multiplied by 1e30
    cancel = {"stage.2.dense1.bias": 1.0, "stage.2.dense2.weight": [1e30, -1e30] * 4}
    net, batch = overflowing(form, ends | zeros | cancel)
    net.loss(*batch)
    message = (
        r"^the gradient of the result of `stage.2.dense1` \(deep.net:3\) is -?inf in step 3 of"
    )
    with pytest.raises(FloatingPointError, match=message):
        net.backward()


@each_form
def test_who_is_watched_computes_the_same(form: str) -> None:
    watched, batch = overflowing(form, {})
    plain = network_class(module_of(Source("deep.net", DEEP), form))()
    losses = [net.loss(*batch) for net in (watched, plain)]
    assert losses[0] == losses[1]
    for gradient, other in zip(watched.backward().values(), plain.backward().values(), strict=True):
        assert (gradient == other).all()


@pytest.mark.parametrize("form", ["numpy", "pytorch"])
def test_the_script_tells_where_a_run_overflows(form: str, tmp_path: Path) -> None:
    source = Source("deep.net", DEEP)
    diagnostics = Diagnostics()
    code = emit(
        shape_one(source, FORMS[form], diagnostics), FORMS[form], Path("deep.py"), diagnostics
    )
    (tmp_path / "deep.py").write_text(code, "utf-8")

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "deep.py", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    blind = run("--lr", "1e20")
    assert blind.returncode == 1
    assert re.fullmatch(
        r"deep.py: error: the loss .*, or see with --check-finite where .*\n", blind.stderr
    )
    told = run("--lr", "1e20", "--check-finite")
    assert told.returncode == 1
    assert re.fullmatch(
        r"deep.py: error: the (result|gradient) of .*\(deep.net:\d+\) is .*\n", told.stderr
    )
    assert run("--check-finite").returncode == 0
