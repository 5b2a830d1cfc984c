"""Runs the LALR table over words: shift, reduce, and hand every misfit to a recovery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from specc.parsing.table import Pick, Production, Table
from specc.parsing.tokens import Token
from specc.source import Source, Span

Node = Callable[..., Any]


class Recovery(Protocol):
    """Mends what does not fit."""

    def recover(self, machine: Machine) -> None:
        """Change stack or words so that the next word fits, or move on to a later one."""
        ...


class Machine:
    """The parser: a stack of states, of values, and of where each value begins.

    Nothing recurses: a text may be as deep as its stack is long. `words` end with `$END`.
    """

    def __init__(
        self, table: Table, source: Source, words: list[Token], nodes: object, recovery: Recovery
    ) -> None:
        self.table = table
        self.words = words
        self.next = 0
        self.states = [table.start]
        self.values: list[Any] = []
        self.starts: list[int] = []
        self._source = source
        self._recovery = recovery
        self._productions = [
            (p.origin, p.size, _method(nodes, p), _picks(p)) for p in table.productions
        ]

    def run(self) -> Any:
        """Read all words; the value of the whole."""
        rows, states, values, starts = self.table.rows, self.states, self.values, self.starts
        renamed = [p.origin if _passes(p) else "" for p in self.table.productions]
        while True:
            word = self.words[self.next]
            action = rows[states[-1]].get(word.type)
            if action is None:
                self._recovery.recover(self)
            elif action >= 0:
                states.append(action)
                values.append(word)
                starts.append(word.start)
                self.next += 1
            elif origin := renamed[-action - 1]:
                states[-1] = rows[states[-2]][origin]
            else:
                self._reduce(-action - 1)
                if states[-1] == self.table.end:
                    return values[-1]

    def _reduce(self, number: int) -> None:
        origin, size, node, picks = self._productions[number]
        states, values = self.states, self.values
        below = len(values) - size
        parts = values[below:]
        start = self.starts[below] if size else self.words[self.next].start
        del states[below + 1 :], values[below:], self.starts[below:]
        if picks is not None:
            parts = _pick(parts, picks)
        if node is not None:
            end = self.words[self.next - 1].end if size else start
            parts = node(Span(self._source, start, end), *parts)
        values.append(parts)
        self.starts.append(start)
        states.append(self.table.rows[states[-1]][origin])

    # ------------------------------------------------------------ for recoveries

    def after(self, states: list[int], *kinds: str) -> list[int] | None:
        """The states after words of these kinds, or `None` if one of them does not fit."""
        table, states = self.table, list(states)
        for kind in kinds:
            while True:
                action = table.rows[states[-1]].get(kind)
                if action is None:
                    return None
                if action >= 0:
                    states.append(action)
                    break
                production = table.productions[-action - 1]
                del states[len(states) - production.size :]
                states.append(table.rows[states[-1]][production.origin])
                if states[-1] == table.end:
                    return states
        return states

    def accepts(self, *kinds: str) -> bool:
        """Whether words of these kinds could come next."""
        return self.after(self.states, *kinds) is not None

    def drop(self, height: int) -> None:
        """Forget all values above a height of the stack."""
        del self.states[height + 1 :], self.values[height:], self.starts[height:]


def _method(nodes: object, production: Production) -> Node | None:
    """The method that makes the node; a Python keyword has an underscore behind it."""
    if not production.node:
        return None
    found = getattr(nodes, production.node, None) or getattr(nodes, f"{production.node}_")
    return found  # type: ignore[no-any-return]


def _passes(production: Production) -> bool:
    """Whether a reduction only gives its one child another name."""
    return not production.node and not production.origin.startswith("_")


def _picks(production: Production) -> tuple[Pick, ...] | None:
    """What a node takes of the children; `None` for all as they are."""
    everything = production.picks == tuple(range(production.size))
    return None if everything else production.picks


def _pick(children: list[Any], picks: tuple[Pick, ...]) -> list[Any]:
    """The parts of a node; a list that is spliced in first is reused, so long lists stay linear."""
    parts: list[Any] = []
    for pick in picks:
        if pick is None:
            parts.append(None)
        elif isinstance(pick, int):
            parts.append(children[pick])
        elif parts:
            parts += children[pick[0]]
        else:
            parts = children[pick[0]]
    return parts
