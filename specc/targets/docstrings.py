"""The docstrings of classes and passes: where each comes from in the spec, and shapes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import PurePath

from specc.check import ShapedModel
from specc.classes import ClassPlan
from specc.graph import count_parameters
from specc.literal import literal_free
from specc.source import Source, Span
from specc.targets.layout import WIDTH
from specc.types import TensorType


def net_doc(shaped: ShapedModel) -> list[str]:
    """The network's name in the spec, its place and how much it learns."""
    net, source = shaped.net, shaped.model.program.source
    count = count_parameters(shaped.function)
    where = place(net.name_span, source)
    whole = f"The network `{net.name}` ({where}): {count:,} parameters."
    if len(whole) + 10 <= WIDTH:
        return [whole]
    return [f"The network `{net.name}`.", f"From {where}; {count:,} parameters."]


def forward_doc(shaped: ShapedModel, mode: str = "") -> list[str]:
    """What the network makes of what, and in which `mode`."""
    takes = ", ".join(f"{t.name} {public(t.type)}" for t in shaped.function.inputs)
    gives = ", ".join(public(t.type) for t in shaped.outputs)
    whole = f"{gives} from {takes}{mode}."
    if len(whole) + 14 <= WIDTH:
        return [whole]
    more = textwrap.wrap(f"{gives} from {takes}.", WIDTH - 8, break_long_words=False)
    return [f"The outputs{mode}.", *more]


def public(type_: TensorType) -> str:
    """A shape as it is outside the network: `[N, 3, 224, 224]`."""
    return f"[{', '.join(['N', *(str(size) for size in type_.shape)])}]"


def place(span: Span, spec: Source) -> str:
    """File and line; the file as seen from the spec's folder, wherever that lies."""
    folder, name = PurePath(spec.name).parent, PurePath(span.source.name)
    inside = name.relative_to(folder) if name.is_relative_to(folder) else PurePath(name.name)
    return f"{literal_free(inside.as_posix())}:{span.line}"


def block_doc(plan: ClassPlan, conditions: Sequence[str], spec: Source) -> list[str]:
    """The docstring: the spec's name and line, and which instances it stands for.

    `conditions` tell a variant of a block from its others.
    """
    function = plan.function
    shown = [f"`{path}`" for path in plan.instances if path][:4]
    used = ", ".join([*shown, "…"] if len(plan.instances) > 4 else shown)
    first = f"`{function.name}` ({place(function.span, spec)})"
    if conditions:
        return [f"{first}.", *_wrapped(f"Where {' and '.join(conditions)}: {used}.")]
    one = f"{first}: {used}."
    if len(one) + 10 <= WIDTH:
        return [one]
    return [f"{first}.", *_wrapped(f"Instances: {used}.")]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
