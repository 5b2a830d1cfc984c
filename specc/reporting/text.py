"""Diagnostics for people: the message, the lines of the spec that it is about, note and help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.diagnostics import Diagnostic, Label, Severity
from specc.reporting.display import Paint, clean
from specc.reporting.snippet import Mark, marks, snippet
from specc.source import Source

MOST_SHOWN = 100
"""Diagnostics in full; of more, only the number is said."""

MOST_CALLS = 6
"""Calls of a trail that are shown; of a longer one, the outermost and the inmost."""


def text(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """All diagnostics, a blank line between two."""
    paint = Paint(colour)
    parts = ["\n".join(_diagnostic(d, paint)) + "\n" for d in diagnostics[:MOST_SHOWN]]
    if len(diagnostics) > MOST_SHOWN:
        parts.append(f"… and {len(diagnostics) - MOST_SHOWN} more\n")
    return "\n".join(parts)


def _diagnostic(diagnostic: Diagnostic, paint: Paint) -> Iterator[str]:
    severity = diagnostic.severity.value
    head = paint(severity, f"{severity}[{diagnostic.code}]")
    yield head + paint("bold", f": {clean(diagnostic.message)}")
    sign = "^" if diagnostic.severity is Severity.ERROR else "~"
    groups = _groups(diagnostic, sign)
    gutter = max((len(str(m.line)) for _, _, placed in groups for m in placed), default=1) + 1
    for arrow, label, placed in groups:
        yield f"{' ' * gutter}{paint('gutter', arrow)} {_place(label)}"
        if placed:
            yield paint("gutter", " " * gutter + " |")
            yield from snippet(label.span.source, placed, gutter, paint)
    rest = list(_remarks(diagnostic, paint))
    if rest:
        yield paint("gutter", " " * gutter + " |")
        yield from (f"{' ' * (gutter + 1)}{line}" for line in rest)


Group = tuple[str, Label, tuple[Mark, ...]]


def _groups(diagnostic: Diagnostic, sign: str) -> list[Group]:
    """The places to show: both spans together if they are in one file."""
    primary, second = diagnostic.primary, diagnostic.secondary
    if _is_whole_file(primary):
        first: Group = ("-->", primary, ())
    else:
        first = ("-->", primary, marks(primary, sign))
    if second is None:
        return [first]
    placed = marks(second, "-")
    if second.span.source is primary.span.source:
        return [(first[0], primary, first[2] + placed)]
    return [first, (":::", second, placed)]


def _is_whole_file(label: Label) -> bool:
    return label.span.start == label.span.end == 0 and not label.text


def _place(label: Label) -> str:
    source: Source = label.span.source
    return clean(source.name if _is_whole_file(label) else label.span.place)


def _remarks(diagnostic: Diagnostic, paint: Paint) -> Iterator[str]:
    """What stands below the lines of the spec: note, help, the calls that lead there."""
    for word, remark in (("note", diagnostic.note), ("help", diagnostic.help)):
        if remark:
            first, *more = (clean(line) for line in remark.split("\n"))
            shown = paint("help", word) if word == "help" else paint("bold", word)
            yield f"= {shown}: {first}"
            yield from (f"        {line}" for line in more)
    head = f"= {paint('bold', 'trail')}: "
    for call in _calls(diagnostic.trail):
        yield head + call
        head = "         "


def _calls(trail: Sequence[Label]) -> Iterator[str]:
    left_out = len(trail) - MOST_CALLS
    for index, label in enumerate(trail):
        if left_out > 1 and 2 <= index < 2 + left_out:
            if index == 2:
                yield f"… {left_out} more …"
            continue
        yield f"{clean(label.span.place)}: {clean(label.text)}"
