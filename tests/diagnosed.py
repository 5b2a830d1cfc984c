"""What is said about a spec."""

from __future__ import annotations

from contextlib import suppress

from specc.diagnostics import CompileError, Diagnostic, Diagnostics
from specc.pipeline import analyse
from specc.source import Source


def diagnosed(text: str) -> list[Diagnostic]:
    """All errors and warnings."""
    found = Diagnostics()
    with suppress(CompileError):
        analyse(Source("test.net", text), found)
    return list(found)
