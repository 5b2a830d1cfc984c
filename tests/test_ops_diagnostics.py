"""What layers and losses say when something does not fit, word for word, and that help helps.

The cases are in `ops_diagnostics.txt`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from specc.diagnostics import CompileError, Diagnostics
from specc.pipeline import analyse
from specc.source import Source


@dataclass(frozen=True)
class Case:
    """A body of a net, what is said about it, and with the help followed what comes out.

    `mended` is the text that is replaced and its replacement; `result` the type that follows.
    """

    body: str
    said: str
    mended: tuple[str, str] | None
    result: str


def read_cases(text: str) -> list[Case]:
    """The cases of a file: the lines of a body, `---`, what is said, and what mends it."""
    cases = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        rule = lines.index("---")
        body, rest = lines[:rule], lines[rule + 1 :]
        said = [line for line in rest if not line.startswith(("mended: ", "result: "))]
        marked = dict(line.split(": ", 1) for line in rest if line not in said)
        old, _, new = marked.get("mended", "").partition(" => ")
        mended = (old, new) if "mended" in marked else None
        cases.append(Case("\n".join(body), "\n".join(said), mended, marked.get("result", "")))
    return cases


CASES = read_cases(Path(__file__).with_name("ops_diagnostics.txt").read_text("utf-8"))
MENDED = [case for case in CASES if case.mended]


def net(body: str) -> Source:
    """A net with that body."""
    return Source("test.net", f"net N {{\n{body}\n}}\n")


def said(body: str) -> str:
    """All diagnostics of a net."""
    diagnostics = Diagnostics()
    with suppress(CompileError):
        analyse(net(body), diagnostics)
    lines: list[str] = []
    for one in diagnostics:
        lines.append(f"{one.code}: {one.message}")
        lines.append(f"at {one.primary.span.text}: {one.primary.text}")
        if one.secondary is not None:
            lines.append(f"from {one.secondary.span.text}: {one.secondary.text}")
        lines += [f"note: {one.note}"] if one.note else []
        lines += [f"help: {one.help}"] if one.help else []
    return "\n".join(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.body)
def test_what_is_said(case: Case) -> None:
    """The whole text: code, message, both places, arithmetic and help."""
    assert said(case.body) == case.said


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.body)
def test_help_helps(case: Case) -> None:
    """With the help followed, nothing is said, and the result is what was promised."""
    assert case.mended is not None
    body = case.body.replace(*case.mended)
    assert said(body) == ""
    (shaped,) = analyse(net(body), Diagnostics()).values()
    assert [str(tensor.type) for tensor in shaped.outputs] == [case.result]


def test_every_help_is_followed() -> None:
    """A case with a help has what mends it, and no other has."""
    assert [c.body for c in CASES if ("help: " in c.said) != (c.mended is not None)] == []
