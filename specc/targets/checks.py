"""What a network checks of its inputs and targets: shapes, and the range of labels.

Equal letters of a spec are equal sizes: the first tensor that has one fixes it for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc.applied import LENGTHS
from specc.check import ShapedModel
from specc.graph import Layer, Tensor
from specc.literal import literal
from specc.targets.docstrings import place
from specc.targets.layout import call
from specc.terms import Integer, Term, integer, render, solved, substitute, symbol, symbols
from specc.types import Content, TensorType
from specc.values import constant

_SLIPS = {
    "[None]": "(1, *found)",
    "[:, None]": "(*found[:1], 1, *found[1:])",
    "[None, None]": "(1, 1, *found)",
    ".transpose(0, 3, 1, 2)": "(*found[:1], *found[3:], *found[1:3])",
    "[:, 0]": "found[:1] if found[1:] == (1,) else ()",
    ".argmax(1)": "(*found[:1], *found[2:])",
}
"""How to mend what is easily forgotten, and the shape that a shape becomes by it."""


class Checks:
    """The lines that check the inputs and the targets of a network.

    Attributes:
        inputs, targets: such as `expect("image", image, ("N", 1, 28, 28), "lenet.net:3")`.
    """

    def __init__(self, shaped: ShapedModel, target: str) -> None:
        self._numpy = target == "numpy"
        self._spec = shaped.model.program.source
        self._bound: dict[str, Term] = {}
        self._batch = literal("N")
        inputs, targets = tuple(shaped.function.inputs), tuple(shaped.targets.values())
        self._inputs = inputs
        self._losses = shaped.losses
        self._uncounted = [t for t in targets if not _is_counted(t, shaped.losses)]
        self._types = [tensor.type for tensor in (*inputs, *targets)]
        self.inputs = [line for tensor in inputs for line in self._line(tensor)]
        self.targets = [line for tensor in targets for line in self._line(tensor)]

    def context(self) -> Mapping[str, object]:
        """That of the template `expect`."""
        slips = set().union(*(_slips(type_) for type_ in self._types))
        permute = "transpose" if self._numpy else "permute"
        lengths = any(type_.content is Content.LENGTHS for type_ in self._types)
        labels = any("labels=" in line for line in (*self.inputs, *self.targets))
        padding = any("expect_padding(" in line for line in (*self.inputs, *self.targets))
        ways = {way: _SLIPS[way] for way in _SLIPS if way in slips}
        if lengths and ways.pop(".argmax(1)", "") and labels:  # lengths are no largest places
            ways[".argmax(1)"] = f"{_SLIPS['.argmax(1)']} if labels else ()"
        return {
            "numpy": self._numpy,
            "lengths": lengths,
            "labels": labels,
            "padding": padding,
            "slips": {way.replace("transpose", permute): ways[way] for way in ways},
        }

    def _line(self, tensor: Tensor) -> list[str]:
        name, classes = tensor.name, tensor.type.classes
        sizes = [self._batch]
        for axis, size in enumerate(tensor.type.shape, start=1):
            known = self._size(size.size, self._found(tensor, axis))
            sizes.append(known or literal(str(size)))
        if tensor is self._inputs[0]:
            self._batch = f"len({name})"
        shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
        line = literal(place(tensor.span, self._spec))
        is_counted = classes is not None and tensor not in self._uncounted
        labels = [f"labels={classes}"] if is_counted else []
        lines = call("expect(", [literal(name), name, shape, line, *labels])
        if tensor.type.content is Content.LENGTHS:
            counted = next(t for t in self._inputs if t.type.padded == tensor.type.padded)
            found = self._found(counted, 1)
            steps = self._size(counted.type.shape[0].size, found) or found
            lines += call("expect_lengths(", [literal(name), name, steps, line])
        for padded, lengths in self._padded_by(tensor).items():
            lines += call("expect_padding(", [literal(padded), padded, lengths, line])
        return lines

    def _padded_by(self, tensor: Tensor) -> dict[str, str]:
        """Real sequences that turn out to be padded once a tensor is checked: their lengths."""
        if tensor.type.content is Content.LENGTHS:
            found = (t for t in self._inputs if t.type.padded == tensor.type.padded)
            return {t.name: tensor.name for t in found if t.type.content is Content.REAL}
        if tensor.type.content is Content.REAL and tensor not in self._inputs:
            lengths = (loss.named.get(LENGTHS) for loss in self._losses if tensor in loss.inputs)
            return next(({tensor.name: t.name} for t in lengths if t is not None), {})
        return {}

    def _found(self, tensor: Tensor, axis: int) -> str:
        """The size that an array turns out to have."""
        return f"np.shape({tensor.name})[{axis}]" if self._numpy else f"{tensor.name}.shape[{axis}]"

    def _size(self, size: Integer, found: str) -> str | None:
        """A size as code: a number, or what follows from others; `None` if it may be any."""
        known = integer(substitute(size, self._bound))
        unknown = set(symbols(size)) - self._bound.keys()
        if len(unknown) == 1:
            (name,) = unknown
            value = solved(known, name, symbol(found))
            if value is not None:
                self._bound[name] = value
                unknown, known = set(), integer(substitute(known, self._bound))
        return None if unknown or known == symbol(found) else render(known)


def _is_counted(target: Tensor, losses: Sequence[Layer]) -> bool:
    """Whether all labels have to be in range: no loss leaves some of them out."""
    readers = [loss for loss in losses if target in loss.inputs]
    return all(
        not loss.given and loss.arguments.get("ignore", constant(None)).plain is None
        for loss in readers
    )


def _slips(type_: TensorType) -> set[str]:
    """What is easily forgotten for a tensor: a batch of one, a channel, the order of axes."""
    ways = {"[None]"}
    if type_.rank and type_.shape[0].plain == 1:
        ways |= {"[:, None]", "[None, None]"}
    if type_.is_image:
        ways.add(".transpose(0, 3, 1, 2)")
    if type_.classes is not None:
        ways |= {"[:, 0]", ".argmax(1)"}
    return ways
