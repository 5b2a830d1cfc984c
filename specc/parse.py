"""The first stage: the text of a `.net` file becomes a syntax tree.

Lark makes the LALR(1) table from `grammar/specc.lark`; it ships as data and runs here without
Lark (`specc.parsing`), which saves 0.2 s of CPU time a start and makes recovery exact.
"""

from __future__ import annotations

from specc import syntax
from specc.diagnostics import Diagnostics
from specc.parsing.build import Builder
from specc.parsing.machine import Machine
from specc.parsing.nesting import nest
from specc.parsing.read import read
from specc.parsing.recover import Recoverer
from specc.parsing.reporter import Reporter, TooManyErrors
from specc.parsing.table import load_table
from specc.parsing.tokens import scan
from specc.source import Source

__all__ = ["parse", "read"]


def parse(source: Source, diagnostics: Diagnostics) -> syntax.Program:
    """The syntax tree of a text.

    All syntax errors of the text (E00xx, E06xx) are added to `diagnostics`. If there are any, the
    tree holds what could be read, and is fit only for finding more errors. Nothing is raised.
    """
    reporter = Reporter(source, diagnostics)
    try:
        words = nest(scan(reporter), reporter)
        machine = Machine(load_table(), source, words, Builder(reporter), Recoverer(reporter))
        program = machine.run()
        assert isinstance(program, syntax.Program)
        return program
    except TooManyErrors:
        return syntax.Program(source, ())
