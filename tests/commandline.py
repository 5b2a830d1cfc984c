"""Running `specc` inside the tests' own process."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass

from specc.cli import main


@dataclass(frozen=True)
class Result:
    """What a command did: exit status, standard output, error stream."""

    status: int
    out: str
    err: str


def specc(*arguments: str, stdin: bytes = b"") -> Result:
    """Run `specc` with these arguments."""
    streams = sys.stdin, sys.stdout, sys.stderr
    given, out, err = (io.TextIOWrapper(io.BytesIO(data), "utf-8") for data in (stdin, b"", b""))
    sys.stdin, sys.stdout, sys.stderr = given, out, err
    status: object = None
    try:
        main(arguments)
    except SystemExit as exit:
        status = exit.code
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
    assert isinstance(status, int)
    return Result(status, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
