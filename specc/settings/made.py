"""Data `separable` and `xor`: the documents' made-up sets."""

from __future__ import annotations

from specc.settings.base import Use
from specc.settings.data import Data, Source
from specc.settings.fit import need_label, need_shape, one_input_one_target
from specc.signature import Argument, whole
from specc.types import Content


class Separable(Source):
    """Points in space on two sides of a plane (book, chapter 1), and others for the test.

    Gives real[3], and label of 2 or real[1]: 1 above the plane, 0 below.
    """

    name = "separable"
    arguments = (Argument("points", whole(1, 1_000_000), 60, "how many a side"),)

    def source(self, use: Use) -> Data:
        """The points."""
        context = _context(use, 3) | {"points": use.values["points"]}
        return Data(self.name, "data/separable.py.j2", context, None, True)


class Xor(Source):
    """The four cases of exclusive or.

    Gives real[2], and label of 2 or real[1]: 1 where the two differ, else 0.
    """

    name = "xor"

    def source(self, use: Use) -> Data:
        """The four cases."""
        return Data(self.name, "data/xor.py.j2", _context(use, 2), None, False)


def _context(use: Use, features: int) -> dict[str, object]:
    given, wanted = one_input_one_target(use)
    need_shape(use, given, (features,))
    is_label = wanted.type.content is not Content.REAL
    if is_label:
        need_label(use, wanted, 2)
    else:
        need_shape(use, wanted, (1,))
    return {"input": given.tensor.name, "target": wanted.tensor.name, "label": is_label}
