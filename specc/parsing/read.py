"""Reads the text of a `.net` file, which may be anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NoReturn

from specc.diagnostics import CompileError, Diagnostic, Label
from specc.source import Source, Span

LARGEST_FILE = 1_000_000
"""Bytes."""


def read(path: Path | str, name: str | None = None, blame: Span | None = None) -> Source:
    r"""The text of a file, UTF-8 with or without a byte order mark, its lines ended by `\n`.

    Args:
        path: where the file lies.
        name: how messages show it; by default the path, relative to the working folder if inside.
        blame: what to underline if the file cannot be read, such as an `import`.

    Raises:
        CompileError: with E0001 if there is no such file, or it cannot be read, E0002 if it is
            not UTF-8, E0601 if it is too large.
    """
    path = Path(path)
    shown = name if name is not None else _relative(path)
    place = blame or Span(Source(shown, "", path), 0, 0)
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        help = _with_suffix(path) if blame is None else ""
        _fail(place, "E0001", f"cannot read `{shown}`: {reason.lower()}", help)
    return decode(data, shown, path, blame)


def decode(data: bytes, name: str, path: Path, blame: Span | None = None) -> Source:
    """The text of some bytes, such as those of standard input; arguments and errors of `read`."""
    place = blame or Span(Source(name, "", path), 0, 0)
    if len(data) > LARGEST_FILE:
        _fail(place, "E0601", f"`{name}` has more than {LARGEST_FILE} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
        _fail(place, "E0002", f"cannot read `{name}`: {wrong}", help="save the file as UTF-8")
    return Source(name, text.replace("\r\n", "\n"), path)


def _bytes(path: Path) -> bytes:
    """At most one byte more than allowed; a pipe or a device is not waited for."""
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise ValueError("it is a folder")
    if not stat.S_ISREG(kind):
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _with_suffix(path: Path) -> str:
    """The help for `house` in place of `house.net`."""
    try:
        better = path.with_name(f"{path.name}.net")
        return f"did you mean `{_relative(better)}`?" if better.is_file() else ""
    except (OSError, ValueError):
        return ""


def _relative(path: Path) -> str:
    try:
        inside = path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError, RuntimeError):  # a loop of links is a RuntimeError
        return path.as_posix()
    return inside.as_posix() if os.fspath(path) else ""


def _fail(place: Span, code: str, message: str, help: str = "") -> NoReturn:
    raise CompileError([Diagnostic(code, message, Label(place), help=help)])
