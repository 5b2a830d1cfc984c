"""Characters on a terminal: how wide they are, what may be shown of a hostile text, colours."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

TAB = 4
"""Columns from one tab stop to the next."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "bold": "1",
    "gutter": "1;34",
    "second": "1;34",
    "help": "1;32",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in ANSI colours, or does nothing."""

    is_on: bool

    def __call__(self, style: str, text: str) -> str:
        """The text in a style: `error`, `warning`, `bold`, `gutter`, `second` or `help`."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.is_on and text else text


def clean(text: str) -> str:
    """The text on one line, with what could move the cursor or hide something made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) in _HIDDEN or not character.isspace():
        code = ord(character)
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(
            character, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        )
    return " "


def cells(line: str) -> list[str]:
    """What is shown of each character of a line: tabs as spaces, hidden ones as a sign."""
    shown, column = [], 0
    for character in line:
        if character == "\t":
            cell = " " * (TAB - column % TAB)
        elif character.isprintable() or character.isspace():
            cell = character if character.isprintable() else " "
        else:
            cell = "\N{REPLACEMENT CHARACTER}"
        shown.append(cell)
        column += width(cell)
    return shown


def width(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
