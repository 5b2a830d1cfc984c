"""The table of the parser: that of the grammar, and what Lark makes of the same text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import lark
import pytest
from lark.lexer import Lexer
from syntax_examples import EXAMPLES, parsed, words

from specc.diagnostics import Diagnostics
from specc.parsing.nesting import nest
from specc.parsing.reporter import Reporter
from specc.parsing.table import build_table
from specc.parsing.tokens import scan
from specc.resources import resource
from specc.source import Source


def test_the_shipped_table_is_that_of_the_grammar() -> None:
    shipped = resource("grammar", "specc.table.json").read_text(encoding="utf-8")
    assert shipped == build_table(), "run: python -m specc.parsing.table"


def test_the_version_needs_no_lark() -> None:
    code = "import sys, specc.cli; sys.modules['lark'] = None; specc.cli.main(['--version'])"
    subprocess.run([sys.executable, "-c", code], check=True)


class NestedWords(Lexer):
    """Gives Lark the words that the parser sees."""

    def __init__(self, _: Any) -> None:
        pass

    def lex(self, data: str) -> Iterator[lark.Token]:  # type: ignore[override]
        reporter = Reporter(Source("x.net", data), Diagnostics())
        for word in nest(scan(reporter), reporter)[:-1]:
            yield lark.Token(word.type, word.text)


@pytest.fixture(scope="module")
def lark_parser() -> lark.Lark:
    grammar = resource("grammar", "specc.lark").read_text(encoding="utf-8")
    return lark.Lark(grammar, start="program", parser="lalr", lexer=NestedWords)


@pytest.mark.parametrize("text", EXAMPLES)
def test_lark_agrees(text: str, lark_parser: lark.Lark) -> None:
    for word in words(text)[::15]:
        broken = text[: word.start] + text[word.end :]
        codes = {d.code for d in parsed(broken)[1]}
        if codes <= {"E0008", "E0009", "E0010", "E0012"}:
            try:
                lark_parser.parse(broken)
            except lark.UnexpectedInput:
                assert codes
            else:
                assert not codes
