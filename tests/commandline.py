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
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    sys.stdout = io.TextIOWrapper(out, "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, "utf-8", write_through=True)
    status: object = None
    try:
        main(arguments)
    except SystemExit as exit:
        status = exit.code
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
    assert isinstance(status, int)
    return Result(status, out.getvalue().decode(), err.getvalue().decode())
