"""What diagnostics look like: word for word for every code, and in every form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from codes import CODES
from commandline import specc
from conftest import Golden

from specc import __version__
from specc.diagnostics import CompileError, Diagnostic, Diagnostics, Label
from specc.pipeline import analyse
from specc.report import report, tally
from specc.source import Source, Span

FOLDER = Path(__file__).with_name("diagnostics")
_COMMAND = re.compile(r"^# \$ specc (.+)$", re.MULTILINE)


def too_large(folder: Path) -> None:
    (folder / "E0601.net").write_text("# " + "x" * 1_000_000, encoding="utf-8")


def no_spec(folder: Path) -> None:
    (folder / "E0605.net").write_text("? ! " * 60, encoding="utf-8")


def many_imports(folder: Path) -> None:
    for number in range(202):
        text = f"let width{number} = {number}\n"
        (folder / f"part{number}.net").write_text(text, encoding="utf-8")
    lines = [f'import "part{number}.net"\n' for number in range(202)]
    (folder / "E0613.net").write_text("".join(lines), encoding="utf-8")


MADE: dict[str, Callable[[Path], None]] = {
    "E0001": lambda folder: None,
    "E0601": too_large,
    "E0605": no_spec,
    "E0613": many_imports,
}
"""Codes whose specs are too large to keep (or are missing, which is the error)."""


def check(code: str, folder: Path) -> str:
    """What `specc` says about the spec of a code, or of the command in its first lines."""
    file = folder / f"{code}.net"
    command = _COMMAND.search(file.read_bytes()[:200].decode("latin-1")) if file.exists() else None
    arguments = command[1].split() if command else ["check", file.name]
    result = specc(*arguments)
    assert result.status == (0 if code.startswith("W") else 1), result.err
    return result.err


def test_every_code_has_an_example() -> None:
    kept = {path.stem for path in FOLDER.glob("*.net") if "_" not in path.stem}
    assert kept | set(MADE) == CODES
    assert {path.stem for path in FOLDER.glob("*.txt")} == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_wording(
    code: str, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = FOLDER
    if code in MADE:
        folder = tmp_path
        MADE[code](folder)
    monkeypatch.chdir(folder)
    text = check(code, folder)
    if code == "E0605":
        text = "\n".join(part for part in text.split("\n\n") if f"[{code}]" in part) + "\n"
    assert f"[{code}]" in text
    golden(FOLDER / f"{code}.txt", text)


def test_wording_is_uniform() -> None:
    """Lower case, no full stop, code in backticks, fixes only in the help."""
    for path in FOLDER.glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            message = re.match(r"(?:error|warning)\[\w+\]: (.*)", line)
            if message:
                assert not message[1][0].isupper(), line
                assert not message[1].endswith("."), line
                assert message[1].count("`") % 2 == 0, line
                assert "did you mean" not in message[1], line
