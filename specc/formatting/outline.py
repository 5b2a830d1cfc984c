"""Groups the words of a text into statements, with every comment and line break of the user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from specc.parsing.nesting import nest
from specc.parsing.reporter import Reporter
from specc.parsing.tokens import END, SEPARATOR, Token, scan


@dataclass(slots=True)
class Word:
    """A word or comment, and whether it begins a line."""

    token: Token
    begins_line: bool


@dataclass(slots=True)
class Braces:
    """`{ … }`, or a whole file: statements, and a comment right behind the `{`."""

    begins_line: bool = False
    is_one_line: bool = True
    opening: Token | None = None
    statements: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class Statement:
    """Words and braces from one separator to the next; or a comment on lines of its own.

    `after_blank` is whether a blank line stands before it.
    """

    after_blank: bool
    pieces: list[Word | Braces] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The terminal of the first word."""
        first = self.pieces[0]
        return first.token.type if isinstance(first, Word) else ""


def outline(reporter: Reporter) -> Braces:
    """The statements of the reporter's source, which has no syntax errors."""
    tokens = scan(reporter)
    words = nest(tokens, reporter)
    separators = frozenset(word.start for word in words if word.type == SEPARATOR)
    reader = _Reader(tokens, _ends(tokens, separators))
    return reader.braces(begins_line=False)


def _ends(tokens: list[Token], separators: frozenset[int]) -> frozenset[int]:
    """The offsets of the newlines and `;` that end a statement, the first of each run."""
    ends: set[int] = set()
    first, separates = -1, True
    for token in [*tokens, Token(END, "", -1, -1)]:
        if token.type == SEPARATOR:
            first = token.start if first < 0 else first
            separates = separates or token.start in separators
        elif token.type != "COMMENT":
            if first >= 0 and (separates or token.type in ("RBRACE", END)):
                ends.add(first)
            first, separates = -1, token.type == "LBRACE"
    return frozenset(ends)


class _Reader:
    """Reads braces within braces; nesting is limited, so recursion is."""

    def __init__(self, tokens: list[Token], ends: frozenset[int]) -> None:
        self._tokens: Iterator[Token] = iter(tokens)
        self._ends = ends

    def braces(self, begins_line: bool) -> Braces:
        """What stands up to the next `}` that has no `{`, or the end."""
        found = Braces(begins_line)
        statement: Statement | None = None
        newlines = 0
        for token in self._tokens:
            if token.type == SEPARATOR:
                statement = None if token.start in self._ends else statement
                newlines += token.text == "\n"
                found.is_one_line = found.is_one_line and token.text == ";"
                continue
            if token.type == "RBRACE":
                break
            if token.type == "COMMENT" and statement is None and not newlines:
                self._trail(found, token)
                continue
            if statement is None or self._begins_path(statement, token):
                statement = Statement(newlines > 1)
                found.statements.append(statement)
            self._add(statement, token, newlines > 0, found)
            newlines = 0
            if statement.head == "COMMENT":
                statement = None
        return found

    def _add(self, statement: Statement, token: Token, begins_line: bool, parent: Braces) -> None:
        if token.type == "LBRACE":
            inner = self.braces(begins_line)
            parent.is_one_line = parent.is_one_line and inner.is_one_line
            statement.pieces.append(inner)
        else:
            statement.pieces.append(Word(token, begins_line))

    def _trail(self, found: Braces, comment: Token) -> None:
        """A comment on the line of a `{`, or behind the `;` of a statement."""
        if found.statements:
            found.statements[-1].pieces.append(Word(comment, False))
        else:
            found.opening = comment

    def _begins_path(self, statement: Statement, token: Token) -> bool:
        """Whether a path follows another on the same line, where no separator is needed."""
        return token.type == "PATH" and isinstance(statement.pieces[-1], Braces)
