"""Sets a `.net` file in the canonical form, for `specc fmt`.

Blanks, indentation and `;` are ours; where a line ends is the author's choice, so flows and lists
stay split as they are. A body on one line stays there while it fits. Settings, and inputs and
targets, are set in columns as `specc.formatting.columns` says.
"""

from __future__ import annotations

from specc.diagnostics import Diagnostics
from specc.formatting.columns import Padding, columns
from specc.formatting.outline import Braces, Statement, Word, outline
from specc.formatting.spacing import Spacer
from specc.parse import parse
from specc.parsing.reporter import Reporter
from specc.source import Source

WIDTH = 88
"""Columns that a line with a whole body may take, its comment not counted."""

_STEP = "  "


def format_text(source: Source) -> str:
    """The text in canonical form, which means the same and keeps all comments; it is a fixed point.

    Raises:
        CompileError: with all syntax errors of the text.
    """
    diagnostics = Diagnostics()
    parse(source, diagnostics)
    diagnostics.raise_errors()
    return "".join(f"{line}\n" for line in _file(outline(Reporter(source, diagnostics))))


def _file(file: Braces) -> list[str]:
    opening = [file.opening.text.rstrip()] if file.opening else []
    return opening + _body(file, "", is_train=False)


def _body(body: Braces, indent: str, is_train: bool) -> list[str]:
    """The lines of all statements of a body, without its braces."""
    lines: list[str] = []
    paddings = columns(body.statements, is_train)
    for statement, padding in zip(body.statements, paddings, strict=True):
        if statement.after_blank and (lines or (body.opening and not indent)):
            lines.append("")
        trial = _Setter(statement, indent, is_train, breaks=False, is_trial=True)
        trial.set()
        breaks = trial.is_too_wide
        lines += _Setter(statement, indent, is_train, breaks, padding=padding).set()
    return lines


def _one_line(statement: Statement, is_setting: bool) -> str:
    (line,) = _Setter(statement, "", is_setting).set()
    return line


class _Setter:
    """Sets one statement in lines.

    Args:
        statement: what to set.
        indent: the blanks before its first line.
        is_setting: whether it is a line of a `train` section.
        breaks: whether its bodies may not stay on one line.
        is_trial: whether only `is_too_wide` matters; leaves out what has lines of its own.
        padding: what brings its words into the columns of the lines around it.
    """

    def __init__(
        self,
        statement: Statement,
        indent: str,
        is_setting: bool,
        breaks: bool = False,
        is_trial: bool = False,
        padding: Padding | None = None,
    ) -> None:
        self._statement = statement
        self._base = self._indent = indent
        self._breaks = breaks
        self._is_trial = is_trial
        self._padding = padding or {}
        self._spacer = Spacer(statement.head, is_setting)
        self._lines: list[str] = []
        self._line = indent
        self._has_body = False
        self._open: list[str] = []
        self.is_too_wide = False

    def set(self) -> list[str]:
        """The lines."""
        pieces = self._statement.pieces
        after_comment = False
        for place, piece in enumerate(pieces):
            if isinstance(piece, Braces):
                self._braces(piece, after_comment)
            elif piece.token.type == "COMMENT":
                self._comment(piece, is_first=place == 0, before_else=self._before_else(place))
            elif not self._is_needless_comma(place):
                self._word(piece, after_comment, place)
            after_comment = isinstance(piece, Word) and piece.token.type == "COMMENT"
        self._end_line()
        return self._lines

    def _is_needless_comma(self, place: int) -> bool:
        """A `,` before a closing bracket on the same line."""
        following = self._statement.pieces[place + 1 : place + 2]
        piece = self._statement.pieces[place]
        assert isinstance(piece, Word)
        return piece.token.type == "COMMA" and any(
            isinstance(p, Word) and p.token.type in ("RPAR", "RSQB") and not p.begins_line
            for p in following
        )

    def _word(self, word: Word, after_comment: bool, place: int) -> None:
        kind = word.token.type
        joins = kind == "ELSE" and not after_comment
        gap = self._spacer.gap(word.token) + " " * self._padding.get(place - 1, 0)
        if word.begins_line and place and not joins:
            self._new_line(closes=kind in ("RPAR", "RSQB"), continues=kind != "ELSE")
            gap = ""
        if kind in ("RPAR", "RSQB"):
            self._open.pop()
        elif kind in ("LPAR", "LSQB"):
            self._open.append(self._indent)
        self._line += gap + word.token.text

    def _before_else(self, place: int) -> bool:
        """Whether only comments stand between a piece and an `else`."""
        following = (p.token.type for p in self._statement.pieces[place:] if isinstance(p, Word))
        return next((kind for kind in following if kind != "COMMENT"), "") == "ELSE"

    def _comment(self, comment: Word, is_first: bool, before_else: bool) -> None:
        text = comment.token.text.rstrip()
        if comment.begins_line and not is_first:
            self._new_line(closes=False, continues=not before_else)
        if self._line == self._indent:
            self._line += text
        else:
            self._measure()
            self._line += f"  {text}"

    def _braces(self, braces: Braces, after_comment: bool) -> None:
        if after_comment:
            self._new_line(closes=False, continues=False)
        self._line += "{" if self._line == self._indent else " {"
        self._spacer.brace()
        is_train = self._statement.head == "TRAIN"
        if not braces.statements and not braces.opening:
            self._line += "}"
        elif braces.is_one_line and not self._breaks:
            self._has_body = True
            self._line += f" {_joined(braces, is_train)} }}"
        else:
            self._set_body(braces, is_train)

    def _set_body(self, braces: Braces, is_train: bool) -> None:
        if braces.opening:
            self._measure()
            self._line += f"  {braces.opening.text.rstrip()}"
        self._end_line()
        if not self._is_trial:
            self._lines += _body(braces, self._indent + _STEP, is_train)
        self._line = self._indent + "}"

    def _new_line(self, closes: bool, continues: bool) -> None:
        """Begin a line inside a bracket, at its end, or outside all brackets."""
        self._end_line()
        if self._open:
            self._indent = self._open[-1] + ("" if closes else _STEP)
        else:
            self._indent = self._base + (_STEP if continues else "")
        self._line = self._indent

    def _measure(self) -> None:
        self.is_too_wide |= self._has_body and len(self._line) > WIDTH
        self._has_body = False

    def _end_line(self) -> None:
        self._measure()
        self._lines.append(self._line)


def _joined(braces: Braces, is_train: bool) -> str:
    """The statements of a body on one line; between paths stands no `;`."""
    text = ""
    for statement in braces.statements:
        between = " " if statement.head == "PATH" else "; "
        text += (between if text else "") + _one_line(statement, is_train)
    return text
