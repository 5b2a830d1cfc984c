"""Diagnostics as people and machines read them: text, JSON, GitHub annotations, SARIF."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specc.diagnostics import Diagnostic

FORMATS = ("text", "json", "github", "sarif")
"""The forms that `report` knows."""


def report(diagnostics: Iterable[Diagnostic], form: str = "text", *, colour: bool = False) -> str:
    """All diagnostics in one of the `FORMATS`, each line ended.

    `colour` puts ANSI colours into the text form; the others have none. Text and GitHub
    annotations of no diagnostics are empty; JSON and SARIF are a document all the same.

    Raises:
        ValueError: if there is no such form.
    """
    found = tuple(diagnostics)
    if form == "text":
        from specc.reporting.text import text

        return text(found, colour)
    if form == "json":
        from specc.reporting.machine import as_json

        return as_json(found)
    if form == "github":
        from specc.reporting.machine import workflow_commands

        return workflow_commands(found)
    if form == "sarif":
        from specc.reporting.sarif import sarif

        return sarif(found)
    raise ValueError(f"there is no form {form!r}")


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """How many there are, in words: `2 errors, 1 warning`; empty for none."""
    from specc.diagnostics import Severity

    severities = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(severities.count(severity), severity.value) for severity in Severity]
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)
