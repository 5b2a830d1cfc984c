"""Small nets of a few statements, and what is looked at in them."""

from __future__ import annotations

from typing import Any

from compiled import compile_text
from diagnosed import diagnosed


def net(*lines: str, inputs: str = "x: real[4]", head: str = "") -> str:
    """A net of these statements, with what stands above it."""
    body = "".join(f"  {line}\n" for line in lines)
    return f"{head}\nnet N {{\n  input {inputs}\n{body}}}\n"


def shapes(text: str, **more: Any) -> dict[str, tuple[int, ...]]:
    """The parameters of a network but for biases, with their shapes."""
    arrays = compile_text(text, **more).net.parameters()
    return {name: a.shape for name, a in arrays.items() if not name.endswith(".bias")}


def weights(text: str, **more: Any) -> list[str]:
    """The paths of the layers with weights, in order."""
    return [name.removesuffix(".weight") for name in shapes(text, **more)]


def codes(text: str) -> list[tuple[str, str]]:
    """The diagnostics of a spec: code, and the text at its place."""
    return [(d.code, d.primary.span.text) for d in diagnosed(text)]
