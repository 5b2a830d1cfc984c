"""Every code is explained, and the explanations' examples do what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from codes import CODES
from commandline import specc

from specc.explain import Example, Explanation, explanations, parse_explanation

EXPLAINED = explanations()
SHOWN = [e for e in EXPLAINED.values() if e.broken.arguments]
"""Those with examples to try."""


def codes_of(example: Example, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The codes that specc reports on an example."""
    for name, text in example.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    result = specc(*example.arguments, "--output-format=json")
    assert result.status in (0, 1), result.err
    return {found["code"] for found in json.loads(result.out)["diagnostics"]}


def test_every_code_is_explained() -> None:
    assert set(EXPLAINED) == CODES


@pytest.mark.parametrize("explanation", SHOWN, ids=lambda e: e.code)
def test_examples(
    explanation: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "mended").mkdir()
    broken = codes_of(explanation.broken, tmp_path / "broken", monkeypatch)
    mended = codes_of(explanation.mended, tmp_path / "mended", monkeypatch)
    assert broken == {explanation.code}
    assert mended == set()


@pytest.mark.parametrize("explanation", list(EXPLAINED.values()), ids=lambda e: e.code)
def test_explanations_are_short_and_plain(explanation: Explanation) -> None:
    assert explanation.title[0].islower() or explanation.title[0] in "`"
    assert not explanation.title.endswith(".")
    prose = re.sub(r"```.*?```", "", explanation.text, flags=re.DOTALL)
    assert max(map(len, prose.splitlines())) <= 110
    assert 40 < len(prose) < 1200


def test_a_malformed_explanation_is_refused() -> None:
    with pytest.raises(ValueError, match="first line"):
        parse_explanation("E0301: title\n", "E0301.md")
    with pytest.raises(ValueError, match="first line"):
        parse_explanation("# E0302: title\n\n## Broken\n\n## Mended\n", "E0301.md")
    with pytest.raises(ValueError, match="Mended"):
        parse_explanation("# E0301: title\n\nText.\n\n## Broken\n", "E0301.md")
