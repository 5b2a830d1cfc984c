"""Diagnostics for programs: JSON for any, workflow commands for GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from specc.diagnostics import Diagnostic, Label, Severity


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON document."""
    return json.dumps(summary(diagnostics), indent=2, ensure_ascii=False) + "\n"


def summary(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """The document: the diagnostics and how many are errors."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    return {
        "errors": severities.count(Severity.ERROR),
        "warnings": severities.count(Severity.WARNING),
        "diagnostics": [_entry(diagnostic) for diagnostic in diagnostics],
    }


def _entry(diagnostic: Diagnostic) -> dict[str, Any]:
    second = diagnostic.secondary
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "primary": _label(diagnostic.primary),
        "secondary": _label(second) if second is not None else None,
        "note": diagnostic.note,
        "help": diagnostic.help,
        "trail": [_label(label) for label in diagnostic.trail],
    }


def _label(label: Label) -> dict[str, Any]:
    return {"file": label.span.source.name, **region(label), "label": label.text}


def region(label: Label) -> dict[str, int]:
    """Lines and columns from 1; the last column is the one behind the span."""
    source = label.span.source
    line, column = source.position(label.span.start)
    end_line, end_column = source.position(max(label.span.end - 1, label.span.start))
    behind = end_column + (1 if label.span.end > label.span.start else 0)
    return {"line": line, "column": column, "end_line": end_line, "end_column": behind}


def workflow_commands(diagnostics: Sequence[Diagnostic]) -> str:
    """`::error file=…,line=…::…`, as GitHub's workflows read it: a line a diagnostic."""
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    place = region(diagnostic.primary)
    properties = {
        "file": diagnostic.primary.span.source.name,
        "line": place["line"],
        "endLine": place["end_line"],
        "col": place["column"],
        "endColumn": place["end_column"],
        "title": diagnostic.code,
    }
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{diagnostic.severity.value} {listed}::{_data(_message(diagnostic))}"


def _message(diagnostic: Diagnostic) -> str:
    parts = [diagnostic.message]
    if diagnostic.secondary is not None and diagnostic.secondary.text:
        parts.append(f"{diagnostic.secondary.span.place}: {diagnostic.secondary.text}")
    parts += [f"note: {diagnostic.note}"] if diagnostic.note else []
    parts += [f"help: {diagnostic.help}"] if diagnostic.help else []
    parts += [f"{label.span.place}: {label.text}" for label in diagnostic.trail]
    return "\n".join(parts)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
