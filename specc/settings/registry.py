"""All settings and their choices by name: found, not listed."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import specc.settings
from specc.settings.base import OpenChoice, Setting


@cache
def settings() -> Mapping[str, Setting[Any]]:
    """Every setting by its name, in alphabetical order."""
    found = {kind.name: kind() for kind in _classes(Setting)}
    return dict(sorted(found.items()))


@cache
def choices(setting: str) -> Mapping[str, OpenChoice[Any]]:
    """The words that a setting may be, in alphabetical order."""
    found = {kind.name: kind() for kind in _classes(OpenChoice) if kind.setting == setting}
    return dict(sorted(found.items()))


def _classes(base: type[Any]) -> Iterator[type[Any]]:
    for module_info in pkgutil.iter_modules(specc.settings.__path__):
        module = import_module(f"specc.settings.{module_info.name}")
        for value in vars(module).values():
            is_ours = inspect.isclass(value) and value.__module__ == module.__name__
            if is_ours and issubclass(value, base) and "name" in vars(value):
                yield value
