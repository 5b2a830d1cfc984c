"""Cuts a text into words, by the terminals of the grammar; mends what is no word."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import NamedTuple

from specc.parsing.reporter import Reporter, TooManyErrors
from specc.parsing.table import terminals

LONGEST_TEXT = 1_000_000
"""Characters in a file; a spec of 20,000 layers has half as many."""

MOST_WORDS = 150_000
"""Words in a file, comments and separators included."""

LONGEST_INTEGER, LONGEST_REAL = 18, 40
"""Characters of a number; an integer fits 64 bits."""

SEPARATOR, END, ERROR = "_SEP", "$END", "ERROR"

_MENDED = r"""
|(?P<BAD_NUMBER>\.?[0-9][\w.]*)
|(?P<BAD_STRING>")
|(?P<QUOTED>'[^'\n]*')
|(?P<FOREIGN>[^\W\d]\w*)
|(?P<UNKNOWN>.)
""".replace("\n", "")

_CLOSED_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_BAD_ESCAPE = re.compile(r'\\(?!["\\nt]).|\\["\\nt]')
_PLAIN_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?([eE][0-9]+)?")

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\r(?!\n)"
)
"""Characters that do not show, or make a text look other than it is read."""

_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТУХІЈЅаеорсухіјѕԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανικρτυχ",
    "ABEKMHOPCTYXIJSaeopcyxijsdhqwABEZHIKMNOPTYXoavikptux",
)
"""Cyrillic and Greek letters, and the ASCII letters that they look like."""

_INSTEAD = {
    "→": ("_ARROW", "->"),
    "⟶": ("_ARROW", "->"),
    "\u2013": ("SIGN", "-"),
    "\u2014": ("SIGN", "-"),
    "\u2212": ("SIGN", "-"),
    "\u00d7": ("TIMES", "*"),
    "·": ("TIMES", "*"),
    "÷": ("TIMES", "/"),
    "≤": ("COMPARE", "<="),
    "≥": ("COMPARE", ">="),
    "≠": ("COMPARE", "!="),
    "^": ("POWER", "**"),
    "&": ("AND", "and"),
    "|": ("OR", "or"),
    "!": ("NOT", "not"),
}
"""What to write instead of a sign that other languages or word processors use."""


_QUOTES = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019'"


class Token(NamedTuple):
    """A word of the text: its terminal, its characters, and its offsets.

    Tokens that the parser puts in have no characters and begin where they end.
    """

    type: str
    text: str
    start: int
    end: int

    @property
    def place(self) -> tuple[int, int]:
        """From where to where it goes."""
        return self.start, self.end


@cache
def keywords() -> dict[str, str]:
    """The reserved words and their terminals."""
    return {t.literal: t.name for t in terminals() if t.literal and t.is_keyword}


@cache
def _words() -> re.Pattern[str]:
    known = "|".join(f"(?P<{t.name}>{t.pattern})" for t in terminals() if not t.is_keyword)
    return re.compile(known + _MENDED, re.DOTALL)


def scan(reporter: Reporter) -> list[Token]:
    """All words of the reporter's source, comments and separators included.

    What is no word of the language is reported, and mended where it is clear what was meant.
    """
    return _Scanner(reporter).scan()


class _Scanner:
    """Goes through a text once, from the beginning to the end."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.text = reporter.source.text
        self.tokens: list[Token] = []

    def scan(self) -> list[Token]:
        if not self._text_can_be_read():
            return []
        match, words, tokens = _words().match, keywords(), self.tokens
        text, position = self.text, 0
        while len(tokens) <= MOST_WORDS and (found := match(text, position)):
            start, end = found.span()
            kind, word = str(found.lastgroup), found.group()
            position = end
            if kind == "NAME":
                tokens.append(Token(words.get(word, kind), word, start, end))
            elif kind in ("INT", "REAL"):
                tokens.append(self._number(Token(kind, word, start, end)))
            elif kind in _MENDERS:
                position = _MENDERS[kind](self, Token(kind, word, start, end))
            elif kind != "BLANK":
                tokens.append(Token(kind, word, start, end))
        if len(tokens) > MOST_WORDS:
            message = f"the file has more than {MOST_WORDS} words"
            self.reporter.error("E0601", message, tokens[-1].place)
            raise TooManyErrors
        return tokens

    def _text_can_be_read(self) -> bool:
        size = len(self.text)
        if size > LONGEST_TEXT:
            message = f"the file has {size} characters, more than {LONGEST_TEXT}"
            self.reporter.error("E0601", message, (0, 0))
            return False
        for found in _CONTROL.finditer(self.text):
            message = f"control character {_code_point(found.group())}"
            self.reporter.error("E0003", message, found.span(), label="leave it out")
        self.text = _CONTROL.sub(" ", self.text).replace("\r\n", " \n")
        return True

    def _number(self, token: Token) -> Token:
        """The number, or 1 where it is none that fits."""
        size, limit = len(token.text), LONGEST_INTEGER if token.type == "INT" else LONGEST_REAL
        if size > limit:
            message = f"a number of {size} characters, more than {limit}"
            self.reporter.error("E0604", message, token.place)
        elif token.type == "REAL":
            if math.isfinite(float(token.text)):
                return token
            message = f"`{token.text}` is larger than the largest real number"
            self.reporter.error("E0604", message, token.place)
        elif token.text[0] == "0" and size > 1:
            message, plain = "an integer does not begin with `0`", token.text.lstrip("0") or "0"
            self.reporter.error("E0006", message, token.place, help=f"write `{plain}`")
        else:
            return token
        return token._replace(text="1")

    # Every mender below reports a word, appends what was probably meant, and returns the offset
    # at which to go on.

    def _bad_number(self, token: Token) -> int:
        plain = token.text.replace("_", "")
        plain = f"0{plain}" if plain.startswith(".") else plain
        plain = f"{plain}0" if plain.endswith(".") else plain
        fits = len(plain) <= LONGEST_INTEGER and _PLAIN_NUMBER.fullmatch(plain)
        is_name = not fits and "." not in token.text
        self.reporter.error(
            "E0006",
            f"`{short(token.text)}` is not a number",
            token.place,
            note="a name begins with a letter" if is_name else "",
            help=f"write `{plain}`" if fits else "",
        )
        mended = ("NAME", "_") if is_name else ("INT", "1")
        self.tokens.append(Token(*mended, *token.place))
        return token.end

    def _bad_string(self, token: Token) -> int:
        found = _CLOSED_STRING.match(self.text, token.start)
        end = found.end() if found else self._end_of_torn_string(token.start)
        if found:
            self._report_escapes(*found.span())
        else:
            self.reporter.tear(token.start)
            self.reporter.error(
                "E0005",
                'the string has no closing `"`',
                (token.start, end),
                note="a string ends on the line where it begins",
            )
        self.tokens.append(Token("STRING", '""', token.start, end))
        return end

    def _report_escapes(self, start: int, end: int) -> None:
        for found in _BAD_ESCAPE.finditer(self.text, start, end):
            if found.group()[1] not in '"\\nt':
                self.reporter.error(
                    "E0005",
                    f"unknown escape `{found.group()}` in a string",
                    found.span(),
                    note='known are `\\"`, `\\\\`, `\\n` and `\\t`',
                    help=f"for a backslash write `\\\\{found.group()[1]}`",
                )

    def _end_of_torn_string(self, start: int) -> int:
        """The brackets at the end of the line were meant to close something."""
        line_end = self.text.find("\n", start)
        rest = self.text[start + 1 : line_end if line_end >= 0 else len(self.text)]
        return start + 1 + len(rest.rstrip(" \t)]},;"))

    def _quoted(self, token: Token) -> int:
        inside = token.text[1:-1]
        self.reporter.error(
            "E0005",
            "a string stands in double quotes",
            token.place,
            help="" if '"' in inside or "\\" in inside else f'write `"{short(inside)}"`',
        )
        self.tokens.append(Token("STRING", '""', *token.place))
        return token.end

    def _foreign(self, token: Token) -> int:
        """A name with letters that are not ASCII: perhaps look-alikes."""
        index = next((i for i, c in enumerate(token.text) if not c.isascii()), 0)
        plain = _ascii(token.text)
        self.reporter.error(
            "E0004",
            f"{_named(token.text[index])} cannot be part of a name",
            (token.start + index, token.start + index + 1),
            note="a name has the letters a-z and A-Z, digits and `_`",
            help=f"write `{plain}` in these letters" if plain and len(plain) < 60 else "",
        )
        self.tokens.append(Token(keywords().get(plain, "NAME"), plain or "_", *token.place))
        return token.end

    def _unknown(self, token: Token) -> int:
        end = token.end
        while end < len(self.text) and self.text[end] == token.text:
            end += 1
        kind, instead = _INSTEAD.get(token.text, ("", ""))
        if token.text in _QUOTES:
            instead = '"'
        elif token.text.isspace():
            instead = " "
        self.reporter.error(
            "E0004",
            f"unknown character {_named(token.text)}",
            (token.start, end),
            help=_write_instead(instead),
        )
        if kind:
            self.tokens.append(Token(kind, instead, token.start, end))
        else:
            self.reporter.tear(token.start)
        return end


_MENDERS = {
    "BAD_NUMBER": _Scanner._bad_number,
    "BAD_STRING": _Scanner._bad_string,
    "QUOTED": _Scanner._quoted,
    "FOREIGN": _Scanner._foreign,
    "UNKNOWN": _Scanner._unknown,
}


def _write_instead(text: str) -> str:
    return {"": "", " ": "write a space"}.get(text, f"write `{text}`")


def short(text: str) -> str:
    """The text, cut where it would fill a message."""
    return text if len(text) <= 30 else f"{text[:29]}…"


def _code_point(character: str) -> str:
    import unicodedata

    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}{', ' if name else ''}{name}"


def _named(character: str) -> str:
    """A character as a message shows it, by number where it may not show or be mistaken."""
    if character.isascii() and character.isprintable():
        return f"`{character}`"
    shown = f"`{character}` " if character.isprintable() else ""
    return f"{shown}({_code_point(character)})"


def _ascii(word: str) -> str:
    """The word in ASCII letters, or nothing if some letter is like none of them."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", word.translate(_LOOKALIKES))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return plain if plain.isascii() and plain.isidentifier() else ""
