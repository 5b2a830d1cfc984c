"""What the commands share: the options that say which spec is meant, and reporting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from specc.options import Options
from specc.report import FORMATS, report, tally

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.diagnostics import Diagnostics
    from specc.source import Source

STDIN = "-"
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class CommandOptions(Options):
    """The options that every command on a spec has, and how diagnostics are reported (`form`)."""

    form: str = "text"

    def analyse(self, source: Source, diagnostics: Diagnostics) -> dict[str, ShapedModel]:
        """The shaped nets of a spec; see `specc.pipeline.analyse`."""
        from specc.pipeline import analyse

        return analyse(
            source,
            diagnostics,
            net=self.net,
            settings=self.settings,
            allow_imports=self.allow_imports,
        )

    def shape_one(self, source: Source, diagnostics: Diagnostics) -> ShapedModel:
        """The only net of a spec, or the one that is meant; see `specc.pipeline.shape_one`."""
        from specc.pipeline import shape_one

        return shape_one(source, self, diagnostics)


def spec_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options of `CommandOptions`; the command gets them as its argument `options`."""

    def collected(
        net: str | None,
        settings: tuple[str, ...],
        allow_imports: bool,
        output_format: str,
        **rest: Any,
    ) -> R:
        options = CommandOptions(net, settings, allow_imports, form=output_format)
        return command(options=options, **rest)

    decorated: Callable[..., R] = wraps(command)(collected)
    for option in reversed(_SPEC_OPTIONS):
        decorated = option(decorated)
    return decorated


def _checked_settings(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    for value in values:
        name, equals, _ = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"`{value}` is not of the form `name=value`")
    return values


def format_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--output-format` alone."""
    return click.option(
        "--output-format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How errors and warnings are reported.",
    )(command)


_SPEC_OPTIONS = (
    click.option("--net", metavar="NAME", help="Which net of the file is meant."),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_checked_settings,
        help="The value of a parameter of the net; may be given several times.",
    ),
    click.option("--allow-imports", is_flag=True, help="Let imports leave the folder of the spec."),
    format_option,
)


def sizes_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--size`; the command gets the numbers of free sizes by name as its argument `sizes`."""
    return click.option(
        "--size",
        "sizes",
        multiple=True,
        metavar="NAME=N",
        callback=lambda context, parameter, texts: _sizes(texts),
        help="The number that a free size stands for, such as `T=35`.",
    )(command)


def _sizes(texts: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, number in map(_size, texts):
        if name in found:
            raise click.BadParameter(f"`{name}` is given twice", param_hint="'--size'")
        found[name] = number
    return found


def _size(text: str) -> tuple[str, int]:
    name, _, number = (part.strip() for part in text.partition("="))
    wrong = ""
    if not name or not (number.isascii() and number.isdecimal()):
        wrong = f"`{text}` is not of the form `T=35`"
    elif len(number) > 9 or int(number) == 0:
        wrong = f"`{name}` needs a whole number from 1 to {10**9 - 1}, gets {number}"
    if wrong:
        raise click.BadParameter(wrong, param_hint="'--size'")
    return name, int(number)


def file_argument(command: Callable[P, R]) -> Callable[P, R]:
    """Add the argument FILE: one spec, `-` for standard input."""
    return click.argument("file", type=click.Path(allow_dash=True))(command)


def files_argument(command: Callable[P, R]) -> Callable[P, R]:
    """Add the argument FILE…: one spec or several, each once."""
    return click.argument(
        "files",
        nargs=-1,
        required=True,
        metavar="FILE...",
        type=click.Path(allow_dash=True),
        callback=_each_once,
    )(command)


def _each_once(
    context: click.Context, parameter: click.Parameter, files: tuple[str, ...]
) -> tuple[str, ...]:
    for index, file in enumerate(files):
        if file in files[:index]:
            raise click.BadParameter(f"`{file}` is given twice")
    return files


def read_spec(file: str) -> Source:
    """The text of a spec; raises `CompileError` if it cannot be read."""
    from specc.parsing.read import LARGEST_FILE, decode, read

    if file != STDIN:
        return read(Path(file))
    data = sys.stdin.buffer.read(LARGEST_FILE + 1)
    return decode(data, "<stdin>", Path("<stdin>"))


@contextmanager
def reporting(form: str, *, to: IO[str] | None = None) -> Iterator[Diagnostics]:
    """Collect diagnostics; at the end print all of them, and exit with 1 if there is an error.

    Text goes to the error stream, the other forms to standard output, or to `to` where the
    command prints a result of its own there.
    """
    from specc.diagnostics import CompileError, Diagnostics

    diagnostics = Diagnostics()
    try:
        yield diagnostics
    except CompileError as error:
        for diagnostic in error.diagnostics:
            diagnostics.add(diagnostic)
    print_report(diagnostics, form, to)
    if diagnostics.has_errors:
        raise click.exceptions.Exit(1)


def print_report(diagnostics: Diagnostics, form: str, to: IO[str] | None = None) -> None:
    """Print diagnostics in a form, where it belongs."""
    stream = to or (sys.stderr if form == "text" else sys.stdout)
    text = report(diagnostics, form, colour=form == "text" and wants_colour(stream))
    if form == "text" and text:
        code = min((d.code for d in diagnostics), key=lambda code: code[0])  # an error, if any
        text += f"\n{tally(diagnostics)}; `specc explain {code}` says more\n"
    stream.write(text)


def say_written(file: str, path: object) -> None:
    """Say what became of a spec: `lenet.net -> lenet.py`."""
    from specc.reporting.display import clean

    print(clean(f"{file} -> {path}" if file != STDIN else f"-> {path}"))


def wants_colour(stream: IO[str]) -> bool:
    """Whether a person looks at the stream, and wants colours (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()
