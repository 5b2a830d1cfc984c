"""Laying out Python source as `ruff format` does, so that generated files are born formatted."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100


def call(prefix: str, arguments: Sequence[str], suffix: str = ")", indent: int = 8) -> list[str]:
    """The lines of `prefix(arguments)suffix`; broken as ruff breaks them if it is too long.

    `prefix` ends with the opening bracket and `suffix` begins with the closing one. Lines come
    without the indentation that the first one stands at.
    """
    whole = f"{prefix}{', '.join(arguments)}{suffix}"
    if indent + len(whole) <= WIDTH or not arguments:
        return [whole]
    inside = ", ".join(arguments)
    if indent + 4 + len(inside) <= WIDTH:
        return [prefix, f"    {inside}", suffix]
    return [prefix, *(f"    {argument}," for argument in arguments), suffix]


def commented(lines: list[str], comment: str, indent: int = 8) -> list[str]:
    """The lines with a comment behind the last one; sizes that make it too long become `…`."""
    for candidate in (comment, _shortened(comment)):
        last = f"{lines[-1]}  # {candidate}"
        if candidate and indent + len(last) <= WIDTH:
            return [*lines[:-1], last]
    return lines


def _shortened(comment: str) -> str:
    return ", ".join("…" if " " in size else size for size in comment.strip("[]").split(", ")).join(
        "[]"
    )


def indented(lines: Sequence[str], by: int = 4) -> list[str]:
    """The lines one level deeper."""
    return [" " * by + line if line else line for line in lines]
