"""The picture of a training run: `history.csv` as SVG, a panel for losses and one for scores."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_COLOURS = ("#2563eb", "#d9480f", "#2b8a3e", "#862e9c")
_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 300, 200, 60, 62, 75


def plot_history(csv_path: Path, svg_path: Path, title: str = "") -> None:
    """Draw the columns of a run's `history.csv` over its epochs.

    Args:
        csv_path: a table with a header row and the columns `epoch`, `loss`, scores, `seconds`.
        svg_path: where to write the picture, UTF-8; an existing file is replaced.
        title: stands above the panels.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the table is empty or holds something that is not a finite number.
    """
    svg_path.write_text(history_svg(read_history(csv_path), title), encoding="utf-8")


def read_history(path: Path) -> dict[str, list[float]]:
    """Return the columns of a `history.csv` by name; without those that not every epoch has.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is empty or holds something that is not a finite number.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    try:
        pairs = zip(header, zip(*rows, strict=True), strict=True)
        columns = {name: [float(cell) for cell in cells] for name, cells in pairs if all(cells)}
    except ValueError:
        columns = {}
    numbers = (number for column in columns.values() for number in column)
    if "epoch" not in columns or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{path}: not the history of a run")
    return columns


def history_svg(columns: dict[str, list[float]], title: str = "") -> str:
    """Return the picture of a history (columns by name, `epoch` among them) as SVG text."""
    shown = [name for name in columns if name not in ("epoch", "seconds")]
    losses = [name for name in shown if name.endswith("loss")]
    groups = [group for group in (losses, [n for n in shown if n not in losses]) if group]
    colour = dict(zip(shown, _COLOURS * len(shown), strict=False))
    panels = [
        _panel(
            index * (_WIDTH + _GAP) + _LEFT,
            columns["epoch"],
            [_Line(name, columns[name], colour[name]) for name in group],
        )
        for index, group in enumerate(groups)
    ]
    width = _LEFT + len(groups) * (_WIDTH + _GAP) - 15
    height = _TOP + _HEIGHT + 52
    size = f'width="{width}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size}>',
            f'<rect {size} fill="white"/>',
            '<g font-family="sans-serif" font-size="12">',
            f'<text x="{_LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
            *panels,
            "</g>",
            "</svg>\n",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """One column in a panel."""

    name: str
    values: Sequence[float]
    colour: str


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps numbers from `low` to `high` linearly to pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{self.start + share * (self.stop - self.start):.1f}"


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers, 1, 2 or 5 times a power of ten apart, around a range."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power * count >= span)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, max(last, first + 1) + 1)]


def _panel(left: float, epochs: Sequence[float], lines: Sequence[_Line]) -> str:
    """Return axes, grid and lines of one panel."""
    values = [value for line in lines for value in line.values]
    marks = ticks(min(values), max(values))
    x = _Axis(min(epochs), max(max(epochs), min(epochs) + 1), left, left + _WIDTH)
    y = _Axis(marks[0], marks[-1], _TOP + _HEIGHT, _TOP)
    whole = [mark for mark in ticks(x.low, x.high) if x.low <= mark <= x.high and mark % 1 == 0]
    grid = [
        f'<path d="M{left} {y(mark)}h{_WIDTH}" stroke="#e5e7eb"/>'
        f'<text x="{left - 8}" y="{y(mark)}" dy="4" text-anchor="end" fill="#6b7280">'
        f"{mark:g}</text>"
        for mark in marks
    ]
    below = [
        f'<text x="{x(mark)}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle" fill="#6b7280">'
        f"{mark:g}</text>"
        for mark in whole
    ]
    label = (
        f'<text x="{left + _WIDTH / 2}" y="{_TOP + _HEIGHT + 38}" text-anchor="middle" '
        f'fill="#6b7280">epoch</text>'
    )
    legend = "   ".join(
        f'<tspan fill="{line.colour}">{escape(line.name)} {line.values[-1]:.4g}</tspan>'
        for line in lines
    )
    heading = f'<text x="{left}" y="{_TOP - 16}" xml:space="preserve">{legend}</text>'
    return "\n".join([*grid, *below, label, heading, *(_curve(x, y, epochs, i) for i in lines)])


def _curve(x: _Axis, y: _Axis, epochs: Sequence[float], line: _Line) -> str:
    """Return one line, with a dot at its end."""
    points = [f"{x(epoch)},{y(value)}" for epoch, value in zip(epochs, line.values, strict=True)]
    end_x, end_y = points[-1].split(",")
    return (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{line.colour}" '
        f'stroke-width="2" stroke-linejoin="round"/>'
        f'<circle cx="{end_x}" cy="{end_y}" r="3.5" fill="{line.colour}"/>'
    )
