"""Where the parts of each class stand in the spec, as a table in the file."""

from __future__ import annotations

from collections.abc import Iterable

from specc.classes import ClassPlan
from specc.literal import literal
from specc.source import Source
from specc.targets.docstrings import place
from specc.targets.layout import WIDTH, broken


def lines_table(plans: Iterable[tuple[ClassPlan, set[str]]], spec: Source) -> list[str]:
    """`LINES = {"LeNet": {"lenet.net:6": "conv1 maxpool1"}}`, by class and line.

    Args:
        plans: the classes, each with the names of its attributes that are parts.
        spec: the main file; places are told as seen from its folder.
    """
    entries = []
    for plan, parts in plans:
        places: dict[str, list[str]] = {}
        for node in plan.function.instances():
            if node.name in parts:
                places.setdefault(place(node.span, spec), []).append(node.name)
        inner = ", ".join(f"{literal(k)}: {literal(' '.join(v))}" for k, v in places.items())
        if inner:
            entries.append(f"{literal(plan.name)}: {{{inner}}}")
    return broken(f"LINES = {{{', '.join(entries)}}}", WIDTH)
