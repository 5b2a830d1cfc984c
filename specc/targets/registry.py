"""All targets by name: found, not listed."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

import specc.targets
from specc.targets.base import Target


@cache
def targets() -> Mapping[str, Target]:
    """Every target by its name, in alphabetical order."""
    packages = (info.name for info in pkgutil.iter_modules(specc.targets.__path__) if info.ispkg)
    declared = (import_module(f"specc.targets.{name}").TARGET for name in packages)
    return {target.name: target for target in sorted(declared, key=lambda target: target.name)}
