"""Which nets of a spec are compiled, and to which files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc import files
from specc.commands.common import STDIN

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


def nets_of(program: syntax.Program) -> list[str]:
    """The names of a program's own nets."""
    from specc import syntax

    return [item.name for item in program.items if isinstance(item, syntax.Net)]


def net_to_train(program: syntax.Program, train: str | None) -> str | None:
    """The net that the `train` section is `for`; `None` if it does not say so."""
    sections = _sections(program)
    meant = {s.net for s in sections if s.net and (train is None or s.name == train)}
    return meant.pop() if len(meant) == 1 else None


def has_several_sections(program: syntax.Program) -> bool:
    """Whether there is a choice of `train` sections."""
    return len(_sections(program)) > 1


def _sections(program: syntax.Program) -> list[syntax.Train]:
    from specc import syntax

    return [item for item in program.items if isinstance(item, syntax.Train)]


def stem(file: str, net: str | None, is_only: bool = True) -> str:
    """The name of an output: the spec's, with the net's behind it where there are several."""
    return files.stem(None if file == STDIN else file, net, is_only)
