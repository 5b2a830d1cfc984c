"""Values of a spec as Python source text: the only way in which they enter a generated file."""

from __future__ import annotations

import math


def literal_free(text: str) -> str:
    """The text as it may stand in a docstring: one line, and nothing that can end the string."""
    return literal(text)[1:-1].replace('"', "'").replace("\\", "/")


def literal(value: object) -> str:
    """Return the Python literal of a number, text, truth value, `None`, list or tuple of them.

    Text is quoted as `ruff format` quotes it. It goes through `repr`, so quotes, newlines and
    control characters cannot end the literal.

    Raises:
        TypeError: if the value is of another type.
        ValueError: if it is not a finite number.
    """
    if isinstance(value, str):
        text = repr(value)
        plain = text[0] == "'" and '"' not in text
        return f'"{text[1:-1]}"' if plain else text
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return f"({', '.join(map(literal, value))}{comma})"
    raise TypeError(f"{type(value).__name__} has no literal")
