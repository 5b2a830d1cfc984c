"""Data `npz`: arrays that have the names of the net's inputs and targets."""

from __future__ import annotations

from specc.evaluate import EvaluationError
from specc.settings.base import Use
from specc.settings.data import Data, Source
from specc.settings.fit import Field, fields, is_free, lengths_of, number_of_classes
from specc.settings.paths import OPTIONAL, common_folder, file_path
from specc.signature import LARGEST, TEXT, Argument
from specc.types import Content
from specc.values import Value


class Npz(Source):
    """An .npz file of NumPy with an array for every input and target, by name.

    Real numbers are taken as they are; labels and tokens have to be whole and in range. Of a
    `padded` input `words` there is also an array `words_lengths`, which no other may have.
    """

    name = "npz"
    gives_lengths = True
    arguments = (
        Argument("file", TEXT, doc="the file of training examples"),
        Argument("test", OPTIONAL, None, "the file of test examples"),
    )

    def source(self, use: Use) -> Data:
        """The files, and what their arrays have to be."""
        needed: list[dict[str, object]] = []
        padded: dict[str, str] = {}
        for field in fields(use):
            needed.append(_field(use, field))
            lengths = lengths_of(use, field) if field.what == "input" else None
            if lengths is not None:
                needed.append({"name": lengths, "shape": [], "classes": LARGEST})
                padded[lengths] = field.name
        names = ("file",) if use.values["test"] is None else ("file", "test")
        folder, files = common_folder(tuple(file_path(use, name) for name in names))
        context = {
            "files": files,
            "fields": tuple(needed),
            "padded": padded,
            "unpadded": any(map(_could_be_padded, fields(use))),
        }
        return Data(self.name, "data/npz.py.j2", context, folder, len(files) > 1)


def _could_be_padded(field: Field) -> bool:
    """Whether it is a sequence of which all steps count."""
    rank = 2 if field.type.content is Content.REAL else 1
    return field.what == "input" and not field.type.padded and len(field.type.shape) == rank


def _field(use: Use, field: Field) -> dict[str, object]:
    if field.tensor.name != field.name:
        raise use.fail(
            "E0522",
            f"`npz` cannot have an array `{field.name}`: code needs that word",
            "finds arrays by name",
            cause=field.label,
            help=f"call the {field.what} something else, such as `{field.name}_data`",
        )
    shape = [_size(use, field, size) for size in field.type.shape]
    is_real = field.type.content is Content.REAL
    classes = None if is_real else number_of_classes(use, field)
    return {"name": field.name, "shape": shape, "classes": classes}


def _size(use: Use, field: Field, size: Value) -> int | str:
    if size.is_known:
        return size.number
    if is_free(size):
        return str(size)
    raise _computed_size(use, field, size)


def _computed_size(use: Use, field: Field, size: Value) -> EvaluationError:
    return use.fail(
        "E0517",
        f"`npz` needs sizes that are numbers or single letters, `{field.name}` has `{size}`",
        "cannot check that",
        cause=field.label,
    )
