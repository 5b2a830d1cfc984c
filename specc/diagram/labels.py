"""What is written in pictures and tables: layers, blocks, shapes and counts, numbers as ranges.

Several things that look alike are drawn once; where their numbers differ, both ends are given:
`conv 3×3, 64…256`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from specc import syntax
from specc.check import ShapedModel
from specc.checking.elaborator import Elaborator
from specc.diagnostics import Diagnostics
from specc.evaluate import Environment, EvaluationError, evaluate
from specc.graph import Function, Layer
from specc.model import Model
from specc.signature import Argument
from specc.types import Content, TensorType
from specc.values import Value, show

LONGEST = 60
"""No text from a spec is longer than this in a picture."""


def clip(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning where it is too long to draw."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def numbers(values: Iterable[int], form: str = "{}") -> str:
    """Whole numbers as one text: `64`, or both ends, `64…256`; falling only where they fall."""
    given = list(values)
    ends = sorted(set(given), reverse=given[0] > given[-1])
    shown = [form.format(number) for number in (ends[0], ends[-1])]
    return "…".join(dict.fromkeys(shown))


def spread(values: Sequence[Value]) -> str:
    """Values of things that are drawn as one."""
    different = list(dict.fromkeys(values))
    if len(different) == 1:
        return show(different[0])
    plain = [value.plain for value in different]
    if all(isinstance(p, int) and not isinstance(p, bool) for p in plain):
        return numbers(value.number for value in values)
    lists = [p for p in plain if isinstance(p, tuple)]
    if len(lists) == len(plain) and len({len(items) for items in lists}) == 1:
        return f"[{', '.join(spread(column) for column in zip(*lists, strict=True))}]"
    return f"{show(different[0])}…{show(different[-1])}"


def shape_text(types: Sequence[TensorType]) -> str:
    """Types as the language writes them: `[6, 28, 28]`, `label of 10`; `[64…96, 7, 7]`."""
    first = types[0]
    if first.content is not Content.REAL or len({t.rank for t in types}) > 1:
        return clip(str(first))
    axes = zip(*(t.shape for t in types), strict=True)
    return clip(f"[{', '.join(spread(axis) for axis in axes)}]")


def parameters_text(counts: Sequence[int]) -> str:
    """`156 parameters`, or nothing where there are none."""
    if not any(counts):
        return ""
    return f"{numbers(counts, '{:,}')} parameter{'' if set(counts) == {1} else 's'}"


def times_text(counts: Sequence[int]) -> str:
    """`×12`, or nothing for a single one."""
    return "" if set(counts) == {1} else f"×{numbers(counts)}"


# ---------------------------------------------------------------- layers


def attributes_text(layers: Sequence[Layer]) -> str:
    """The arguments of layers that are drawn as one: `5×5, 6, pad 2`; defaults are left out."""
    arguments = layers[0].op.arguments
    ordered = sorted(arguments, key=lambda argument: argument.name != "kernel")
    texts = (_argument(argument, layers) for argument in ordered)
    return clip(", ".join(text for text in texts if text))


def layer_text(layers: Sequence[Layer]) -> str:
    """`conv 5×5, 6, pad 2`."""
    return f"{layers[0].op.name} {attributes_text(layers)}".rstrip()


def _argument(argument: Argument, layers: Sequence[Layer]) -> str:
    values = [x.arguments[argument.name] for x in layers if argument.name in x.arguments]
    if not values or (
        not argument.is_required and all(v.plain == argument.default for v in values)
    ):
        return ""
    if argument.name == "kernel" and layers[0].input.is_image:
        return _window(values)
    if argument.is_required:
        return spread(values)
    if argument.name == "layers":
        return f"{spread(values)} layers"
    if argument.kind.choices:
        return f"{argument.name} {values[0].plain}"
    if isinstance(values[0].plain, bool):
        return _flag(argument.name, values[0])
    return f"{argument.name} {spread(values)}"


def _flag(name: str, value: Value) -> str:
    return name if value.plain else f"no {name}"


def _window(values: Sequence[Value]) -> str:
    """`5×5`, from a number or `[height, width]`."""
    sides = [v.plain if isinstance(v.plain, tuple) else (v, v) for v in values]
    return "×".join(spread(side) for side in zip(*sides, strict=True))


# ---------------------------------------------------------------- blocks


class Blocks:
    """The blocks of a program, and how their calls are written."""

    def __init__(self, model: Model) -> None:
        self._elaborator = Elaborator(model, Diagnostics())
        blocks = (b for names in model.files.values() for b in names.blocks.values())
        self._blocks = {block.span: block for block in blocks}

    def call_text(self, functions: Sequence[Function]) -> str:
        """`residual(64, stride=2)`, for calls that are drawn as one; defaults are left out."""
        block = self._blocks[functions[0].span]
        return self._text(block.name, block.parameters, [f.symbols for f in functions])

    def net_text(self, shaped: ShapedModel) -> str:
        """`ResNet(bottleneck=true)`, of a net."""
        return self._text(shaped.net.name, shaped.net.parameters, [shaped.parameters])

    def _text(
        self,
        name: str,
        parameters: Sequence[syntax.Parameter],
        given: Sequence[Mapping[str, Value]],
    ) -> str:
        shown = []
        for parameter in parameters:
            values = [symbols[parameter.name] for symbols in given]
            if parameter.default is None and isinstance(values[0].plain, bool):
                shown.append(_flag(parameter.name, values[0]))
            elif parameter.default is None:
                shown.append(spread(values))
            elif any(self._default(parameter, s) != s[parameter.name] for s in given):
                shown.append(f"{parameter.name}={spread(values)}")
        arguments = f"({', '.join(shown)})" if shown else ""
        return clip(f"{name}{arguments}")

    def _default(self, parameter: syntax.Parameter, symbols: Mapping[str, Value]) -> Value | None:
        """The default of a parameter for this call; `None` if it has none that can be computed."""
        assert parameter.default is not None

        def lookup(name: syntax.Name) -> Value:
            return symbols.get(name.id) or self._elaborator.file_value(name)

        def incoming(node: syntax.Incoming) -> Value:
            raise AssertionError("a default cannot use `in`")

        try:
            return evaluate(parameter.default, Environment(lookup, incoming))
        except EvaluationError:
            return None
