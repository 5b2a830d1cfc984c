"""`specc summary`: a table of a net's layers."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from specc.commands.common import (
    CommandOptions,
    file_argument,
    read_spec,
    reporting,
    sizes_option,
    spec_options,
    wants_colour,
)

if TYPE_CHECKING:
    from specc.summarize import Row, Summary


@click.command(
    "summary",
    epilog="Example:  specc summary specs/lenet.net --batch 64",
)
@file_argument
@spec_options
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Examples at a time, for the memory.",
)
@sizes_option
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    file: str, options: CommandOptions, batch: int, sizes: dict[str, int], as_json: bool
) -> None:
    """List the layers of a net: output shapes, parameters, multiply-adds, memory in training."""
    with reporting(options.form, to=sys.stderr) as diagnostics:
        net = options.shape_one(read_spec(file), diagnostics)
    from specc.summarize import summarize

    try:
        summary = summarize(net, batch=batch, sizes=sizes)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--size'") from None
    if as_json:
        _print_json(summary, net.net.name, batch)
    else:
        _print_table(summary, net.net.name, batch)


def _print_json(summary: Summary, net: str, batch: int) -> None:
    from dataclasses import asdict

    print(json.dumps({"net": net, "batch": batch, **asdict(summary)}, indent=2))


def _print_table(summary: Summary, net: str, batch: int) -> None:
    head = ("layer", "kind", "output", "parameters", "multiply-adds")
    rows: list[Cells] = [
        (r.path, _repeated(r), r.output, _part(r, r.parameters), _part(r, r.multiply_adds))
        for r in summary.rows
    ]
    total = ("total", "", "", _number(summary.parameters), _number(summary.multiply_adds))
    if wants_colour(sys.stdout):
        _print_rich(head, rows, total, net)
    else:
        _print_plain(head, rows, total)
    parts = summary.parts
    print(
        f"memory in training at batch {batch}: {_bytes(summary.memory)}, and for Adam"
        f" {_bytes(parts.adam)} more\n  (parameters {_bytes(parts.parameters)}, gradients"
        f" {_bytes(parts.gradients)}, activations {_bytes(parts.activations)})"
    )


def _repeated(row: Row) -> str:
    return row.layer if row.times == 1 else f"{row.layer} ×{row.times}"


def _part(row: Row, value: int | str) -> str:
    """A count; in brackets, where it is the sum of rows below."""
    return f"({_number(value)})" if row.is_sum and value else _number(value)


def _number(value: int | str) -> str:
    """A count as it is shown: nothing for 0; an expression where a size is free."""
    return f"{value:,}" if isinstance(value, int) and value else str(value or "")


def _bytes(count: int | str) -> str:
    if isinstance(count, str):
        return f"{count} B"
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


Cells = tuple[str, ...]


def _print_plain(head: Cells, rows: list[Cells], total: Cells) -> None:
    """Columns of text; the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, total, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    for row in (head, rule, *rows, rule, total):
        if isinstance(row, str):
            print(row)
            continue
        cells = [
            cell.ljust(width) if index < 3 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells))


def _print_rich(head: Cells, rows: list[Cells], total: Cells, net: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(net), show_footer=True, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, (name, last) in enumerate(zip(head, total, strict=True)):
        table.add_column(name, last, justify="left" if index < 3 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
