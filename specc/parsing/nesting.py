"""Pairs brackets and ends statements, so that the parser only sees texts that are balanced.

Here is decided which newlines separate statements (see the head of `grammar/specc.lark`), and
where a missing bracket belongs: at the first word that cannot stand inside it, by the keywords
that need braces, and by the indentation of a `}`.
"""

from __future__ import annotations

from dataclasses import dataclass

from specc.parsing.limits import Limits
from specc.parsing.reporter import Reporter
from specc.parsing.tokens import END, SEPARATOR, Token, keywords

_CLOSERS = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_TEXTS = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_IN_EXPRESSIONS = frozenset({"IN", "TRUE", "FALSE", "NONE", "TARGET", "STATE", "CELL", "SCAN"})
_OPERANDS = _IN_EXPRESSIONS | {"NAME", "INT", "REAL", "STRING"}
_ENDS_OPERAND = _OPERANDS | {"RPAR", "RSQB"}
_BEGINS_OPERAND = _OPERANDS | {"NOT"}

_HEADERS = frozenset({"NET", "BLOCK", "CELL", "TRAIN", "REPEAT", "FOR", "IF", "ELSE", "PATH"})
_BEGINS_BODY = frozenset(
    {"NAME", "INPUT", "TARGET", "STATE", "LET", "SHARED", "OUTPUT", "FROM", "SCAN", "LOSS"}
)
_AFTER_ITEM_WORD = {
    "NET": ("NAME",),
    "BLOCK": ("NAME",),
    "CELL": ("NAME",),
    "IMPORT": ("STRING",),
    "TRAIN": ("NAME", "LBRACE"),
}
_LOOK_AHEAD = 500


@dataclass(slots=True)
class _Opener:
    """What is open: its bracket, the indentation of its line, the keyword that its braces follow.

    `header` is `JOIN` for braces behind anything else, which hold paths.
    """

    token: Token
    indent: int
    header: str


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
        self.limits = Limits(reporter)
        self.index = 0
        self.out: list[Token] = []
        self.open: list[_Opener] = []
        self.pending: Token | None = None
        self.header: Token | None = None
        self.header_is_read = False
        self.line_begins = True
        self.line_start = 0
        self.indent = 0
        self.suspect: Token | None = None
        self.has_guessed = False
        self.outside = frozenset(keywords().values()) - _IN_EXPRESSIONS - {"AND", "OR", "NOT"}
        self.outside |= {"_ARROW", "LBRACE", "RBRACE"}

    def nest(self) -> list[Token]:
        for index, token in enumerate(self.tokens):
            self.index = index
            if token.type == SEPARATOR:
                self._separator(token)
            elif token.type != "COMMENT":
                if self.line_begins:
                    self.indent = token.start - self.line_start
                self._mend(token)
                self._word(token)
                self.line_begins = False
        self._finish()
        return self.out

    @property
    def in_brackets(self) -> bool:
        """Whether the innermost open bracket is not a brace."""
        return bool(self.open) and self.open[-1].token.type != "LBRACE"

    @property
    def before(self) -> str:
        """The kind of the last word."""
        return self.out[-1].type if self.out else "LBRACE"

    def _separator(self, token: Token) -> None:
        if token.text == ";" and self.in_brackets:
            if self._closes_later(self.index):
                self._report_semicolon(token)
                self._emit(token._replace(type="COMMA"))
                return
            self._close_brackets()
        if self.pending is None or token.text == ";":
            self.pending = token
        if token.text == "\n":
            self.line_begins, self.line_start = True, token.end

    def _word(self, token: Token) -> None:
        if token.type in _CLOSERS:
            self._open(token)
        elif token.type in _TEXTS:
            self._close(token)
        else:
            self._follow_header(token)
            self._emit(token)
            self.limits.word(token)

    def _emit(self, token: Token) -> None:
        pending, self.pending = self.pending, None
        if pending and not self.in_brackets and self._separates(pending, token):
            self.out.append(pending)
            self.limits.separator()
        self.out.append(token)

    def _separates(self, separator: Token, token: Token) -> bool:
        if self.before == "LBRACE" or token.type in ("RBRACE", END):
            return False
        continues = self.before == "_ARROW" or token.type in ("_ARROW", "LBRACE", "ELSE")
        return separator.text == ";" or not continues

    # ------------------------------------------------------------ pairs

    def _open(self, token: Token) -> None:
        self._emit(token)
        self.limits.opens(token)
        header = self.header.type if self.header else "JOIN"
        self.open.append(_Opener(token, self.indent, header))
        if token.type == "LBRACE":
            self.header = None

    def _close(self, token: Token) -> None:
        if self._is_stray(token):
            self._report_stray(token)
            return
        if len(self.open) > 1 and self._closer(-1) != token.type == self._closer(-2):
            self._report_missing(self.open[-1].token)
            self._put_in_closer()
        opener = self.open[-1].token
        if token.type != self._closer(-1):
            self.reporter.error(
                "E0007",
                f"`{token.text}` does not close `{opener.text}`",
                token.place,
                cause=(opener.place, "opened here"),
                help=f"write `{_TEXTS[self._closer(-1)]}`",
            )
        if token.type == "RBRACE" and self.line_begins and self.indent != self.open[-1].indent:
            self.suspect = self.suspect or opener
        self._emit(token._replace(type=self._closer(-1)))
        self._pop()

    def _is_stray(self, token: Token) -> bool:
        if not self.open or (token.type != "RBRACE" and not self.in_brackets):
            return True
        fits = token.type in (self._closer(-1), self._closer(max(-2, -len(self.open))))
        return not fits and self._closes_later(self.index + 1)

    def _closer(self, place: int) -> str:
        return _CLOSERS[self.open[place].token.type]

    def _pop(self) -> None:
        self.open.pop()
        self.limits.closes()

    def _put_in_closer(self) -> None:
        """Close the innermost bracket behind the last word, before any newline."""
        end = self.out[-1].end
        separator, self.pending = self.pending, None
        self._emit(Token(self._closer(-1), "", end, end))
        self.pending = separator
        self._pop()

    # ------------------------------------------------------------ what is missing

    def _mend(self, token: Token) -> None:
        """Report and put in the brackets that must be missing before this word."""
        if self.in_brackets:
            if self._stands_outside(token) and not self._closes_later(self.index):
                self._close_brackets()
            return
        if self.header:
            self._open_forgotten(self.header, token)
        elif token.type == "PATH" and self._is_in_unopened_join():
            self._report_unopened(self.out[-1])
        if self.open and self.line_begins and self._begins_item(token):
            self._close_braces("the next item begins here", token)
        elif self.open and self._ends_arm(token):
            self._report_missing(self.open[-1].token)
            self._put_in_closer()

    def _stands_outside(self, token: Token) -> bool:
        """Whether a word cannot stand inside a bracket, at least not here."""
        begins = self.line_begins and token.type in _BEGINS_OPERAND
        return token.type in self.outside or (begins and self.before in _ENDS_OPERAND)

    def _closes_later(self, index: int) -> bool:
        """Whether the open bracket is closed before any brace."""
        depth = 0
        for token in self.tokens[index : index + _LOOK_AHEAD]:
            if token.type in ("LBRACE", "RBRACE"):
                return False
            depth += (token.type in _CLOSERS) - (token.type in ("RPAR", "RSQB"))
            if depth < 0:
                return True
        return False

    def _close_brackets(self) -> None:
        self._report_missing(self.open[-1].token)
        while self.in_brackets:
            self._put_in_closer()

    def _begins_item(self, token: Token) -> bool:
        """Whether the word at a line's beginning opens a net, block, import or train section."""
        after = "".join(t.type for t in self.tokens[self.index + 1 : self.index + 2])
        return after in _AFTER_ITEM_WORD.get(token.type, ()) and self.indent <= self.open[0].indent

    def _ends_arm(self, token: Token) -> bool:
        """Whether a word shows that a body has no `}`.

        `path` in a path, `else` in its own `if`, a layer behind the paths of a join.
        """
        header = self.open[-1].header
        if token.type == "PATH" and (self._at_start or self.before in ("NAME", "RPAR")):
            return header == "PATH"
        if header == "JOIN" and self._at_start and self.line_begins and token.type != "RBRACE":
            return self.indent <= self.open[-1].indent
        return token.type == "ELSE" and self.before != "RBRACE" and header in ("IF", "ELSE")

    @property
    def _at_start(self) -> bool:
        """Whether a statement or step begins here."""
        begins = self.before in ("LBRACE", "RBRACE", "_ARROW", "COLON", "ELSE")
        return begins or self.pending is not None

    def _follow_header(self, token: Token) -> None:
        if token.type in _HEADERS and not self.in_brackets and self._at_start:
            self.header, self.header_is_read = token, token.type != "FOR"
        elif token.type == "IN" and not self.in_brackets:
            self.header_is_read = True

    def _open_forgotten(self, header: Token, token: Token) -> None:
        """Put in the `{` that a keyword needs, where its body or the next line begins."""
        if token.type == "LBRACE" or not self._needs_brace(header, token):
            return
        self._report_unopened(header)

    def _is_in_unopened_join(self) -> bool:
        """Whether `path` follows a layer, not in the braces of a join."""
        is_outside = not self.open or self.open[-1].header not in ("JOIN", "PATH")
        return is_outside and self.before in ("NAME", "RPAR")

    def _report_unopened(self, owner: Token) -> None:
        """Report the missing `{` of a keyword or layer, and put it in."""
        self.reporter.error(
            "E0007",
            "missing `{`",
            self.out[-1].place,
            label="`{` is missing after this",
            cause=(owner.place, f"`{owner.text}` has braces") if owner != self.out[-1] else None,
        )
        self.pending, self.has_guessed = None, True
        end = self.out[-1].end
        self._open(Token("LBRACE", "", end, end))

    def _needs_brace(self, header: Token, token: Token) -> bool:
        if self.pending or header.type == "PATH" or token.type in ("RBRACE", "_ARROW"):
            return True
        if header.type == "ELSE":
            return token.type != "IF"
        is_named = self.out[-1] is not header  # `cell` may be a name elsewhere
        adjoins = is_named and self.before in _ENDS_OPERAND and token.type in _BEGINS_BODY
        return adjoins and self.header_is_read and not self._opens_later()

    def _opens_later(self) -> bool:
        """Whether a `{` follows in the statement."""
        for token in self.tokens[self.index : self.index + _LOOK_AHEAD]:
            if token.type in ("LBRACE", "RBRACE", "_ARROW", SEPARATOR):
                return token.type == "LBRACE"
        return False

    # ------------------------------------------------------------ reports

    def _report_stray(self, token: Token) -> None:
        """What was to be opened is not known, so that the line need not make sense."""
        message = f"stray `{token.text}`"
        self.reporter.error("E0007", message, token.place, label="closes nothing")
        if token.type != "RBRACE":
            self.reporter.tear(self.line_start)

    def _report_semicolon(self, token: Token) -> None:
        opener = self.open[-1].token
        self.reporter.error(
            "E0007",
            f"`;` inside `{opener.text}`",
            token.place,
            cause=(opener.place, "opened here"),
            note="arguments are separated by `,`",
        )

    def _report_missing(self, opener: Token) -> None:
        closer = _TEXTS[_CLOSERS[opener.type]]
        if self.reporter.is_torn(self.out[-1].start):
            return
        self.reporter.error(
            "E0007",
            f"missing `{closer}`",
            self.out[-1].place,
            label=f"`{closer}` is missing after this",
            cause=(opener.place, "opened here"),
        )
        if opener.type != "LBRACE":
            self.reporter.tear(opener.start)

    def _close_braces(self, label: str, token: Token) -> None:
        opener = self.suspect or self.open[-1].token
        if not self.has_guessed:
            self.reporter.error(
                "E0007",
                "unclosed `{`",
                token.place,
                label=label,
                cause=(opener.place, "this `{` has no `}`"),
            )
        self.suspect, self.has_guessed = None, False
        while self.open:
            self._put_in_closer()

    def _finish(self) -> None:
        end = self.out[-1].end if self.out else 0
        final = Token(END, "", end, end)
        if self.in_brackets:
            self._close_brackets()
        if self.header:
            self._open_forgotten(self.header, final)
        if self.open:
            self._close_braces("the file ends after this", self.out[-1])
        self._emit(final)
