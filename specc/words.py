"""Words with a meaning of their own: functions of the language, and names code cannot use."""

from __future__ import annotations

import builtins
import keyword

FUNCTIONS = ("len", "max", "min", "range", "sum")
"""The functions that expressions can call."""

_MEMBERS = {
    "array", "arrays", "astype", "backward", "buffers", "calls", "dtype", "forward", "gradients",
    "kept", "load", "loss", "named_parameters", "parameters", "predict", "reset_state", "run",
    "save", "training",
}  # fmt: skip
"""Attributes of the generated classes."""


def is_usable_label(name: str) -> bool:
    """Whether a name can be an attribute of a generated class, on every target.

    Labels are part of parameter names, so that they cannot be changed on the way.
    """
    return not (keyword.iskeyword(name) or name in _MEMBERS or name.startswith("_"))


def safe_name(name: str) -> str:
    """A name of the spec as a Python variable: `lambda` becomes `lambda_`."""
    taken = keyword.iskeyword(name) or hasattr(builtins, name) or name in ("self", "np")
    return f"{name}_" if taken else name
