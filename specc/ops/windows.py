"""Windows that slide over an image or a sequence: what convolution and pooling share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from specc.ops.rules import declaring
from specc.ops.site import Site
from specc.values import Value, constant

ZERO, ONE = constant(0), constant(1)


@dataclass(frozen=True)
class Axis:
    """A window that slides along one axis; everything is counted in pixels, or steps of time.

    `before` and `after` are the padding at the two ends. Output size of Dumoulin and Visin 2016
    (also *notes*): floor((size + before + after - extent) / stride) + 1.
    """

    name: str
    size: Value
    kernel: Value
    stride: Value = ONE
    before: Value = ZERO
    after: Value = ZERO
    dilation: Value = ONE

    @cached_property
    def extent(self) -> Value:
        """How many pixels the window spans, gaps included."""
        return self.dilation * (self.kernel - 1) + 1

    @cached_property
    def room(self) -> Value:
        """How far the window can move."""
        return self.size + (self.before + self.after) - self.extent

    @cached_property
    def output(self) -> Value:
        """How many places the window takes."""
        return self.room // self.stride + 1

    @property
    def is_known(self) -> bool:
        """Whether the size along the axis is a number."""
        return isinstance(self.size.plain, int)

    @property
    def unread(self) -> int:
        """How many rows, columns or steps the last window leaves unread.

        Those between windows that lie apart are meant to be skipped and do not count.
        """
        if not self.is_known or self.stride.number > self.extent.number:
            return 0
        return max(0, self.room.number % self.stride.number - self.after.number)

    @property
    def arithmetic(self) -> str:
        """The output size as a sum: `(4 + 2*0 - 5) // 1 + 1 = 0`."""
        padding = f"2*{self.before}"
        if self.before != self.after:
            padding = f"{self.before} + {self.after}"
        extent = str(self.kernel)
        if self.dilation.number != 1:
            extent = f"({self.dilation}*({self.kernel} - 1) + 1)"
        return f"({self.size} + {padding} - {extent}) // {self.stride} + 1 = {self.output}"


Axes = tuple[Axis, ...]
"""Height and width of an image, or the length of a sequence."""
Measure = Callable[[Site], Axes]


def both(value: Value) -> tuple[Value, Value]:
    """Height and width of an argument that is one number for both, or a list of two."""
    if isinstance(value.plain, tuple):
        return value.plain[0], value.plain[1]
    return value, value


def slide(site: Site, measure: Measure, largest_pad: int | None = None) -> tuple[Value, ...]:
    """Height and width (or the length) of the result, where the window fits into the input.

    `measure` says how a site's window slides; a padding up to `largest_pad`, else up to the
    window itself, may be proposed.
    Fails (E0301) where the window is larger than the input, warns (W0301) where the stride
    leaves rows, columns or steps unread.
    """
    axes = measure(site)
    is_too_large = any(axis.is_known and axis.output.number < 1 for axis in axes)
    if is_too_large or any(axis.unread for axis in axes):
        largest = (
            largest_pad if largest_pad is not None else max(axis.extent.number for axis in axes)
        )
        help = _padded(site, lambda s: not any(a.unread for a in measure(s)), largest)
        if is_too_large:
            _fail_too_large(site, axes, help or _padded(site, lambda _: True, largest))
        _warn_unread(site, axes, help)
    return tuple(axis.output for axis in axes)


def _padded(site: Site, wanted: Callable[[Site], bool], largest: int) -> str:
    """The smallest larger padding with which the layer works as wanted, and the result."""
    present = max(item.number for item in both(site["pad"])) if site["pad"].plain != "same" else 0
    for pad in range(present + 1, min(largest, present + 64) + 1):
        result = site.try_with(pad=pad)
        changed = replace(site, arguments={**site.arguments, "pad": constant(pad)})
        if result is not None and wanted(changed):
            return f"with `pad={pad}` the result is {result}"
    return ""


def _fail_too_large(site: Site, axes: Axes, help: str) -> None:
    sizes = [axis.size for axis in axes]
    padded = [axis.size + axis.before + axis.after for axis in axes]
    after = f" {_by(padded)} with its padding," if padded != sizes else ""
    short = next(axis for axis in axes if axis.is_known and axis.output.number < 1)
    raise site.fail(
        "E0301",
        f"`{site.op.name}` gets a {_what(axes)},{after} smaller than its {_window(axes)}",
        f"needs {_needed(axes)}",
        note=_of(short, axes) + short.arithmetic,
        help=_turned(site, axes) or help,
    )


def _turned(site: Site, axes: Axes) -> str:
    """The declaration of an input whose last axis should stand first, if that is what is wrong."""
    *others, last = axes
    if last.size.plain not in (1, 3) or any(a.is_known and a.size.number <= 3 for a in others):
        return ""
    *front, back = site.input.shape
    help = declaring(site, (back, *front))
    order = "images are [channels, height, width]" if others else "sequences are [length, features]"
    return f"{order}: {help}" if help else ""


def _warn_unread(site: Site, axes: Axes, help: str) -> None:
    short = next(axis for axis in axes if axis.unread)
    remainder = short.room.number % short.stride.number
    site.warn(
        site.diagnostic(
            "W0301",
            f"`{site.op.name}` never reads {_unread(axes)} of its {_what(axes)}",
            f"a stride of {short.stride} leaves a remainder",
            note=f"{_of(short, axes)}{short.arithmetic}, remainder {remainder}",
            help=help,
        )
    )


def _by(sizes: Sequence[Value]) -> str:
    """`4x4`; free sizes in parentheses where they are sums."""
    texts = [str(size) for size in sizes]
    return "x".join(f"({text})" if " " in text else text for text in texts)


def _what(axes: Axes) -> str:
    """`4x4 image`, `sequence of 4 steps`."""
    sizes = [axis.size for axis in axes]
    return f"{_by(sizes)} image" if len(axes) == 2 else f"sequence of {_steps(sizes[0])}"


def _steps(count: Value) -> str:
    return f"{_by([count])} step{'' if count.plain == 1 else 's'}"


def _window(axes: Axes) -> str:
    kernels, extents = [axis.kernel for axis in axes], [axis.extent for axis in axes]
    kernel = f"{_by(kernels)} kernel" if len(axes) == 2 else f"kernel of {_steps(kernels[0])}"
    return kernel if extents == kernels else f"{kernel}, which spans {_by(extents)}"


def _of(axis: Axis, axes: Axes) -> str:
    """Which axis the arithmetic is of, where that makes a difference."""
    return f"{axis.name}: " if any(a.arithmetic != axis.arithmetic for a in axes) else ""


def _needed(axes: Axes) -> str:
    needed = [axis.extent - (axis.before + axis.after) for axis in axes]
    if len(axes) == 1:
        return f"at least {_steps(needed[0])}"
    height, width = needed
    if height == width:
        return f"height and width of at least {height}"
    return f"a height of at least {height} and a width of at least {width}"


def _unread(axes: Axes) -> str:
    """`the last row and column`, `the last 2 columns`, `the last step`."""
    counts = [axis.unread for axis in axes]
    if len(axes) == 2 and counts[0] == counts[1]:
        return (
            "the last row and column"
            if counts[0] == 1
            else f"the last {counts[0]} rows and columns"
        )
    names = ("row", "column") if len(axes) == 2 else ("step",)
    counted = [(n, name) for n, name in zip(counts, names, strict=True) if n]
    words = [f"the last {name}" if n == 1 else f"the last {n} {name}s" for n, name in counted]
    return " and ".join(words)
