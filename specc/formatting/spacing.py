"""Where a blank stands between two words of a line."""

from __future__ import annotations

from specc.parsing.tokens import Token

_OPENERS = ("LPAR", "LSQB")
_CLOSERS = ("RPAR", "RSQB")
_CALLED = ("NAME", "TARGET", "STATE", "CELL", "SCAN")
_ENDS_OPERAND = (*_CALLED, *_CLOSERS, "INT", "REAL", "STRING", "TRUE", "FALSE", "NONE")


class Spacer:
    """Goes along the words of one statement.

    Args:
        head: the terminal of the statement's first word.
        is_setting: whether the statement is a line of a `train` section.
    """

    def __init__(self, head: str, is_setting: bool) -> None:
        self._head = head
        self._is_setting = is_setting
        self._depth = 0
        self._count = 0
        self._before = ""
        self._before_is_unary = False

    def gap(self, token: Token) -> str:
        """The blank, if any, between the word before and this one; call it for every word."""
        kind, before = token.type, self._before
        is_unary = kind == "SIGN" and not self._after_operand()
        gap = "" if self._touches(kind) else " "
        self._depth += (kind in _OPENERS) - (kind in _CLOSERS)
        self._count += 1
        self._before, self._before_is_unary = kind, is_unary
        return gap if before else ""

    def brace(self) -> None:
        """Go over a pair of braces."""
        self._before, self._before_is_unary = "RBRACE", False

    def _after_operand(self) -> bool:
        after_name_of_setting = self._is_setting and self._count == 1
        return self._before in _ENDS_OPERAND and not after_name_of_setting

    def _touches(self, kind: str) -> bool:
        before = self._before
        if before in (*_OPENERS, "_DOT") or kind in (*_CLOSERS, "COMMA", "COLON", "_DOT"):
            return True
        if "EQUAL" in (kind, before):
            return not self._spaces_equals()
        if kind == "LPAR":
            return before == "NAME" and self._after_operand()
        if kind == "LSQB":
            return before in (*_CALLED, *_CLOSERS) and self._after_operand()
        return self._before_is_unary

    def _spaces_equals(self) -> bool:
        """`let x = 1`, `block b(x = 1)`, but `conv(pad=1)` and `split validation=0.1`."""
        depths = {"LET": 0, "SHARED": 0, "BLOCK": 1, "CELL": 1, "NET": 1}
        return depths.get(self._head) == self._depth
