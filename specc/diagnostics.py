"""What is wrong with a spec: where, why, and a fix that was tried.

A `Diagnostic` is data; `specc.report` turns it into text, JSON, GitHub annotations or SARIF.
Wording: lower case, no full stop, code in backticks, "needs X, gets Y"; fixes only in `help`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from specc.source import Span

MOST_ERRORS = 200
"""After so many errors no more are looked for: each costs time, and nobody reads them."""


class Severity(Enum):
    """An error stops the compiler after its stage; a warning never does."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A stretch of the spec and what to say about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing the user can mend.

    `code` is stable: `E0301`, or `W0301` for a warning. `primary` is where it shows,
    `secondary` where its cause lies, `trail` the calls that lead there, outermost first.
    `note` holds the arithmetic, `help` a fix that was checked to work.
    """

    code: str
    message: str
    primary: Label
    secondary: Label | None = None
    note: str = ""
    help: str = ""
    trail: tuple[Label, ...] = ()

    @property
    def severity(self) -> Severity:
        """Error or warning, by the first letter of the code."""
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR


class CompileError(Exception):
    """A stage found errors; carries every diagnostic so far, warnings too."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in self.diagnostics))


class Diagnostics:
    """The diagnostics of one run, without repetitions."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Span, str], Diagnostic] = {}
        self._errors = 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same one at the same place only once.

        Raises:
            CompileError: once there are more than anybody reads, errors among them.
        """
        key = (diagnostic.code, diagnostic.primary.span, diagnostic.message)
        if key in self._found:
            return
        self._errors += diagnostic.severity is Severity.ERROR
        if self._errors > MOST_ERRORS:
            raise CompileError(self)
        self._found[key] = diagnostic

    def withdraw(self, code: str, inside: Span) -> None:
        """Forget warnings inside of what an error rejects."""
        for key, found in list(self._found.items()):
            span = found.primary.span
            is_inside = span.source == inside.source and inside.start <= span.start < inside.end
            if found.code == code and is_inside:
                del self._found[key]

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of the text, file by file as first met."""
        files: dict[int, int] = {}
        for found in self._found.values():
            files.setdefault(id(found.primary.span.source), len(files))
        order = sorted(
            self._found.values(),
            key=lambda d: (files[id(d.primary.span.source)], d.primary.span.start, d.code),
        )
        return iter(order)

    @property
    def has_errors(self) -> bool:
        """Whether anything found is an error."""
        return any(d.severity is Severity.ERROR for d in self._found.values())

    def raise_errors(self) -> None:
        """Stop here, with everything found, if there is an error among it."""
        if self.has_errors:
            raise CompileError(self)
