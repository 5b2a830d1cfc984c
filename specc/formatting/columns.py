"""Where words of statements that follow one another begin in one column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from specc.formatting.outline import Braces, Statement, Word

Padding = Mapping[int, int]
"""How many blanks more than the usual one stand behind a piece, by the index of the piece."""

_NO_PADDING: Padding = {}


def columns(statements: Sequence[Statement], is_train: bool) -> list[Padding]:
    """The padding of each statement of a body whose statements stand on lines of their own.

    Args:
        statements: all statements of the body.
        is_train: whether they are the lines of a `train` section, whose values begin in one
            column. In other bodies names and types do, in each run of lines that declare a name.
    """
    paddings: list[Padding] = []
    for run in [statements] if is_train else _runs(statements):
        cells = [_setting(s) if is_train else _declaration(s) for s in run]
        widths: dict[int, int] = {}
        for place, width in (cell for line in cells for cell in line.items()):
            widths[place] = max(width, widths.get(place, 0))
        paddings += [{p: widths[p] - width for p, width in line.items()} for line in cells]
    return paddings


def _runs(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """The statements in groups: declarations with no line between them, all others alone."""
    run: list[Statement] = []
    for statement in statements:
        follows = run and _declaration(run[-1]) and _declaration(statement)
        if run and (statement.after_blank or not follows):
            yield run
            run = []
        run.append(statement)
    if run:
        yield run


def _setting(statement: Statement) -> Padding:
    """The width of a setting's name where a value follows it."""
    words = _words(statement)
    return {0: len(words[0].token.text)} if len(words) > 1 else _NO_PADDING


def _declaration(statement: Statement) -> Padding:
    """The widths of `input` and of `name:` in `input name: type`; nothing for other statements."""
    if statement.head not in ("INPUT", "STATE", "TARGET"):
        return _NO_PADDING
    words = _words(statement)
    if _declares_more(words):
        return _NO_PADDING
    keyword, name = (len(word.token.text) for word in words[:2])
    return {0: keyword, 2: name + 1} if len(words) > 2 else {0: keyword}


def _declares_more(words: list[Word]) -> bool:
    """Whether a comma stands outside all brackets."""
    depth = 0
    for word in words:
        kind = word.token.type
        depth += (kind in ("LPAR", "LSQB")) - (kind in ("RPAR", "RSQB"))
        if kind == "COMMA" and not depth:
            return True
    return False


def _words(statement: Statement) -> list[Word]:
    """The words without braces and comments."""
    pieces = (piece for piece in statement.pieces if not isinstance(piece, Braces))
    return [word for word in pieces if word.token.type != "COMMENT"]
