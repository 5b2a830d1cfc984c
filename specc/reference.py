"""The pages of the reference that follow from the registries: layers, settings and targets.

    python -m specc.reference [FOLDER]

writes `layers.md`, `settings.md` and `targets.md` into a folder, `docs` by default.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from specc.diagnostics import Diagnostics
from specc.graph import Layer, every_layer
from specc.ops.base import LossOp, Op, Sample
from specc.ops.registry import layers, losses, ops
from specc.pipeline import analyse
from specc.resolving.calls import UNBUILT as UNBUILT_LAYERS
from specc.settings.base import Choice, OpenChoice, Setting
from specc.settings.forms import Choosing, Number
from specc.settings.registry import choices, settings
from specc.signature import Argument, show_default
from specc.source import Source
from specc.targets.registry import targets
from specc.training import UNBUILT as UNBUILT_SETTINGS
from specc.types import Content, TensorType
from specc.values import constant

COMMAND = "python -m specc.reference"
"""What writes the pages anew."""

FAMILIES = {
    "affine": "Affine maps",
    "convolution": "Convolution",
    "pooling": "Pooling",
    "sequence": "Sequences",
    "normalisation": "Normalisation",
    "activation": "Activation",
    "regularisation": "Regularisation",
    "shape": "Shape",
    "join": "Joins",
    "loss": "Losses",
}
"""The headings of the layers' page, in order, by the families of the ops."""

RANKS = {1: "features", 2: "sequences", 3: "images"}
"""What the language calls real tensors, by rank."""

_HEAD = "<!-- Written by `{command}` from the source; change it there. -->\n"

_LAYERS = """# Layers

Everything that may stand in a flow, and after `loss`. [language.md](language.md) says how layers
are called and joined.

- In a signature, `name=value` is a default; an argument without one has to be given. Arguments go
  by position or by name; `stride=…` may only be left out or given.
- Shapes are without the batch: `[features]`, `[length, features]`, `[channels, height, width]`.
- Parameters have PyTorch's names and layouts. `weight`s are what a `penalty` counts, if not said
  otherwise.
- Sources are the papers, and the *book*, *notes*, *slides* and *cheat sheet* that the project
  follows.
"""

_SETTINGS = """# Settings

The lines of a `train` section. [language.md](language.md#training) says which section counts
for which net, and what expressions in it see.

- In a signature, `name=value` is a default; an argument without one has to be given. A word whose
  arguments all have defaults is written without brackets.
- Every setting is given at most once. A setting that is not built yet is an error, never ignored.
"""

_TARGETS = """# Targets

What each layer is in the code that is written, by the first of its examples in
[layers.md](layers.md). Shapes are without the batch; *init* are the arrays that it has, with
PyTorch's names and layouts on every target; *cost* are the multiply-adds of one example.

- NumPy: a class with `forward` and `backward`, chosen by the numbers it is constructed with, or a
  function beside its `_backward`.
- PyTorch: a module of `torch.nn` or an expression; a class or function without `nn.`, `F.` or
  `torch.` is written into the file, because PyTorch lacks it. Gradients are left to autograd; with
  `--backward explicit` they are computed in tensor operations, by what the last column names.

`specc compile lenet.net` writes `lenet.py`; with `--target pytorch` it writes `lenet_torch.py`, so
that both can lie side by side. They read and write the same files of weights.
"""

_NOT_BUILT = """## Not built yet

These words belong to the language; this version says so where it meets one.
"""


def layers_page() -> str:
    """The reference of every layer, join and loss."""
    known: Mapping[str, Op] = {**layers(), **losses()}
    parts = [_HEAD.format(command=COMMAND), _LAYERS]
    for family, title in FAMILIES.items():
        members = [op for op in known.values() if op.family == family]
        parts += [f"## {title}\n", *map(_layer, members)]
    parts.append(_unbuilt({"Layers": UNBUILT_LAYERS}))
    return "\n".join(parts)


def settings_page() -> str:
    """The reference of every setting of a `train` section."""
    known = settings()
    parts = [_HEAD.format(command=COMMAND), _SETTINGS, _table_of_settings(known.values())]
    parts += [_choosing(setting) for setting in known.values() if isinstance(setting, Choosing)]
    unbuilt: dict[str, Iterable[str]] = {"Settings": UNBUILT_SETTINGS}
    for setting in known.values():
        if isinstance(setting, Choosing) and setting.unbuilt:
            unbuilt[f"`{setting.name}`"] = setting.unbuilt
    return "\n".join([*parts, _unbuilt(unbuilt)])


def targets_page() -> str:
    """What every layer is in the code of every target."""
    known: Mapping[str, Op] = {**layers(), **losses()}
    head: tuple[str, ...] = ("layer", "shape", "init", "cost")
    for target in targets().values():
        head += (f"{target.title}: forward", f"{target.title}: backward")
    parts = [_HEAD.format(command=COMMAND), _TARGETS]
    for family, title in FAMILIES.items():
        rows = [_in_targets(op) for op in known.values() if op.family == family]
        parts += [f"## {title}\n", _table(head, rows) + "\n"]
    return "\n".join(parts)


PAGES = {"layers": layers_page, "settings": settings_page, "targets": targets_page}
"""What writes each page."""


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    for name, page in PAGES.items():
        (folder / f"{name}.md").write_text(page(), encoding="utf-8", newline="\n")


# ---------------------------------------------------------------- layers


def _layer(op: Op) -> str:
    """The entry of one layer."""
    entry = [f"### `{_signature(op.name, op.arguments)}`", _doc(op), _arguments(op.arguments)]
    entry.append("\n".join(f"- {title}: {text}" for title, text in _facts(op) if text))
    if _is_worth_showing(op):
        entry.append(_table(("example", "from", "result"), map(_example, op.samples)))
    return "\n\n".join(part for part in entry if part) + "\n"


def _facts(op: Op) -> Iterator[tuple[str, str]]:
    """What a reader wants to know of a layer, in order; empty where there is nothing to say."""
    yield "takes", _takes(op)
    if isinstance(op, LossOp):
        yield "target", _doc(op.check_target)
        yield "applies itself", f"`{op.applies}`" if op.applies else ""
    else:
        yield "result", _doc(op.infer)
    yield "parameters", _own_doc(op, "parameters")
    yield "multiply-adds", _own_doc(op, "multiply_adds")
    yield "sources", op.sources


def _takes(op: Op) -> str:
    """The kinds of tensors that a layer's samples show; a test holds them complete."""
    taken = (_layer_of(sample).inputs[0].type for sample in op.samples)
    kinds = ", ".join(dict.fromkeys(map(_kind, sorted(taken, key=lambda type_: type_.rank))))
    most = max(len(sample.inputs) for sample in op.samples)
    joined = "two or more tensors" if most > 2 else "two tensors"
    return f"{joined}: {kinds}" if op.input_count is None else kinds


def _kind(type_: TensorType) -> str:
    """What the language calls such tensors."""
    return RANKS[type_.rank] if type_.content is Content.REAL else f"{type_.content.value}s"


def _own_doc(op: Op, method: str) -> str:
    """What a layer says of a method, if it has one of its own."""
    is_own = getattr(type(op), method) is not getattr(Op, method)
    return _doc(getattr(op, method)) if is_own else ""


def _doc(documented: object) -> str:
    """A docstring as running text."""
    return inspect.getdoc(documented) or ""


def _is_worth_showing(op: Op) -> bool:
    """Whether the examples say more than that the shape stays."""
    is_plain = not op.arguments and _doc(op.infer).startswith("The shape")
    return not isinstance(op, LossOp) and not is_plain


def _example(sample: Sample) -> tuple[str, str, str]:
    """A call, the shapes that it gets, and what it makes of them: worked out, not written down."""
    layer = _layer_of(sample)
    return f"`{sample.call}`", ", ".join(str(t.type) for t in layer.inputs), str(layer.output)


def _layer_of(sample: Sample) -> Layer:
    """The layer of an example, in a net of its own."""
    names = [f"x{position}" for position in range(len(sample.inputs))]
    if sample.target:
        names[1:] = ["m"] * (len(names) - 1)
    declared = ", ".join(f"{n}: {s}" for n, s in zip(names, sample.inputs, strict=True))
    if sample.target:
        step = f"target t: {sample.target}\n  from x0 -> loss {sample.call}"
    else:
        op = ops()[sample.call.partition("(")[0]]
        step = f"from {', '.join(names[: op.input_count])} -> {sample.call}"
    text = f"net Example {{\n  input {declared}\n  {step}\n}}\n"
    (net,) = analyse(Source("example.net", text), Diagnostics()).values()
    return next(every_layer(net.function))


# ---------------------------------------------------------------- targets


def _in_targets(op: Op) -> tuple[str, ...]:
    """A layer's row, by the first of its examples."""
    layer = _layer_of(op.samples[0])
    takes = ", ".join(str(tensor.type) for tensor in layer.inputs)
    learned = (f"`{p.name}` {TensorType(p.shape)}" for p in op.parameters(layer))
    cost = f"{op.multiply_adds(layer).number:,}"
    gives = "a number" if isinstance(op, LossOp) else str(layer.output)
    row = [f"`{op.name}`", f"{takes} → {gives}", ", ".join(learned) or "–", cost]
    for target in targets().values():
        row += [f"`{target.forward_of(layer)}`", f"`{target.backward_of(layer)}`"]
    return tuple(row)


# ---------------------------------------------------------------- settings


def _table_of_settings(known: Iterable[Setting[object]]) -> str:
    rows = [(f"`{s.name}`", _what(s), _is_needed(s), f"`{s.example}`") for s in known]
    return "## All of them\n\n" + _table(("setting", "what it says", "", "such as"), rows) + "\n"


def _what(setting: Setting[object]) -> str:
    text = _sentence(setting)
    if isinstance(setting, Number):
        return f"{text}: {setting.kind.what}"
    if isinstance(setting, Choosing):
        return f"{text}: see [below](#{setting.name})"
    arguments: Iterable[Argument] = getattr(setting, "arguments", ())
    return "; ".join((text, *(f"`{a.name}`: {a.kind.what}" for a in arguments)))


def _is_needed(setting: Setting[object]) -> str:
    return "required" if setting.is_required else ""


def _choosing(setting: Choosing[object]) -> str:
    """The entry of a setting that is one of several words."""
    known: Mapping[str, OpenChoice[object]] = choices(setting.name)
    entry = [f"## `{setting.name}`\n", f"{_doc(setting)}\n", *map(_choice, known.values())]
    return "\n".join(entry)


def _choice(choice: OpenChoice[object]) -> str:
    if not isinstance(choice, Choice):
        return f"### `{choice.name}`\n\n{_doc(choice)}\n"
    signature = _signature(choice.name, choice.arguments)
    entry = [f"### `{signature}`", _doc(choice), _arguments(choice.arguments)]
    return "\n\n".join(part for part in entry if part) + "\n"


def _sentence(documented: object) -> str:
    """The first sentence of a docstring, without its full stop."""
    return _doc(documented).splitlines()[0].rstrip(".")


# ---------------------------------------------------------------- both


def _signature(name: str, arguments: Iterable[Argument]) -> str:
    """`conv(channels, kernel, stride=1)`; `stride=…` where no value means "left out"."""
    listed = ", ".join(
        f"{argument.name}=…" if _is_left_out(argument) else show_default(argument)
        for argument in arguments
    )
    return f"{name}({listed})" if listed else name


def _arguments(arguments: Iterable[Argument]) -> str:
    rows = [(f"`{a.name}`", a.doc, a.kind.what, _default(a)) for a in arguments]
    return _table(("argument", "meaning", "needs", "default"), rows) if rows else ""


def _default(argument: Argument) -> str:
    if argument.is_required:
        return "–"
    if _is_left_out(argument):
        return "left out"
    return f"`{show_default(argument).partition('=')[2]}`"


def _is_left_out(argument: Argument) -> bool:
    """Whether the default is not a value that could be written."""
    return argument.default is None and not argument.kind.accepts(constant(None))


def _unbuilt(words: Mapping[str, Iterable[str]]) -> str:
    lines = [f"- {what}: " + ", ".join(f"`{w}`" for w in names) for what, names in words.items()]
    return "\n".join([_NOT_BUILT, *lines, ""])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a `|` inside a cell would end it."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
