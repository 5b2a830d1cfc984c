"""The LALR table of the language: Lark builds it from the grammar, specc only loads it.

Building takes 0.15 s of CPU time and importing Lark 0.07 s, loading a few milliseconds, so the
table is committed as `grammar/specc.table.json`. After a change of the grammar, rewrite it by

    python -m specc.parsing.table

JSON is data: unlike the pickle that `Lark.save` writes, a table cannot run code when loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from specc.resources import resource

if TYPE_CHECKING:
    from lark import Lark
    from lark.grammar import Rule

START = "program"

Pick = int | list[int] | None
"""How a reduction takes a child: as it is, spliced in (`[i]`), or `None` for an absent option."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A kind of word: its regular expression, and its text where it has only one."""

    name: str
    pattern: str
    literal: str | None

    @property
    def is_keyword(self) -> bool:
        """Whether it is a reserved word."""
        return self.literal is not None and self.literal.isidentifier()


@dataclass(frozen=True, slots=True)
class Production:
    """One alternative of a rule: `size` symbols become `origin` by the method `node`.

    `node` is empty where the children only pass through, `""` with `origin` beginning with `_`
    for a list that is spliced into its parent.
    """

    origin: str
    size: int
    node: str
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Terminals in the order in which to try them, productions, and a row a parser state.

    In a row a number from 0 up is the state to go to; a negative number `n` reduces by
    production `-n - 1`.
    """

    terminals: tuple[Terminal, ...]
    ignored: frozenset[str]
    productions: tuple[Production, ...]
    rows: tuple[Mapping[str, int], ...]
    start: int
    end: int


@cache
def load_table() -> Table:
    """The shipped table."""
    data = json.loads(resource("grammar", "specc.table.json").read_text(encoding="utf-8"))
    return Table(
        terminals=tuple(Terminal(*entry) for entry in data["terminals"]),
        ignored=frozenset(data["ignored"]),
        productions=tuple(
            Production(origin, size, node, tuple(picks))
            for origin, size, node, picks in data["productions"]
        ),
        rows=tuple(data["rows"]),
        start=data["start"],
        end=data["end"],
    )


# ---------------------------------------------------------------- building, with Lark


def build_table() -> str:
    """The text of `specc.table.json`, built by Lark from `specc.lark`.

    Raises:
        lark.exceptions.GrammarError: if the grammar is not LALR(1).
    """
    from lark import Lark

    grammar = resource("grammar", "specc.lark").read_text(encoding="utf-8")
    built = Lark(grammar, start=START, parser="lalr", lexer="basic", maybe_placeholders=True)
    lalr = built.parser.parser._parse_table
    rules = {rule: -number - 1 for number, rule in enumerate(built.rules)}
    states = _numbered(lalr.states, lalr.start_states[START])
    return _to_json(
        {
            "terminals": _terminals(built),
            "ignored": sorted(built.ignore_tokens),
            "productions": [_production(rule) for rule in built.rules],
            "rows": [_row(lalr.states[state], states, rules) for state in states],
            "start": states[lalr.start_states[START]],
            "end": states[lalr.end_states[START]],
        }
    )


def _terminals(built: Lark) -> list[list[str | None]]:
    """Longest first, as Lark's own lexer tries them; the name settles ties."""
    from lark.lexer import PatternStr

    def order(terminal: Any) -> tuple[int, int, int, str]:
        pattern = terminal.pattern
        return (-terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name)

    return [
        [t.name, t.pattern.to_regexp(), t.pattern.value if type(t.pattern) is PatternStr else None]
        for t in sorted(built.terminals, key=order)
    ]


def _production(rule: Rule) -> list[Any]:
    """A rule with what Lark's tree builder would do: drop, splice, fill in absent options."""
    picks: list[Pick] = []
    symbols = iter(enumerate(rule.expansion))
    for absent in rule.options.empty_indices or [False] * len(rule.expansion):
        if absent:
            picks.append(None)
            continue
        index, symbol = next(symbols)
        if not symbol.is_term and symbol.name.startswith("_"):
            picks.append([index])
        elif not (symbol.is_term and symbol.filter_out):  # type: ignore[attr-defined]
            picks.append(index)
    name = rule.origin.name
    passes = rule.options.expand1 and len(picks) == 1 and not rule.alias
    node = "" if passes or name.startswith("_") else rule.alias or name
    return [name, len(rule.expansion), node, picks]


def _numbered(rows: Mapping[int, Any], start: int) -> dict[int, int]:
    """New numbers for the states, as met from the start: Lark's differ from run to run."""
    numbers = {start: 0}
    waiting = [start]
    for state in waiting:
        for _, (_, argument) in sorted(rows[state].items()):
            if argument in rows and argument not in numbers:
                numbers[argument] = len(numbers)
                waiting.append(argument)
    return numbers


def _row(
    actions: Mapping[str, tuple[Any, Any]], states: Mapping[int, int], rules: Mapping[Rule, int]
) -> dict[str, int]:
    from lark.parsers.lalr_analysis import Shift

    return {
        symbol: states[argument] if action is Shift else rules[argument]
        for symbol, (action, argument) in sorted(actions.items())
    }


def _to_json(data: Mapping[str, Any]) -> str:
    """One line a terminal, production and state, so that a change shows what it changes."""
    parts = []
    for key, value in data.items():
        if key in ("terminals", "productions", "rows"):
            lines = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Rewrite the shipped table."""
    path = resource("grammar", "specc.lark").with_name("specc.table.json")
    path.write_text(build_table(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
