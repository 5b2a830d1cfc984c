"""`specc render`: a picture of a net."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import click

from specc.commands.common import (
    STDIN,
    CommandOptions,
    file_argument,
    read_spec,
    reporting,
    say_written,
    spec_options,
)
from specc.commands.failure import Failure, writing
from specc.commands.targets import stem

if TYPE_CHECKING:
    from specc.check import ShapedModel

Format = Literal["dot", "svg", "png", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
_HEADS = (b"digraph", b"strict digraph", b"graph", b"<?xml", b"<svg", b"<!--", b"\x89PNG", b"%PDF")
"""How pictures begin."""


@click.command(
    "render",
    epilog="Example:  specc render specs/lenet.net -o lenet.svg --depth 1",
)
@file_argument
@spec_options
@click.option(
    "-o", "--output", metavar="PATH", type=click.Path(allow_dash=True), help="The file to write."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="By default the file's suffix.")
@click.option(
    "--depth",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many blocks inside one another are drawn open.",
)
@click.option(
    "--unroll",
    type=click.IntRange(2, 8),
    metavar="N",
    help="Recurrent layers and cells as N copies side by side, one a step. [default: one, folded]",
)
@click.option(
    "--apart/--nested",
    "is_apart",
    default=None,
    help="Each kind of block once beside the net, or each block in its place. "
    "[default: apart if the net is large]",
)
def command(
    file: str,
    options: CommandOptions,
    output: str | None,
    form: str | None,
    depth: int | None,
    is_apart: bool | None,
    unroll: int | None,
) -> None:
    """Draw a net: layers with shapes and parameter counts, blocks with their contents.

    Without `-o`, `lenet.net` is drawn to `lenet.svg`; `-o -` writes standard output. All forms
    but dot need Graphviz.
    """
    form = _form(output, form)
    with reporting(options.form, to=sys.stderr if output == STDIN else None) as diagnostics:
        net = options.shape_one(read_spec(file), diagnostics)
    place = output or f"{stem(file, net.net.name, len(net.model.nets) == 1)}.{form}"
    picture = draw(net, form, depth, is_apart, unroll)
    if output == STDIN:
        sys.stdout.buffer.write(picture)
        return
    from specc.files import write_atomically

    with writing(place):
        keep_others(Path(place))
        write_atomically(Path(place), picture)
    if options.form == "text":
        say_written(file, place)


def keep_others(path: Path) -> None:
    """Refuse to draw over a file that is no picture, such as the spec itself."""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(64).lstrip()
        if head and not head.startswith(_HEADS):
            help_ = "draw elsewhere with `-o`, or remove it first"
            raise Failure(f"`{path}` is not a picture: it stays as it is", help_)


def _form(output: str | None, form: str | None) -> Format:
    suffix = Path(output or "").suffix.removeprefix(".").lower()
    if form is None and suffix and suffix not in FORMATS:
        raise click.UsageError(f"`.{suffix}` is no picture; known are {', '.join(FORMATS)}")
    if form is not None and suffix in FORMATS and suffix != form:
        raise click.UsageError(f"`-o {output}` is {suffix}, `--format {form}` is not")
    return cast(Format, form or suffix or ("dot" if output == STDIN else "svg"))


def draw(
    net: ShapedModel,
    form: Format,
    depth: int | None = None,
    is_apart: bool | None = None,
    copies: int | None = None,
) -> bytes:
    """The picture of a net; `depth`, `is_apart` and `copies` as in `specc.draw.dot`."""
    from specc.draw import NoGraphviz, NothingToUnroll, RenderError, dot, render

    try:
        text = dot(net, depth, is_apart, copies)
    except NothingToUnroll as error:
        help_ = "draw it with a larger `--depth`" if error.is_hidden else "leave `--unroll` out"
        raise Failure(str(error), help_) from None
    if form == "dot":
        return text.encode()
    try:
        return render(text, form)
    except NoGraphviz as error:
        raise Failure(str(error), "`--format dot` works without it") from None
    except RenderError as error:
        raise Failure(str(error)) from None
