"""Lark's parser of the language: built from the grammar once, loaded at every start.

Building the LALR(1) table takes 0.2 s of CPU time, loading it 0.02 s, so what Lark makes of
`grammar/specc.lark` is committed as `grammar/specc.table.json`, in Lark's own serialized form.
After a change of the grammar, rewrite it by

    python -m specc.parsing.table

JSON is data: unlike the pickle that `Lark.save` writes, a table cannot run code when loaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.lexer import PatternStr, TerminalDef
from lark.parsers.lalr_analysis import IntParseTable, Shift

from specc.resources import resource

OPTIONS = {
    "start": "program",
    "parser": "lalr",
    "lexer": "basic",
    "maybe_placeholders": True,
    "propagate_positions": True,
}
"""Of Lark. Its lexer never runs: `specc.parsing.tokens` mends what is no word."""


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


@cache
def load_parser() -> Lark:
    """The parser, from the shipped table."""
    loaded = json.loads(resource("grammar", "specc.table.json").read_text(encoding="utf-8"))
    table = loaded["data"]["parser"]["parser"]
    table["states"] = _with_numbers(table["states"])
    loaded["memo"] = _with_numbers(loaded["memo"])
    return Lark.load(loaded)


@cache
def terminals() -> tuple[Terminal, ...]:
    """The terminals of the grammar, in the order in which Lark's lexer tries them."""
    return tuple(
        Terminal(t.name, t.pattern.to_regexp(), _literal(t))
        for t in load_parser().parser.lexer.terminals
    )


def _literal(terminal: TerminalDef) -> str | None:
    return terminal.pattern.value if isinstance(terminal.pattern, PatternStr) else None


def _with_numbers(entries: dict[str, Any]) -> dict[int, Any]:
    """JSON has only texts as keys; Lark's states and rules are numbers."""
    return {int(key): value for key, value in entries.items()}


# ---------------------------------------------------------------- building


def build_table() -> str:
    """The text of `specc.table.json`, built by Lark from `specc.lark`.

    Raises:
        lark.exceptions.GrammarError: if the grammar is not LALR(1).
    """
    grammar = resource("grammar", "specc.lark").read_text(encoding="utf-8")
    built = Lark(grammar, **OPTIONS)
    _put_in_order(built.parser.parser._parse_table)
    data, memo = built.memo_serialize([TerminalDef, Rule])
    return _to_json({"data": {**data, "options": OPTIONS}, "memo": memo}) + "\n"


def _put_in_order(table: IntParseTable) -> None:
    """Number the states as met from the start: Lark's numbers differ from run to run."""
    waiting = list(table.start_states.values())
    numbers = {state: number for number, state in enumerate(waiting)}
    rows: dict[int, dict[str, tuple[Any, Any]]] = {}
    for state in waiting:
        row = rows[numbers[state]] = {}
        for symbol, (action, argument) in sorted(table.states[state].items()):
            if action is Shift:
                if argument not in numbers:
                    numbers[argument] = len(numbers)
                    waiting.append(argument)
                argument = numbers[argument]
            row[symbol] = action, argument
    table.states = rows
    for states in (table.start_states, table.end_states):
        states.update({symbol: numbers[state] for symbol, state in states.items()})


def _to_json(value: Any) -> str:
    """One line a terminal, rule and state, so that a change shows what it changes."""
    text = json.dumps(value)
    if not isinstance(value, dict) or len(text) < 1000 or _is_row(value):
        return text
    lines = (f"{json.dumps(str(key))}: {_to_json(part)}" for key, part in value.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _is_row(value: dict[str, Any]) -> bool:
    """Whether nothing in it has names of its own, as in a row of the table."""
    return not any(isinstance(part, dict) for part in value.values())


def main() -> None:
    """Rewrite the shipped table."""
    path = resource("grammar", "specc.lark").with_name("specc.table.json")
    path.write_text(build_table(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
