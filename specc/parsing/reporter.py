"""Where the parts of the parser put what they find wrong."""

from __future__ import annotations

from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.source import Source, Span

MOST_ERRORS = 50
"""After so many errors a text is not read further."""


class TooManyErrors(Exception):
    """The rest of the text is not worth reading; what is wrong is already reported."""


class Reporter:
    """Makes diagnostics out of offsets into one source.

    Raises:
        TooManyErrors: by `error`, at the `MOST_ERRORS`th error.
    """

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self._diagnostics = diagnostics
        self._count = 0
        self._torn: list[int] = []

    def tear(self, offset: int) -> None:
        """Remember that what was meant at an offset is not known: it is reported already."""
        self._torn.append(offset)

    def is_torn(self, offset: int) -> bool:
        """Whether the line is torn at or before the offset, so that it need not make sense."""
        text = self.source.text
        return any(at <= offset and "\n" not in text[at:offset] for at in self._torn)

    def error(
        self,
        code: str,
        message: str,
        place: tuple[int, int],
        *,
        label: str = "",
        cause: tuple[tuple[int, int], str] | None = None,
        note: str = "",
        help: str = "",
    ) -> None:
        """Report what is wrong from offset to offset, and a second place as its cause."""
        self._add(
            Diagnostic(
                code,
                message,
                Label(Span(self.source, *place), label),
                Label(Span(self.source, *cause[0]), cause[1]) if cause else None,
                note,
                help,
            )
        )
        self._count += 1
        if self._count == MOST_ERRORS:
            text = f"{MOST_ERRORS} syntax errors; the rest of the file is not read"
            self._add(Diagnostic("E0605", text, Label(Span(self.source, *place))))
            raise TooManyErrors

    def _add(self, diagnostic: Diagnostic) -> None:
        self._diagnostics.add(diagnostic)
