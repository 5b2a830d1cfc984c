"""Data `csv`: a table of numbers with a header row."""

from __future__ import annotations

from specc.evaluate import EvaluationError
from specc.settings.base import Use
from specc.settings.data import Data, Source
from specc.settings.fit import (
    Field,
    content_misfit,
    known_sizes,
    need_label,
    need_real,
    one_input_one_target,
)
from specc.settings.paths import OPTIONAL, common_folder, file_path
from specc.signature import TEXT, Argument, Kind
from specc.types import Content
from specc.values import Value


def _is_columns(value: Value) -> bool:
    items = value.plain if isinstance(value.plain, tuple) else (value,)
    return bool(items) and all(isinstance(item.plain, str) and item.plain for item in items)


COLUMNS = Kind("the name of a column, or several in a list", _is_columns)


class Csv(Source):
    """A table: the target's columns by their names, all others are the input's, in order."""

    name = "csv"
    arguments = (
        Argument("file", TEXT, doc="the file of training examples"),
        Argument("target", COLUMNS, doc="the target's columns"),
        Argument("test", OPTIONAL, None, "the file of test examples"),
    )

    def source(self, use: Use) -> Data:
        """The files and their columns."""
        given, wanted = one_input_one_target(use)
        need_real(use, given, "columns of numbers")
        features = _length(use, given)
        columns = column_names(use, "target")
        classes = _classes(use, wanted, len(columns))
        names = ("file",) if use.values["test"] is None else ("file", "test")
        folder, files = common_folder(tuple(file_path(use, name) for name in names))
        context = {
            "files": files,
            "columns": columns,
            "input": given.tensor.name,
            "features": features,
            "target": wanted.tensor.name,
            "classes": classes,
        }
        return Data(self.name, "data/csv.py.j2", context, folder, len(files) > 1)


def _length(use: Use, field: Field) -> int:
    """The number of a field's columns; raises E0514 where it is no row of numbers."""
    sizes = known_sizes(use, field)
    if len(sizes) != 1:
        raise use.fail(
            "E0514",
            f"`csv` gives a row of numbers, {field.sentence}",
            "one axis",
            cause=field.label,
        )
    return sizes[0]


def column_names(use: Use, argument: str) -> list[str]:
    """The columns that an argument names; raises E0518 where it names one twice."""
    given = use.values[argument]
    columns = [str(c) for c in given] if isinstance(given, tuple) else [str(given)]
    for column in columns:
        if columns.count(column) > 1:
            message = f"`{use.choice}` gets the column `{column}` twice"
            raise use.fail("E0518", message, "each once", at=argument)
    return columns


def _classes(use: Use, field: Field, columns: int) -> int | None:
    """The number of labels, `None` for a real target; E0518 unless the columns are as many."""
    if field.type.content is Content.TOKEN:
        raise content_misfit(use, field, "numbers or labels")
    is_label = field.type.content is Content.LABEL
    classes = need_label(use, field, None) if is_label else None
    needed = 1 if is_label else _length(use, field)
    if columns != needed:
        raise _column_count(use, field, columns, needed)
    return classes


def _column_count(use: Use, field: Field, columns: int, needed: int) -> EvaluationError:
    plural = "s" * (columns != 1)
    return use.fail(
        "E0518",
        f"`csv` gets {columns} target column{plural}, `{field.name}` needs {needed}",
        f"{columns} column{plural}",
        at="target",
        cause=field.label,
    )
