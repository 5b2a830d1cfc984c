"""Which nets of a spec are compiled, and to which files."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
    from specc import syntax

    sections = [item for item in program.items if isinstance(item, syntax.Train)]
    meant = {s.net for s in sections if s.net and (train is None or s.name == train)}
    return meant.pop() if len(meant) == 1 else None


def stem(file: str, net: str | None, is_only: bool = True) -> str:
    """The name of an output: the spec's, with the net's behind it where there are several."""
    if file == STDIN:
        name = snake_case(net or "net")
    else:
        name = re.sub(r"\W", "_", Path(file).stem) or "net"
        name = name if is_only or net is None else f"{name}_{snake_case(net)}"
    return f"{name}_net" if hides_module(name) else name


def hides_module(name: str) -> bool:
    """Whether a script of this name would be imported in place of what it needs itself."""
    return name == "numpy" or name in sys.stdlib_module_names


def snake_case(name: str) -> str:
    """`DeepMlp` as a file is called: `deep_mlp`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
