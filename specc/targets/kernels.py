"""The classes and functions of layers that a file needs: those of its templates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from specc.rendering import has_template, render_some
from specc.targets.layout import fit


@dataclass
class Kernels:
    """What a file needs of each op's template, and of those with helpers of several ops.

    `stacked` are the classes that are called several times a step; `is_explicit` says whether
    layers have backward passes; `features` are what the layers ask of each op's template.
    """

    target: str
    helpers: tuple[str, ...]
    is_explicit: bool
    features: dict[str, set[str]] = field(default_factory=dict)
    by_op: dict[str, set[str]] = field(default_factory=dict)
    stacked: set[str] = field(default_factory=set)

    def add(
        self, op: str, kernel: str, is_stacked: bool = False, features: Iterable[str] = ()
    ) -> None:
        """Note a class or function of an op."""
        self.by_op.setdefault(op, set()).add(kernel)
        self.features.setdefault(op, set()).update(features)
        if is_stacked:
            self.stacked.add(kernel)

    @property
    def every(self) -> frozenset[str]:
        """All classes and functions."""
        return frozenset(kernel for kernels in self.by_op.values() for kernel in kernels)

    def rendered(self) -> list[str]:
        """Their source, in alphabetical order of the ops; helpers first."""
        context = {
            "numpy": self.target == "numpy",
            "explicit": self.is_explicit,
            "kernels": self.every,
            "stacked": frozenset(self.stacked),
        }
        names = [name for name in sorted(self.by_op) if has_template(self.target, name)]
        asked = {name: frozenset(self.features[name]) for name in names}
        asked |= dict.fromkeys(self.helpers, frozenset().union(*asked.values()))
        texts = [
            fit(render_some(self.target, name, {**context, "features": asked[name]}))
            for name in (*self.helpers, *names)
        ]
        return [text for text in texts if text]
