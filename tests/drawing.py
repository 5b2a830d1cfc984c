"""Networks to draw, and what is read off a diagram's text."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.pipeline import analyse, load
from specc.source import Source

ROOT = Path(__file__).parent.parent
needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None and find_spec("pygraphviz") is None, reason="no Graphviz"
)

RESIDUAL = """
block residual(channels, stride = 1) {
  add {
    path { conv(channels, 3, stride=stride, pad=1) -> relu -> conv(channels, 3, pad=1) }
    path { if stride != 1 or in.channels != channels { conv(channels, 1, stride=stride) } }
  }
  relu
}
"""


def shaped(text: str) -> ShapedModel:
    (net,) = analyse(Source("test.net", text), Diagnostics()).values()
    return net


def net(body: str, shape: str = "3, 8, 8", blocks: str = "") -> ShapedModel:
    return shaped(f"{blocks}\nnet Test {{\n  input x: real[{shape}]\n{body}\n}}\n")


def lenet() -> ShapedModel:
    (model,) = analyse(load(ROOT / "specs" / "lenet.net"), Diagnostics()).values()
    return model


def nodes(text: str) -> dict[str, str]:
    """The attributes of every node, by its name."""
    found = re.findall(r'^\s*("?)([^"\s]+)\1 \[(.*)\]$', text, re.MULTILINE)
    kinds = ("graph", "node", "edge")
    return {name: attributes for _, name, attributes in found if name not in kinds}


def edges(text: str) -> dict[tuple[str, str], str]:
    """The attributes of every edge that is seen, by its ends."""
    found = re.findall(r"^\s*(\S+) -> (\S+)(?: \[(.*)\])?$", text, re.MULTILINE)
    return {
        (tail.strip('"'), head.strip('"')): attributes
        for tail, head, attributes in found
        if "invis" not in attributes
    }


def clusters(text: str) -> list[str]:
    return re.findall(r'subgraph "?cluster_([^"\s]+)"? \{', text)


def levels(text: str) -> set[tuple[str, str]]:
    """The edges that nobody sees: who stands at the left of whom."""
    found = re.findall(r"^\s*(\S+) -> (\S+) \[style=invis weight=1\]$", text, re.MULTILINE)
    return {(left.strip('"'), right.strip('"')) for left, right in found}
