"""The first stage: the text of a `.net` file becomes a syntax tree.

Lark parses it, by the LALR(1) grammar `grammar/specc.lark`; its words, the ends of its statements
and the recovery from errors are ours (`specc.parsing`), for exact diagnostics.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from specc import syntax
from specc.diagnostics import Diagnostics
from specc.parsing.build import build
from specc.parsing.machine import Machine
from specc.parsing.nesting import nest
from specc.parsing.read import read
from specc.parsing.recover import Recoverer
from specc.parsing.reporter import Reporter, TooManyErrors
from specc.parsing.table import load_parser
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
        with _without_collector():
            return _parse(reporter)
    except TooManyErrors:
        return syntax.Program(source, ())


def _parse(reporter: Reporter) -> syntax.Program:
    words = nest(scan(reporter), reporter)
    tree = Machine(load_parser(), words, Recoverer(reporter).recover).run()
    program = build(tree, reporter)
    assert isinstance(program, syntax.Program)
    return program


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the search for cycles: trees have none, and it takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
