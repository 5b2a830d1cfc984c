"""The classes and functions of layers that a file needs: those of its templates."""

from __future__ import annotations

from dataclasses import dataclass, field

from specc.rendering import has_template, render_some


@dataclass
class Kernels:
    """What a file needs of each op's template, and of those with helpers of several ops.

    `stacked` are the classes that are called several times a step; `is_explicit` says whether
    layers have backward passes.
    """

    target: str
    helpers: tuple[str, ...]
    is_explicit: bool
    by_op: dict[str, set[str]] = field(default_factory=dict)
    stacked: set[str] = field(default_factory=set)

    def add(self, op: str, kernel: str, is_stacked: bool = False) -> None:
        """Note a class or function of an op."""
        self.by_op.setdefault(op, set()).add(kernel)
        if is_stacked:
            self.stacked.add(kernel)

    def rendered(self) -> list[str]:
        """Their source, in alphabetical order of the ops; helpers first."""
        every = frozenset(kernel for kernels in self.by_op.values() for kernel in kernels)
        stacked = frozenset(self.stacked)
        context = {"kernels": every, "stacked": stacked, "explicit": self.is_explicit}
        names = [name for name in sorted(self.by_op) if has_template(self.target, name)]
        texts = [render_some(self.target, name, context) for name in (*self.helpers, *names)]
        return [text for text in texts if text]
