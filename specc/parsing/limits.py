"""How deep a text may nest, so that no later stage, recursive as it is, runs out of stack."""

from __future__ import annotations

from specc.parsing.reporter import Reporter, TooManyErrors
from specc.parsing.tokens import Token

DEEPEST = 64
"""How many brackets, braces and `else if` may enclose a word."""

MOST_OPERATORS = 100
"""How many operators and brackets may stand above one another in an expression."""

_OPERATORS = frozenset({"SIGN", "TIMES", "POWER", "COMPARE", "AND", "OR", "NOT"})


class Limits:
    """Follows the words of a text; reports and raises `TooManyErrors` where a limit is passed.

    An expression weighs its operators and brackets; elements of a list do not add up.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._weight = 0
        self._heaviest = 0
        self._open: list[tuple[int, int, int]] = []
        self._depth = 0
        self._arm_depth = 0
        self._last_depth = 0
        self._before = ""

    def word(self, token: Token) -> None:
        """Count a word that is no bracket."""
        if token.type in _OPERATORS:
            self._add(token)
        elif token.type == "COMMA":
            self._heaviest = max(self._heaviest, self._weight)
            self._weight = self._open[-1][1] if self._open else 0
        elif token.type == "IF" and self._before == "ELSE":
            self._arm_depth = self._last_depth
        elif token.type == "_ARROW":
            self.separator()
        self._before = token.type

    def separator(self) -> None:
        """A statement or step ends."""
        self._weight = self._heaviest = 0

    def opens(self, token: Token) -> None:
        """A bracket or brace opens; those of an `else if` lie below those of its `if`."""
        outside = self._depth
        self._depth = 1 + max(self._depth, self._arm_depth)
        if self._depth > DEEPEST:
            message = f"nested more than {DEEPEST} deep"
            self._reporter.error("E0602", message, token.place)
            raise TooManyErrors
        if token.type == "LBRACE":
            self._arm_depth = 0
            self.separator()
        else:
            self._add(token)
        self._open.append((outside, self._weight, self._heaviest))
        self._heaviest = 0

    def closes(self) -> None:
        """The last bracket or brace closes."""
        self._last_depth = self._depth
        self._depth, _, heaviest = self._open.pop()
        self._weight = max(self._heaviest, self._weight)
        self._heaviest = heaviest

    def _add(self, token: Token) -> None:
        self._weight += 1
        if self._weight > MOST_OPERATORS:
            message = f"an expression with more than {MOST_OPERATORS} operators"
            self._reporter.error("E0603", message, token.place)
            raise TooManyErrors
