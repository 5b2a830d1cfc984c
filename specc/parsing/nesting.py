"""Pairs brackets and ends statements, so that the parser only sees texts that are balanced.

Here is decided which newlines separate statements (see the head of `grammar/specc.lark`), where a
missing bracket belongs, and how deep a text may nest.
"""

from __future__ import annotations

from dataclasses import dataclass

from specc.parsing.reporter import Reporter, TooManyErrors
from specc.parsing.tokens import END, SEPARATOR, Token, keywords

DEEPEST = 64
"""How many brackets, braces and `else` arms may enclose a word."""

MOST_OPERATORS = 100
"""How many operators and brackets may stand above one another in an expression."""

_CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_TEXTS = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_OPERATORS = frozenset({"SIGN", "TIMES", "POWER", "COMPARE", "AND", "OR", "NOT"})
_OPERAND_WORDS = frozenset({"IN", "TRUE", "FALSE", "NONE", "TARGET", "STATE", "CELL", "SCAN"})
_ENDS_OPERAND = _OPERAND_WORDS | {"NAME", "INT", "REAL", "STRING", "RPAR", "RSQB"}
_BEGINS_OPERAND = _OPERAND_WORDS | {"NAME", "INT", "REAL", "STRING", "NOT"}
_AFTER_ITEM_WORD = {
    "NET": ("NAME",),
    "BLOCK": ("NAME",),
    "IMPORT": ("STRING",),
    "TRAIN": ("NAME", "LBRACE"),
}
_LOOK_AHEAD = 500


@dataclass(slots=True)
class _Opener:
    """An open bracket, the indentation of its line, and for brackets what the expression weighs."""

    token: Token
    indent: int
    depth: int
    weight: int
    heaviest: int


def nest(tokens: list[Token], reporter: Reporter) -> list[Token]:
    """The words without comments, with separators only between statements, all brackets paired.

    Raises:
        TooManyErrors: also where the text nests too deep, which is reported.
    """
    return _Nester(tokens, reporter).nest()


class _Nester:
    """Goes through the words once, with a stack of what is open."""

    def __init__(self, tokens: list[Token], reporter: Reporter) -> None:
        self.tokens = tokens
        self.reporter = reporter
        self.out: list[Token] = []
        self.open: list[_Opener] = []
        self.pending: Token | None = None
        self.line_begins = True
        self.line_start = 0
        self.indent = 0
        self.weight = 0
        self.arm_depth = 0
        self.last_depth = 0
        self.suspect: Token | None = None
        self.outside = frozenset(set(keywords().values())) - _OPERAND_WORDS - _OPERATORS | {
            "_ARROW",
            "LBRACE",
            "RBRACE",
        }

    def nest(self) -> list[Token]:
        for index, token in enumerate(self.tokens):
            if token.type == SEPARATOR:
                self._separator(token)
            elif token.type != "COMMENT":
                if self.line_begins:
                    self.indent = token.start - self.line_start
                if self.open:
                    self._close_forgotten(index, token)
                self._word(token)
                self.line_begins = False
        self._finish()
        return self.out

    @property
    def in_brackets(self) -> bool:
        """Whether the innermost open bracket is not a brace."""
        return bool(self.open) and self.open[-1].token.type != "LBRACE"

    def _separator(self, token: Token) -> None:
        if token.text == ";" and self.in_brackets:
            opener = self.open[-1].token
            self.reporter.error(
                "E0007",
                f"`;` inside `{opener.text}`",
                token.place,
                cause=(opener.place, "opened here"),
                note="arguments are separated by `,`",
            )
            self._emit(token._replace(type="COMMA"))
            return
        if self.pending is None or token.text == ";":
            self.pending = token
        if token.text == "\n":
            self.line_begins, self.line_start = True, token.end

    def _word(self, token: Token) -> None:
        kind = token.type
        if kind in _CLOSERS:
            self._open(token)
        elif kind in ("RPAR", "RSQB", "RBRACE"):
            self._close(token)
        else:
            if kind in _OPERATORS:
                self._weigh(token)
            elif kind == "COMMA":
                self._next_element()
            elif kind == "ELSE":
                self.arm_depth = self.last_depth
            elif kind in self.outside:
                self.weight = 0
            self._emit(token)

    # ------------------------------------------------------------ brackets

    def _open(self, token: Token) -> None:
        depth = 1 + max(self.open[-1].depth if self.open else 0, self.arm_depth)
        if depth > DEEPEST:
            message = f"nested more than {DEEPEST} deep"
            self.reporter.error("E0602", message, token.place)
            raise TooManyErrors
        if token.type == "LBRACE":
            self.weight = self.arm_depth = 0
        else:
            self._weigh(token)
        self._emit(token)
        self.open.append(_Opener(token, self.indent, depth, self.weight, self.weight))

    def _close(self, token: Token) -> None:
        if not self.open or (token.type != "RBRACE" and not self.in_brackets):
            self.reporter.error("E0007", f"stray `{token.text}`", token.place, label="closes nothing")
            return
        if len(self.open) > 1 and token.type == _CLOSERS[self.open[-2].token.type] != _CLOSERS[self.open[-1].token.type]:
            self._report_missing(self.open[-1].token)
            self._put_in_closer()
        opener = self.open[-1]
        if token.type != _CLOSERS[opener.token.type]:
            closer = _TEXTS[_CLOSERS[opener.token.type]]
            self.reporter.error(
                "E0007",
                f"`{token.text}` does not close `{opener.token.text}`",
                token.place,
                cause=(opener.token.place, "opened here"),
                help=f"write `{closer}`",
            )
        if token.type == "RBRACE" and self.line_begins and self.indent != opener.indent:
            self.suspect = self.suspect or opener.token
        self._emit(token._replace(type=_CLOSERS[opener.token.type]))
        self._pop()

    def _pop(self) -> None:
        opener = self.open.pop()
        self.last_depth = opener.depth
        self.weight = 0 if opener.token.type == "LBRACE" else max(opener.heaviest, self.weight)

    def _close_forgotten(self, index: int, token: Token) -> None:
        """Report and put in the closing brackets that must be missing before this word."""
        if self.in_brackets and self._stands_outside(token) and not self._closes_later(index):
            self._report_missing(self.open[-1].token)
            while self.in_brackets:
                self._put_in_closer()
        elif self.line_begins and self._begins_item(index, token):
            self._close_braces("the next item begins here", token)

    def _stands_outside(self, token: Token) -> bool:
        if token.type in self.outside:
            return True
        after_operand = bool(self.out) and self.out[-1].type in _ENDS_OPERAND
        return self.line_begins and after_operand and token.type in _BEGINS_OPERAND

    def _closes_later(self, index: int) -> bool:
        """Whether the open bracket is closed before anything that cannot stand inside it."""
        depth = 0
        for token in self.tokens[index : index + _LOOK_AHEAD]:
            if token.type in ("LBRACE", "RBRACE"):
                return False
            depth += (token.type in _CLOSERS) - (token.type in ("RPAR", "RSQB"))
            if depth < 0:
                return True
        return False

    def _begins_item(self, index: int, token: Token) -> bool:
        """Whether the word at a line's beginning opens a net, block, import or train section."""
        after = self.tokens[index + 1].type if index + 1 < len(self.tokens) else ""
        begins = after in _AFTER_ITEM_WORD.get(token.type, ())
        return begins and bool(self.open) and self.indent <= self.open[0].indent

    def _report_missing(self, opener: Token) -> None:
        closer = _TEXTS[_CLOSERS[opener.type]]
        self.reporter.error(
            "E0007",
            f"missing `{closer}`",
            self.out[-1].place,
            label=f"`{closer}` is missing after this",
            cause=(opener.place, "opened here"),
        )

    def _close_braces(self, label: str, token: Token) -> None:
        opener = self.suspect or self.open[-1].token
        self.reporter.error(
            "E0007",
            "unclosed `{`",
            token.place,
            label=label,
            cause=(opener.place, "this `{` has no `}`"),
        )
        self.suspect = None
        while self.open:
            self._put_in_closer()

    def _put_in_closer(self) -> None:
        end = self.out[-1].end
        separator, self.pending = self.pending, None
        self._emit(Token(_CLOSERS[self.open[-1].token.type], "", end, end))
        self.pending = separator
        self._pop()

    def _finish(self) -> None:
        if self.in_brackets:
            self._report_missing(self.open[-1].token)
            while self.in_brackets:
                self._put_in_closer()
        if self.open:
            self._close_braces("the file ends after this", self.out[-1])
        end = self.out[-1].end if self.out else 0
        self._emit(Token(END, "", end, end))

    # ------------------------------------------------------------ separators and weights

    def _emit(self, token: Token) -> None:
        pending, self.pending = self.pending, None
        if pending and not self.in_brackets and self._separates(pending, token):
            self.out.append(pending)
            self.weight = 0
        self.out.append(token)

    def _separates(self, separator: Token, token: Token) -> bool:
        before = self.out[-1].type if self.out else "LBRACE"
        if before == "LBRACE" or token.type in ("RBRACE", END):
            return False
        continues = before == "_ARROW" or token.type in ("_ARROW", "LBRACE", "ELSE")
        return separator.text == ";" or not continues

    def _weigh(self, token: Token) -> None:
        self.weight += 1
        if self.weight > MOST_OPERATORS:
            message = f"an expression with more than {MOST_OPERATORS} operators"
            self.reporter.error("E0603", message, token.place)
            raise TooManyErrors

    def _next_element(self) -> None:
        if not self.in_brackets:
            self.weight = 0
            return
        opener = self.open[-1]
        opener.heaviest = max(opener.heaviest, self.weight)
        self.weight = opener.weight
