"""What all tests share."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli_folder import SPECS
from sequence_scripts import FORMS

# PyTorch gives some of its warnings once in a process: in which test would depend on their order.
torch.set_warn_always(True)

Golden = Callable[[Path, str], None]
"""Compares a text with the file that holds what is expected."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the files of expected output"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(path, text)`: the file has this text; `--update-golden` makes it so."""
    update = request.config.getoption("--update-golden")

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != text.encode():
                path.write_bytes(text.encode())
            return
        expected = path.read_bytes().decode() if path.exists() else ""
        if expected == text:
            return
        lines = expected.splitlines(), text.splitlines()
        diff = "\n".join(difflib.unified_diff(*lines, path.name, "now", lineterm=""))
        pytest.fail(
            f"{path.name} is not what it was; if that is meant: pytest --update-golden\n{diff}",
            pytrace=False,
        )

    return compare


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """Every target, and the explicit backward pass."""
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a few specs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECC_DEBUG", raising=False)
    for name, text in SPECS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path
