"""All layers, joins and losses by name: found, not listed."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import specc.ops
from specc.ops.base import LossOp, Op


@cache
def ops() -> Mapping[str, Op]:
    """Every op of this package by its name, in alphabetical order."""
    found: dict[str, Op] = {}
    for module_info in pkgutil.iter_modules(specc.ops.__path__):
        module = import_module(f"specc.ops.{module_info.name}")
        for value in vars(module).values():
            if _is_op(value) and value.__module__ == module.__name__:
                found[value.name] = value()
    return dict(sorted(found.items()))


def _is_op(value: object) -> bool:
    """Whether a class has a name in the language; one that lacks a method then fails by its own."""
    return inspect.isclass(value) and issubclass(value, Op) and hasattr(value, "name")


@cache
def layers() -> Mapping[str, Op]:
    """The ops that may stand in a flow."""
    return {name: op for name, op in ops().items() if not isinstance(op, LossOp)}


@cache
def losses() -> Mapping[str, LossOp]:
    """The ops that may follow `loss`."""
    return {name: op for name, op in ops().items() if isinstance(op, LossOp)}
