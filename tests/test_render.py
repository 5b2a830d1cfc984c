"""Pictures: the command, and the Graphviz that is at hand."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from commandline import specc
from drawing import RESIDUAL, ROOT, lenet, needs_dot, net

from specc.diagram import render as rendering
from specc.draw import NoGraphviz, RenderError, dot, render

# ---------------------------------------------------------------- the command


def test_the_command_draws_apart_or_nested(tmp_path: Path) -> None:
    spec = tmp_path / "test.net"
    body = "residual(3) -> residual(3)\n"
    spec.write_text(f"{RESIDUAL}\nnet Test {{\n  input x: real[3, 8, 8]\n{body}\n}}\n", "utf-8")
    model = net(body, blocks=RESIDUAL)
    for flags, is_apart in (((), None), (("--apart",), True), (("--nested",), False)):
        written = specc("render", str(spec), "-o", "-", *flags).out
        assert written == dot(model, is_apart=is_apart)


def test_a_form_that_is_not_the_files_is_refused(tmp_path: Path) -> None:
    spec, picture = str(ROOT / "specs/lenet.net"), str(tmp_path / "q.svg")
    done = specc("render", spec, "-o", picture, "--format", "dot")
    assert done.status == 2 and "q.svg` is svg, `--format dot` is not" in done.err
    assert not list(tmp_path.iterdir())


def test_training_says_why_there_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(rendering, "find_spec", lambda name: None)
    spec = str(ROOT / "specs" / "xor.net")
    done = specc("train", spec, "--epochs", "1", "--threads", "1", "--out", str(tmp_path))
    assert done.status == 0 and "no picture of the net: drawing needs Graphviz" in done.err
    assert (tmp_path / "xor.dot").is_file() and not (tmp_path / "xor.svg").exists()


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
    with pytest.raises(NoGraphviz, match=r"apt install graphviz.*pip install pygraphviz"):
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
