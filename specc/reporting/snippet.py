"""Lines of a spec with marks under them: one renderer for one and two spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from specc.diagnostics import Label
from specc.reporting.display import Paint, cells, clean, width
from specc.source import Source

WIDEST = 120
"""Columns shown of a line; of a longer one, the part around the first mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Part of a line to underline: columns from 0, `end` not included."""

    line: int
    start: int
    end: int
    sign: str
    text: str


def marks(label: Label, sign: str) -> tuple[Mark, ...]:
    """The marks of a span: one, or those of its first and its last line."""
    source = label.span.source
    first, column = source.position(label.span.start)
    last, after = source.position(max(label.span.end - 1, label.span.start))
    start, end = column - 1, after
    if first == last:
        end = start if label.span.end <= label.span.start else end
        return (Mark(first, start, max(end, start + 1), sign, label.text),)
    closing = source.line(last)
    indent = len(closing) - len(closing.lstrip())
    return (
        Mark(first, start, max(len(source.line(first).rstrip()), start + 1), sign, ""),
        Mark(last, min(indent, end - 1), end, sign, label.text),
    )


def snippet(source: Source, placed: Iterable[Mark], gutter: int, paint: Paint) -> Iterator[str]:
    """The marked lines of one source, each with its number and the marks below it."""
    by_line: dict[int, list[Mark]] = {}
    for mark in placed:
        by_line.setdefault(mark.line, []).append(mark)
    previous = None
    for number in sorted(by_line):
        if previous is not None and number == previous + 2:
            yield from _line(source, number - 1, [], gutter, paint)
        elif previous is not None and number > previous + 1:
            yield paint("gutter", "...")
        yield from _line(source, number, by_line[number], gutter, paint)
        previous = number


def _line(
    source: Source, number: int, here: list[Mark], gutter: int, paint: Paint
) -> Iterator[str]:
    shown = cells(source.line(number))
    first, last = _window(shown, here)
    before = "…" if first else ""
    text = before + "".join(shown[first:last]) + ("…" if last < len(shown) else "")
    yield f"{paint('gutter', f'{number:>{gutter}} |')} {text}".rstrip()
    for mark in here:
        start, end = max(mark.start, first), min(mark.end, last)
        blank = " " * (len(before) + width("".join(shown[first:start])))
        length = width("".join(shown[start:end])) + (mark.end > max(len(shown), last))
        style = "second" if mark.sign == "-" else "error" if mark.sign == "^" else "warning"
        sign = "-" if mark.sign == "-" else "^"
        said = f" {clean(mark.text)}" if mark.text else ""
        under = paint(style, sign * max(length, 1) + said)
        yield f"{paint('gutter', ' ' * gutter + ' |')} {blank}{under}"


def _window(shown: list[str], here: list[Mark]) -> tuple[int, int]:
    """Which characters of a line are shown: all, or `WIDEST` around its first mark."""
    if len(shown) <= WIDEST and width("".join(shown)) <= WIDEST:
        return 0, len(shown)
    first = max(0, min((mark.start for mark in here), default=0) - WIDEST // 3)
    last, columns = first, 0
    while last < len(shown) and columns + width(shown[last]) <= WIDEST:
        columns += width(shown[last])
        last += 1
    return first, last
