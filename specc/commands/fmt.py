"""`specc fmt`: specs in the canonical form."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specc.commands.common import STDIN, files_argument, format_option, read_spec, reporting
from specc.commands.failure import writing

if TYPE_CHECKING:
    from specc.diagnostics import Diagnostics


@dataclass(frozen=True, slots=True)
class _Formatted:
    file: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


@click.command("fmt", epilog="Example:  specc fmt specs/*.net")
@files_argument
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@format_option
def command(files: tuple[str, ...], check: bool, diff: bool, output_format: str) -> int:
    """Set specs in the canonical form: same meaning, comments kept.

    Files are changed in place, all or none; `-` reads standard input and writes standard output.
    """
    with reporting(output_format, to=sys.stderr) as diagnostics:
        formatted = [text for file in files for text in _format(file, diagnostics)]
    changed = [text for text in formatted if text.differs]
    if diff:
        for text in changed:
            _print_diff(text)
    for text in formatted if not (check or diff) else ():
        _write(text)
    if check:
        for text in changed:
            print(f"{text.file}: not in canonical form", file=sys.stderr)
        return 1 if changed else 0
    return 0


def _format(file: str, diagnostics: Diagnostics) -> list[_Formatted]:
    from specc.diagnostics import CompileError
    from specc.format import format_text

    try:
        source = read_spec(file)
        after = format_text(source)
        before = source.text if file == STDIN else Path(file).read_bytes().decode("utf-8")
    except CompileError as error:
        for diagnostic in error.diagnostics:
            diagnostics.add(diagnostic)
        return []
    return [_Formatted(file, before, after)]


def _write(text: _Formatted) -> None:
    from specc.files import write_atomically

    if text.file == STDIN:
        sys.stdout.write(text.after)
    elif text.differs:
        with writing(text.file):
            write_atomically(Path(text.file), text.after)
        print(f"{text.file}: formatted", file=sys.stderr)


def _print_diff(text: _Formatted) -> None:
    from difflib import unified_diff

    lines = unified_diff(
        text.before.splitlines(keepends=True),
        text.after.splitlines(keepends=True),
        text.file,
        f"{text.file} (formatted)",
    )
    for line in lines:
        sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
