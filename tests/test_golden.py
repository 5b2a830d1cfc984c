"""The committed files of `generated/` are what the compiler writes now, and are clean code."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from compiled import compile_text
from op_samples import SAMPLES, spec_of
from pytorch_files import FORMS, pytorch_code
from schemes import CASES, LONG_NAMES
from style import ROOT, check_style, ruff

from specc.diagnostics import Diagnostics
from specc.draw import dot
from specc.options import Options
from specc.pipeline import analyse, generate, load
from specc.resources import resource

GENERATED = ROOT / "generated"
SPECS = sorted(resource("specs").glob("*.net"), key=lambda path: path.name)


def files() -> dict[str, Callable[[], str]]:
    """What belongs into `generated/`: the name of each file, and what writes its text."""
    found: dict[str, Callable[[], str]] = {}
    for path in SPECS:
        nets = list(analyse(load(path), Diagnostics()))
        for net in nets:
            stem = path.stem if len(nets) == 1 else f"{path.stem}_{net.lower()}"
            for target, end in (("numpy", ".py"), ("pytorch", "_torch.py")):
                found[stem + end] = partial(code, path, net, GENERATED / (stem + end), target)
            found[f"{stem}.dot"] = lambda p=path, n=net: picture(p, n)
    return found


def code(path: Path, net: str, output: Path, target: str) -> str:
    """What `specc compile` writes."""
    options = Options(net=net, target=target)
    return generate(load(path), options, output=output, diagnostics=Diagnostics()).text


def picture(path: Path, net: str) -> str:
    """What `specc render --format dot` writes."""
    return dot(analyse(load(path), Diagnostics(), net=net)[net])


FILES = files()


@pytest.mark.parametrize("name", FILES)
def test_generated_file_is_up_to_date(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GENERATED / name, FILES[name]())


def test_there_are_no_other_files() -> None:
    """A spec that is gone or renamed leaves nothing behind."""
    assert {path.name for path in GENERATED.iterdir() if path.is_file()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_generated_file_names_no_machine_and_no_time(name: str) -> None:
    text = FILES[name]()
    assert str(ROOT) not in text
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text)
    assert text.endswith("\n") and "\r" not in text


def test_generated_files_are_clean() -> None:
    ruff("check", "generated")
    ruff("format", "--check", "--diff", "generated")


def test_code_for_every_op_and_scheme_is_clean(tmp_path: Path) -> None:
    """Also what no shipped spec uses: samples of every op, the backward scheme's cases, and names
    so long that hardly a statement fits on a line."""
    specs = {f"case_{name}": case.spec for name, case in CASES.items()}
    specs["case_of_long_names"] = LONG_NAMES
    for index, (op, sample) in enumerate(SAMPLES):
        specs[f"sample_{op.name}_{index}"] = spec_of(op, sample)
    check_clean(specs, tmp_path)


SEVERAL_FORMS = """
net N {
  input x: real[4, 2] padded, z: real[4, 2], image: real[2, 3, 3]
  target t: real[2]
  from x -> last as a
  from z -> last as b
  from x -> global_maxpool as c
  from z -> global_maxpool as d
  from image -> global_maxpool as e
  from x -> global_avgpool as f
  from z -> global_avgpool as g
  from image -> global_avgpool as h
  from z -> rnn(2, layers=2, dropout=0.5) -> rnn(2, activation=relu) as plain
  from plain -> rnn(2, activation=identity) -> last as i
  from z -> gru(2, layers=2, dropout=0.5) -> gru(2, reset_after=false) -> last as j
  from z -> lstm(2, layers=2, bidirectional=true, join=top) -> lstm(2) -> last -> dense(2) as k
  from a, b, c, d, e, f, g, h, i, j, k -> add
  loss mse
}
"""


def test_code_with_several_forms_of_an_op_is_clean(tmp_path: Path) -> None:
    check_clean({"case_of_several_forms": SEVERAL_FORMS}, tmp_path)


def check_clean(specs: dict[str, str], tmp_path: Path) -> None:
    """The files of all targets; of a `case` with gradients of the inputs, too."""
    for name, text in specs.items():
        for inputs in (False, True) if name.startswith("case") else (False,):
            options = {"input_gradients": inputs}
            written = {"numpy": compile_text(text, **options).text}
            written |= {form: pytorch_code(text, backward=form, **options) for form in FORMS}
            for target, code in written.items():
                (tmp_path / f"{name}_{inputs}_{target}.py".lower()).write_text(code, "utf-8")
    check_style(tmp_path)
