"""What can go wrong besides the spec: files that cannot be written, results that are not wanted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click


class Failure(click.ClickException):
    """The command cannot do what it was asked; told in one line, and a second with a way out."""

    exit_code = 1

    def __init__(self, message: str, help: str = "") -> None:
        """Take the two lines, without the words `error` and `help`."""
        super().__init__(message)
        self.help = help

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it on the error stream."""
        from specc.reporting.display import clean

        print(clean(f"error: {self.message}"), file=file or sys.stderr)
        if self.help:
            print(f"  = help: {self.help}", file=file or sys.stderr)


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Turn what the operating system refuses into a `Failure` that names the file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Failure(f"cannot write `{path}`: {reason}") from None
