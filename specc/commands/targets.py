"""Which nets of a spec are compiled, and to which files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specc.commands.common import STDIN
from specc.commands.failure import Failure

if TYPE_CHECKING:
    from specc import syntax
    from specc.diagnostics import Diagnostics
    from specc.source import Source


def parse_program(source: Source, diagnostics: Diagnostics) -> syntax.Program:
    """The syntax tree of a spec.

    Raises:
        CompileError: with all its syntax errors.
    """
    from specc.parse import parse

    program = parse(source, diagnostics)
    diagnostics.raise_errors()
    return program


def nets_of(program: syntax.Program, wanted: str | None) -> list[str]:
    """The names of a program's nets, or only the wanted one (which need not exist)."""
    from specc import syntax

    names = [item.name for item in program.items if isinstance(item, syntax.Net)]
    if not names:
        raise Failure(f"`{program.source.name}` has no net, only blocks for others to import")
    return [wanted] if wanted is not None else names


def net_to_train(program: syntax.Program, net: str | None, train: str | None) -> str:
    """The net that a training run is of: `--net`, else what the `train` section says."""
    from specc import syntax

    names = nets_of(program, net)
    sections = [item for item in program.items if isinstance(item, syntax.Train)]
    meant = [s.net for s in sections if s.net and (train is None or s.name == train)]
    if len(names) > 1 and len(set(meant)) == 1:
        return str(meant[0])
    if len(names) > 1:
        raise click.UsageError(f"which net? `--net {'|'.join(names)}`")
    return names[0]


def stem(file: str, net: str, is_only: bool = True) -> str:
    """The name of an output: the spec's, with the net's behind it where there are several."""
    if file == STDIN:
        return snake_case(net)
    name = re.sub(r"\W", "_", Path(file).stem) or "net"
    return name if is_only else f"{name}_{snake_case(net)}"


def snake_case(name: str) -> str:
    """`DeepMlp` as a file is called: `deep_mlp`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
