"""`specc verify`: what it compares, what it says, what it leaves behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from commandline import specc
from compiled import compile_text
from mutations import accusations
from schemes import CASES

from specc.commands import verify as command
from specc.diagnostics import Diagnostics
from specc.options import Options
from specc.pipeline import analyse, load, shape_one
from specc.places import places
from specc.resources import resource
from specc.small import small_settings
from specc.source import Source
from specc.summarize import summarize
from specc.types import Content
from specc.verification.batches import draw_batch
from specc.verification.comparison import error
from specc.verification.masks import Masks
from specc.verify import Plan, Verification, verify

TINY = """\
net Tiny(units = 3) {
  input  x: real[T, 2]
  target y: real[T, 2]
  dense(units) -> dropout(0.5) -> tanh -> dense(2)
  loss mse
}
"""
PLAIN = """\
net Plain {
  input x: real[4]
  dense(2)
}
"""
BROKEN = """\
net Large {
  input  x: real[4]
  target y: real[1]
  dense(1)
  loss mse(scale=1e39)
}
"""
VECTORS = """\
net Vectors {
  input  x: real[4]
  target y: real[3]
  dense(3)
  batchnorm
  loss mse
}
"""
WINDOWS = """\
net Windows {
  input  x: real[T, 2]
  target y: real[4]
  conv1d(4, 9)
  relu
  global_avgpool
  loss mse
}
"""
CHECKS = {
    "output in training",
    "output in evaluation",
    "loss",
    "gradients of parameters",
    "gradients of inputs",
    "weights after steps",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a few specs."""
    monkeypatch.chdir(tmp_path)
    for text in (TINY, PLAIN, BROKEN, VECTORS, WINDOWS):
        name = text.split()[1].partition("(")[0].lower()
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    return tmp_path


def verified(source: Source, settings: tuple[str, ...] = (), **plan: int) -> Verification:
    options = Options(settings=settings)
    shaped = shape_one(source, options, Diagnostics())
    return verify(shaped, options, Plan(**plan), Diagnostics())  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is compared


def small_specs() -> list[Path]:
    """The shipped specs that are quick to run, at their small sizes; free sizes are small, too."""
    found = []
    for path in sorted(resource("specs").glob("*.net")):
        settings = [f"{name}={value}" for name, value in small_settings(path).items()]
        nets = analyse(load(path), Diagnostics(), settings=settings).values()
        costs = [summarize(net).multiply_adds for net in nets]
        if any(not isinstance(cost, int) or cost < 3_000_000 for cost in costs):
            found.append(path)
    return found


@pytest.mark.parametrize("path", small_specs(), ids=lambda path: path.stem)
def test_shipped_specs_pass(path: Path) -> None:
    settings = tuple(f"{name}={value}" for name, value in small_settings(path).items())
    found = verified(load(path), settings, steps=2, directions=2)
    assert found.failure is None
    quantities = {check.quantity for check in found.checks}
    (net,) = analyse(load(path), Diagnostics()).values()
    is_real = any(tensor.type.content is Content.REAL for tensor in net.inputs.values())
    expected = CHECKS if is_real else CHECKS - {"gradients of inputs"}  # of tokens there is none
    assert quantities >= {*expected, "finite differences", "gradients of the pruned file"}
    assert all(check.largest <= check.bound for check in found.checks)


@pytest.mark.parametrize("name", list(CASES)[::4])
def test_difficult_schemes_pass(name: str) -> None:
    assert verified(Source("scheme.net", CASES[name].spec), steps=1).failure is None


@pytest.mark.parametrize("name", list(CASES)[2::5])
def test_what_agrees_is_not_accused(name: str) -> None:
    """The search for the first difference finds none, in both modes, on any side."""
    assert accusations(CASES[name].spec) == []


def test_both_precisions_and_every_backward_pass_are_compared() -> None:
    found = verified(Source("tiny.net", TINY))
    kinds = {(c.side, c.precision.value) for c in found.checks if c.quantity in CHECKS}
    sides = ("NumPy", "PyTorch, explicit")
    assert kinds == {(side, kind) for side in sides for kind in ("float64", "float32")}
    for side in sides:
        here = {c.quantity for c in found.checks if c.side == side}
        assert here >= CHECKS


def test_steps_of_adam_are_compared_in_float64_only() -> None:
    """In float32 it magnifies the rounding errors of small gradients."""
    checks = verified(load(resource("specs", "xor.net")), steps=3).checks
    found = {c.precision.value for c in checks if c.quantity == "weights after steps"}
    assert found == {"float64"}


@pytest.mark.parametrize("seed", range(4))
def test_adam_takes_no_steps_of_noise(seed: int) -> None:
    """The gradient of a bias before a batch norm is zero in theory: it stays where it is."""
    text = load(resource("specs", "xor.net")).text.replace("-> tanh", "-> batchnorm -> tanh")
    checks = verified(Source("xor.net", text), steps=5, batch=8, seed=seed).checks
    steps = next(check for check in checks if check.quantity == "weights after steps")
    assert {"dense1.bias", "dense1.weight", "batchnorm1.running_mean"} <= set(steps.errors)
    assert steps.errors["dense1.bias"] == 0
    assert max(steps.errors.values()) <= steps.bound


def test_buffers_are_compared() -> None:
    text = TINY.replace("dropout(0.5)", "batchnorm").replace("real[T, 2]", "real[2]")
    checks = verified(Source("tiny.net", text)).checks
    found = next(check for check in checks if check.quantity == "buffers")
    assert set(found.errors) == {"batchnorm1.running_mean", "batchnorm1.running_var"}


def test_without_a_loss_outputs_are_compared() -> None:
    checks = verified(Source("plain.net", PLAIN)).checks
    assert {check.quantity for check in checks} == {"output in training", "output in evaluation"}


def test_pytorch_does_not_warn_of_padding_that_is_meant() -> None:
    """That of an even kernel has a row more on one side."""
    text = PLAIN.replace("real[4]", "real[1, 3, 3]").replace("dense(2)", 'conv(1, 2, pad="same")')
    assert verified(Source("plain.net", text)).passed


def test_without_parameters_gradients_of_inputs_are_compared() -> None:
    text = PLAIN.replace("dense(2)", "tanh\n  loss mse").replace("dense", "")
    text = text.replace("  tanh", "  target y: real[4]\n  tanh")
    found = verified(Source("plain.net", text))
    quantities = {check.quantity for check in found.checks}
    assert "gradients of inputs" in quantities
    assert "gradients of parameters" not in quantities
    assert found.failure is None


# ---------------------------------------------------------------- measures


def test_the_error_is_relative_to_the_largest_number() -> None:
    """max|a − b| / max(max|b|, floor)."""
    wanted, found = np.array([1.0, -4.0]), np.array([1.5, -4.0])
    assert error(found, wanted, 0) == 0.125
    assert error(found, wanted, 10) == 0.05
    assert error(wanted, wanted, 0) == 0
    assert error(np.zeros(2), np.zeros(2), 0) == 0
    assert error(wanted, wanted[:1], 0) == np.inf
    assert np.isnan(error(np.array([np.inf]), np.array([np.inf]), 0))


def test_masks_depend_on_layer_step_and_call_alone() -> None:
    masks, same = Masks(1), Masks(1)
    first, second = masks.uniform("a", (3,)), masks.uniform("a", (3,))
    assert np.array_equal(same.uniform("a", (3,)), first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(Masks(1).uniform("b", (3,)), first)
    masks.begin(0)
    assert np.array_equal(masks.uniform("a", (3,)), first)
    masks.begin(1)
    assert not np.array_equal(masks.uniform("a", (3,)), first)


def test_batches_fit_the_kinds_of_targets() -> None:
    text = (
        "net N {\n input x: real[3], m: real[3], w: real[1]\n target y: label of 4, z: real[3]\n"
        " from x -> loss binary_cross_entropy(target=z, mask=m)\n"
        " from x, w -> concat as p\n from p -> loss cross_entropy(target=y)\n output p\n}\n"
    )
    shaped = shape_one(Source("n.net", text), Options(), Diagnostics())
    batch = draw_batch(shaped, {}, 50, np.random.default_rng(0))
    assert set(np.unique(batch["m"])) == set(np.unique(batch["z"])) == {0, 1}
    assert set(np.unique(batch["y"])) == {0, 1, 2, 3}
    assert batch["x"].shape == (50, 3) and batch["x"].std() > 0.5


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("name", CASES)
def test_every_part_of_the_code_has_a_place(name: str) -> None:
    """Under its path; the spans are the calls in the spec, or the shared names called there."""
    spec = CASES[name].spec
    shared = re.findall(r"^ *shared (\w+)", spec, re.MULTILINE)
    compiled = compile_text(spec)
    found = places(compiled.shaped)
    parts = {path for path, part in compiled.net.parts() if hasattr(part, "forward")}
    assert parts and parts <= set(found)
    for place in found.values():
        text = place.span.text.removeprefix("loss ")
        assert text.startswith((place.kind, place.path.split(".")[0])) or text in shared
        assert place.owner in found or place.owner == ""


# ---------------------------------------------------------------- the command


def test_the_table_names_the_worst_tensor() -> None:
    found = specc("verify", "tiny.net", "--size", "T=3", "--steps", "1", "--no-proof")
    assert found.status == 0, found.err
    first, head, *rows, last = found.out.splitlines()
    assert first == ("Tiny: 17 parameters, T=3, batch 4, seed 0, 1 steps of plain gradient descent")
    assert head.split()[:3] == ["quantity", "precision", "NumPy"]
    assert any(row.startswith("gradients of parameters  ") and "dense" in row for row in rows)
    assert last == "Tiny: all agree"
    assert not list(Path().glob("*.json"))


def test_the_proof(folder: Path) -> None:
    found = specc("verify", "tiny.net", "--set", "units=4", "--seed", "3", "--batch", "2")
    assert found.out.splitlines()[-1] == "tiny.net -> tiny.proof.json"
    text = (folder / "tiny.proof.json").read_text(encoding="utf-8")
    proof = json.loads(text)
    assert proof["verdict"] == "passed" and proof["failure"] is None
    assert proof["settings"] == ["units=4"] and proof["sizes"] == {"T": 5}
    assert (proof["seed"], proof["batch"], proof["steps"]) == (3, 2, 5)
    assert set(proof["versions"]) == {"specc", "numpy", "torch"}
    gradients = next(c for c in proof["checks"] if c["quantity"] == "gradients of parameters")
    assert list(gradients["errors"]) == [
        "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"
    ]  # fmt: skip
    assert all(value == float(f"{value:.1e}") for value in gradients["errors"].values())
    assert str(folder) not in text
    again = specc("verify", "tiny.net", "--set", "units=4", "--seed", "3", "--batch", "2")
    assert again.status == 0
    assert (folder / "tiny.proof.json").read_text(encoding="utf-8") == text


def test_json_is_the_proof() -> None:
    found = specc("verify", "plain.net", "--json", "-o", "there.json")
    assert json.loads(found.out) == json.loads(Path("there.json").read_text(encoding="utf-8"))


def test_a_failure_is_a_diagnostic_at_its_place_and_in_the_proof() -> None:
    found = specc("verify", "large.net")
    assert found.status == 1
    assert found.out.splitlines()[-2] == "Large: something differs"
    assert "error[E0701]" in found.err and "--> large.net:5:3" in found.err
    proof = json.loads(Path("large.proof.json").read_text(encoding="utf-8"))
    assert proof["verdict"] == "failed"
    assert proof["failure"]["place"] == "large.net:5"


def test_a_foreign_file_is_not_overwritten(folder: Path) -> None:
    (folder / "plain.proof.json").write_text("mine", encoding="utf-8")
    found = specc("verify", "plain.net")
    assert found.status == 1 and "is not a file that specc has written" in found.err
    assert (folder / "plain.proof.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tiny.net", "--size", "Q=3"), "`Tiny` has no free size `Q`; it has `T`"),
        (("plain.net", "-o", "x.json", "--no-proof"), "give `-o` or `--no-proof`, not both"),
        (("plain.net", "--batch", "0"), "--batch"),
        (
            ("vectors.net", "--batch", "1"),
            "'--batch': `batchnorm1` (vectors.net:5) normalises over",
        ),
        (
            ("windows.net", "--size", "T=8"),
            "'--size': `conv1d1` (windows.net:4) has the size T - 8, which would be 0 for T = 8",
        ),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str) -> None:
    found = specc("verify", *arguments)
    assert found.status == 2
    assert words in found.err


def test_a_spec_with_errors() -> None:
    Path("wrong.net").write_text("net N { input x: real[4]; linear(2) }\n", encoding="utf-8")
    found = specc("verify", "wrong.net")
    assert found.status == 1 and "error[E0" in found.err
    assert not Path("wrong.proof.json").exists()


def test_without_pytorch_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    found = specc("verify", "plain.net")
    assert found.status == 2
    assert found.err.startswith("error: PyTorch is not installed\n")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "raise OSError('libc10.so: cannot open\\nshared object file')",
            "OSError: libc10.so: cannot",
        ),
        ("import sys; sys.exit(3)", "SystemExit: 3\n"),
        ("print('a script of this name')", "ModuleNotFoundError: No module named 'torch.nn'"),
    ],
)
def test_a_pytorch_that_cannot_be_imported_is_told_in_one_line(
    folder: Path, code: str, reason: str
) -> None:
    """Where it lies, and what it says."""
    Path("torch.py").write_text(code, "utf-8")
    command = [sys.executable, "-m", "specc", "verify", "plain.net"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2
    place = folder / "torch.py"
    assert found.stderr.startswith(f"error: PyTorch ({place}) cannot be imported: {reason}")
    assert found.stderr.splitlines()[1:] == [
        "  = help: install it again: `pip install --force-reinstall torch`; see https://pytorch.org"
    ]


def test_generated_code_lies_in_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed leaves nothing behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    before = set(folder.iterdir())
    assert specc("verify", "plain.net").status == 0
    assert set(folder.iterdir()) - before == {folder / "plain.proof.json"}


def test_free_sizes_leave_something_of_every_tensor() -> None:
    plan = verified(Source("windows.net", WINDOWS)).plan
    assert plan.sizes == {"T": 9}


def test_small_sizes_of_shipped_specs_give_way_to_what_is_set() -> None:
    file = str(resource("specs", "vgg.net"))
    assert "size=32" in command._settings(file, ())
    chosen = command._settings(file, ("size=64",))
    assert chosen[0] == "size=64" and "size=32" not in chosen and "classes=10" in chosen
    assert command._settings("tiny.net", ()) == ()


def test_the_page_has_the_table_of_small_sizes() -> None:
    page = (Path(__file__).parents[1] / "docs" / "verify.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| `(.*=.*)` \|$", page, re.MULTILINE))
    table = json.loads(resource("specs", "small.json").read_text(encoding="utf-8"))
    for spec, settings in table.items():
        assert rows.pop(spec) == " ".join(f"{n}={json.dumps(v)}" for n, v in settings.items())
    assert not rows
