"""Runs Lark's parser over words, and hands every misfit to a recovery."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from lark import Lark, ParseTree, UnexpectedToken
from lark import Token as LarkToken
from lark.parsers.lalr_parser_state import ParserState

from specc.parsing.tokens import END, Token


class Machine:
    """Lark's parser, the words that it is fed, and the place of the next of them.

    Nothing recurses: a text may be as deep as Lark's stack is long. `words` end with `$END`.
    """

    def __init__(self, lark: Lark, words: list[Token], recover: Callable[[Machine], None]) -> None:
        self.words = words
        self.next = 0
        self._parser = lark.parse_interactive()
        self._state = self._parser.parser_state
        self._conf_of_trials = copy(self._state.parse_conf)
        self._conf_of_trials.callbacks = {}
        self._recover = recover

    def run(self) -> ParseTree:
        """Read all words; the tree of the whole."""
        while True:
            word = self.words[self.next]
            token = LarkToken(word.type, word.text, word.start, end_pos=word.end)
            try:
                tree: ParseTree = self._parser.feed_token(token)
            except UnexpectedToken:
                self._recover(self)
                continue
            self.next += 1
            if word.type == END:
                return tree

    # ------------------------------------------------------------ for recoveries

    @property
    def states(self) -> list[int]:
        """The stack of Lark's states, the first below all values."""
        return self._state.state_stack

    @property
    def values(self) -> list[Any]:
        """The stack of what is read: trees, and tokens that are in no tree yet."""
        return self._state.value_stack

    def fitting(self) -> frozenset[str]:
        """The terminals that could come next."""
        return frozenset(self._parser.accepts())  # type: ignore[no-untyped-call]

    def after(self, states: list[int], *kinds: str) -> list[int] | None:
        """The states after words of these kinds, or `None` if one of them does not fit."""
        trial = ParserState(self._conf_of_trials, self._parser.lexer_thread, list(states))
        try:
            for kind in kinds:
                trial.feed_token(LarkToken(kind, ""), kind == END)
        except UnexpectedToken:
            return None
        return trial.state_stack

    def accepts(self, *kinds: str) -> bool:
        """Whether words of these kinds could come next."""
        return self.after(self.states, *kinds) is not None

    def drop(self, height: int) -> list[Any]:
        """Take all values above a height off the stack."""
        dropped = self.values[height:]
        del self.states[height + 1 :], self.values[height:]
        return dropped
