"""Windows that slide over an image: what convolution and pooling have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from specc.ops.base import Site
from specc.ops.rules import declaring
from specc.values import Value, constant

ZERO, ONE = constant(0), constant(1)


@dataclass(frozen=True)
class Axis:
    """A window that slides along one axis of an image; everything is counted in pixels.

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
        """Whether the size of the image is a number."""
        return isinstance(self.size.plain, int)

    @property
    def unread(self) -> int:
        """How many rows or columns of the image the last window leaves unread.

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


Axes = tuple[Axis, Axis]
Measure = Callable[[Site], Axes]


def both(value: Value) -> tuple[Value, Value]:
    """Height and width of an argument that is one number for both, or a list of two."""
    if isinstance(value.plain, tuple):
        return value.plain[0], value.plain[1]
    return value, value


def slide(site: Site, measure: Measure, largest_pad: int | None = None) -> tuple[Value, Value]:
    """Height and width of the result, where the window fits into the image.

    `measure` says how a site's window slides; a padding up to `largest_pad`, else up to the
    window itself, may be proposed.
    Fails (E0301) where the window is larger than the image, warns (W0301) where the stride
    leaves rows or columns unread.
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
    return axes[0].output, axes[1].output


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
    height, width = axes
    padded = [axis.size + axis.before + axis.after for axis in axes]
    after = f" {_by(*padded)} with its padding," if padded != [height.size, width.size] else ""
    short = next(axis for axis in axes if axis.is_known and axis.output.number < 1)
    turned = _channels_first(site)
    raise site.fail(
        "E0301",
        f"`{site.op.name}` gets a {_by(height.size, width.size)} image,{after}"
        f" smaller than its {_window(axes)}",
        f"needs {_needed(axes)}",
        note=_of(short, axes) + short.arithmetic,
        help=turned or help,
    )


def _channels_first(site: Site) -> str:
    """The declaration of an image whose channels stand last, if that is what is wrong."""
    height, width, channels = site.input.shape
    if channels.plain not in (1, 3) or not height.is_known or height.number <= 3:
        return ""
    help = declaring(site, (channels, height, width))
    return f"images are [channels, height, width]: {help}" if help else ""


def _warn_unread(site: Site, axes: Axes, help: str) -> None:
    short = next(axis for axis in axes if axis.unread)
    image = _by(axes[0].size, axes[1].size)
    remainder = short.room.number % short.stride.number
    site.warn(
        site.diagnostic(
            "W0301",
            f"`{site.op.name}` never reads {_unread(axes)} of its {image} image",
            f"a stride of {short.stride} leaves a remainder",
            note=f"{_of(short, axes)}{short.arithmetic}, remainder {remainder}",
            help=help,
        )
    )


def _by(height: Value, width: Value) -> str:
    """`4x4`; free sizes in parentheses where they are sums."""
    texts = (str(height), str(width))
    return "x".join(f"({text})" if " " in text else text for text in texts)


def _window(axes: Axes) -> str:
    height, width = axes
    kernel = f"{_by(height.kernel, width.kernel)} kernel"
    if (height.extent, width.extent) == (height.kernel, width.kernel):
        return kernel
    return f"{kernel}, which spans {_by(height.extent, width.extent)}"


def _of(axis: Axis, axes: Axes) -> str:
    """Which axis the arithmetic is of, where that makes a difference."""
    height, width = axes
    return "" if height.arithmetic == width.arithmetic else f"{axis.name}: "


def _needed(axes: Axes) -> str:
    height, width = (axis.extent - (axis.before + axis.after) for axis in axes)
    if height == width:
        return f"height and width of at least {height}"
    return f"a height of at least {height} and a width of at least {width}"


def _unread(axes: Axes) -> str:
    """`the last row and column`, `the last 2 columns`."""
    rows, columns = axes[0].unread, axes[1].unread
    if rows == columns:
        return "the last row and column" if rows == 1 else f"the last {rows} rows and columns"
    counted = [(rows, "row"), (columns, "column")]
    words = [f"the last {what}" if n == 1 else f"the last {n} {what}s" for n, what in counted if n]
    return " and ".join(words)
