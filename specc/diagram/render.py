"""DOT text to a picture, with whichever Graphviz is at hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Literal

Format = Literal["svg", "png", "pdf"]

_WHEEL = """
import sys
import pygraphviz
text = sys.stdin.buffer.read().decode("utf-8")
graph = pygraphviz.AGraph(string=text)
picture = graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:]))
sys.stdout.buffer.write(picture)
"""
_PDF_DATE = re.compile(rb"(/CreationDate \(D:)(\d{14})")


class RenderError(Exception):
    """A picture could not be drawn; the message says why and what to do."""


class NoGraphviz(RenderError):
    """There is neither the `dot` program nor the pygraphviz wheel."""

    def __init__(self) -> None:
        super().__init__(
            "drawing needs Graphviz: `apt install graphviz`, or `pip install pygraphviz` "
            "(version 2 or newer carries Graphviz)"
        )


def render(dot_text: str, format: Format, timeout: float = 120.0) -> bytes:
    """Draw DOT text.

    Args:
        dot_text: what `specc.draw.dot` returns.
        format: "svg", "png" or "pdf".
        timeout: seconds after which a layout is given up.

    Returns:
        The contents of the file; the same for the same text and version of Graphviz.

    Raises:
        NoGraphviz: if no Graphviz is there.
        RenderError: if it fails or takes too long.
    """
    command = _command(format)
    try:
        done = subprocess.run(
            command,
            input=dot_text.encode("utf-8"),
            capture_output=True,
            timeout=timeout,
            env=os.environ | {"SOURCE_DATE_EPOCH": "0"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RenderError(
            f"Graphviz needs more than {timeout:g} seconds for this network; "
            "`--depth 1` draws its blocks as single nodes"
        ) from None
    if done.returncode != 0 or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RenderError(f"Graphviz failed: {lines[-1] if lines else 'no reason given'}")
    return _without_date(done.stdout) if format == "pdf" else done.stdout


def _command(format: Format) -> list[str]:
    finer = ["-Gdpi=160"] if format == "png" else []
    dot = shutil.which("dot")
    if dot is not None:
        return [dot, f"-T{format}", *finer]
    if find_spec("pygraphviz") is not None:
        return [sys.executable, "-c", _WHEEL, format, *finer]
    raise NoGraphviz


def _without_date(pdf: bytes) -> bytes:
    """A PDF whose date is that of no day; its length stays, so that its index stays right."""
    return _PDF_DATE.sub(rb"\g<1>19700101000000", pdf)
