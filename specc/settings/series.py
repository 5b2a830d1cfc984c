"""Data `series` and `sines`: windows of numbers in the order of time."""

from __future__ import annotations

from specc.settings.base import Use
from specc.settings.data import Data, Source
from specc.settings.fit import LONGEST, Field, can_be, need_shape, one_input_one_target
from specc.settings.paths import OPTIONAL, common_folder, file_path
from specc.settings.table import COLUMNS, column_names
from specc.signature import TEXT, Argument, real, whole

SHARE = real("a share above 0 and below 1", lambda x: 0 < x < 1)


class Series(Source):
    """Columns of a table, its rows in the order of time: windows, and what follows each.

    Gives real[window, columns], and the target's column in the next rows: real[horizon]. The last
    rows are the test part, and no window reaches from one part into the other. All numbers are
    standardised by the mean and the standard deviation that their column has in the training
    part, so that predictions and scores are in standard deviations. `read_series` in the script
    tells both numbers.
    """

    name = "series"
    arguments = (
        Argument("file", TEXT, doc="the file, a table with a header row"),
        Argument("columns", COLUMNS, doc="the input's columns"),
        Argument("target", OPTIONAL, None, "the target's column; by default the first"),
        Argument("window", whole(1, LONGEST), 64, "how many rows the net sees"),
        Argument("horizon", whole(1, LONGEST), 20, "how many rows after these it tells"),
        Argument("test", SHARE, 0.2, "the share of the rows, the last, that is the test part"),
    )

    def source(self, use: Use) -> Data:
        """The file and its columns."""
        columns = column_names(use, "columns")
        target = columns[0] if use.values["target"] is None else use.text("target")
        names = columns if target in columns else [*columns, target]
        window, horizon = int(use.number("window")), int(use.number("horizon"))
        folder, (file,) = common_folder((file_path(use, "file"),))
        context = _windows(use, window, len(columns), horizon) | {
            "file": file,
            "columns": names,
            "rows": window + horizon,
            "test": use.number("test"),
            "features": len(columns) if len(names) > len(columns) else None,
            "place": names.index(target),
        }
        return Data(self.name, "data/series.py.j2", context, folder, True, overlaps=True)


class Sines(Source):
    """A noisy sum of sines (book, chapter 7): windows of ten values, and the one after each.

    Gives real[10, 1] and real[1]. The series is sin(πx/3) + cos(πx/3) + sin(πx/1.5) +
    U(−0.05, 0.05), with x in steps of 0.01.
    """

    name = "sines"
    arguments = (
        Argument("points", whole(1, 1_000_000), 10_000, "how many windows for training"),
        Argument("test", whole(1, 1_000_000), 1_000, "how many after these for the test"),
    )

    def source(self, use: Use) -> Data:
        """The series."""
        points, test = int(use.number("points")), int(use.number("test"))
        context = _windows(use, 10, 1, 1) | {
            "points": points,
            "test": test,
            "ends": (points + 10, points + 10 + test + 10),
            "features": None,
            "place": 0,
        }
        return Data(self.name, "data/sines.py.j2", context, None, True, overlaps=True)


def _fitting(use: Use, given: Field, wanted: Field, columns: int) -> dict[str, int]:
    """The window and the horizon that the net declares, where the line has other numbers."""
    numbers: dict[str, int] = {}
    for name, shape in (("window", given.type.shape), ("horizon", wanted.type.shape)):
        is_known = bool(shape) and shape[0].is_known
        numbers[name] = shape[0].number if is_known else int(use.number(name))
    fits = can_be(given.type.shape, (numbers["window"], columns))
    fits = fits and can_be(wanted.type.shape, (numbers["horizon"],))
    fits = fits and max(numbers.values()) <= LONGEST
    return {n: number for n, number in numbers.items() if fits and number != use.number(n)}


def _windows(use: Use, window: int, columns: int, horizon: int) -> dict[str, object]:
    given, wanted = one_input_one_target(use)
    fitting = _fitting(use, given, wanted, columns) if "window" in use.values else {}
    need_shape(use, given, (window, columns), fitting)
    need_shape(use, wanted, (horizon,), fitting)
    names = {"input": given.tensor.name, "target": wanted.tensor.name}
    return {**names, "window": window, "horizon": horizon}
