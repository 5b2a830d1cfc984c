"""Diagnostics in SARIF 2.1.0 (OASIS), which code hosts and editors read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from specc import __version__
from specc.diagnostics import Diagnostic, Label
from specc.explain import explanations
from specc.reporting.machine import region

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One log with one run; its rules are the codes that occur."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "specc", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes) for diagnostic in diagnostics],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": code,
        "defaultConfiguration": {"level": "warning" if code.startswith("W") else "error"},
    }
    explanation = explanations().get(code)
    if explanation is not None:
        rule["shortDescription"] = {"text": explanation.title}
        rule["help"] = {"text": explanation.text, "markdown": explanation.text}
    return rule


def _result(diagnostic: Diagnostic, codes: list[str]) -> dict[str, Any]:
    extra = [f"note: {diagnostic.note}"] if diagnostic.note else []
    extra += [f"help: {diagnostic.help}"] if diagnostic.help else []
    related = [diagnostic.secondary] if diagnostic.secondary is not None else []
    related += diagnostic.trail
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity.value,
        "message": {"text": "\n".join([diagnostic.message, *extra])},
        "locations": [_location(diagnostic.primary)],
    }
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(label)} for number, label in enumerate(related)
        ]
    return result


def _location(label: Label) -> dict[str, Any]:
    place = region(label)
    found: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(label.span.source.name)},
            "region": {
                "startLine": place["line"],
                "startColumn": place["column"],
                "endLine": place["end_line"],
                "endColumn": place["end_column"],
            },
        }
    }
    if label.text:
        found["message"] = {"text": label.text}
    return found
