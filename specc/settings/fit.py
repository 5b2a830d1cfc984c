"""Whether the fields of a data source fit the inputs and targets of a net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from specc import terms
from specc.diagnostics import Label
from specc.evaluate import EvaluationError
from specc.graph import Tensor
from specc.settings.base import Use
from specc.settings.forms import unbuilt
from specc.settings.trial import can_pad, fits_as, fits_with
from specc.terms import Integer, Polynomial, Symbol, Term
from specc.types import Content, TensorType
from specc.values import Value

LONGEST = 100_000
"""No source gives longer sequences."""


@dataclass(frozen=True, slots=True)
class Field:
    """An input or target of the net: its name in the spec, and its tensor."""

    name: str
    tensor: Tensor
    what: str

    @property
    def type(self) -> TensorType:
        """What it holds."""
        return self.tensor.type

    @property
    def padded(self) -> str:
        """What its declaration ends with where its sequences come with their lengths."""
        return " padded" if self.type.padded else ""

    @property
    def declaration(self) -> str:
        """Its type as the spec declares it."""
        return f"{self.type.declaration}{self.padded}"

    @property
    def sentence(self) -> str:
        """What it is, for a message: "the input `x` is real[3]"."""
        return f"the {self.what} `{self.name}` is {self.declaration}"

    @property
    def label(self) -> Label:
        """The second span of a misfit."""
        return Label(self.tensor.span, f"the {self.what} is {self.declaration}")


def fields(use: Use) -> tuple[Field, ...]:
    """The inputs and then the targets of the net; lengths belong to their sequences."""
    shaped = use.section.shaped
    inputs = (Field(name, tensor, "input") for name, tensor in shaped.inputs.items())
    targets = (Field(name, tensor, "target") for name, tensor in shaped.targets.items())
    return tuple(f for f in (*inputs, *targets) if f.type.content is not Content.LENGTHS)


def lengths_of(use: Use, field: Field) -> str | None:
    """The name of the input with the lengths of a field's sequences, where it is padded."""
    inputs = use.section.shaped.inputs.values()
    lengths = (t for t in inputs if t.type.content is Content.LENGTHS)
    return next((t.name for t in lengths if t.type.padded == field.type.padded), None)


def refuse_padded(use: Use) -> None:
    """Raise E0501 where sequences come with their lengths, for a source that has none."""
    for field in fields(use):
        if field.type.padded:
            help_ = "remove `padded`, and all steps count"
            raise unbuilt(f"data for the padded `{field.name}`", use.span, help_)


def one_input_one_target(use: Use) -> tuple[Field, Field]:
    """The only input and target of the net; raises E0512 where there are others."""
    inputs = [f for f in fields(use) if f.what == "input"]
    targets = [f for f in fields(use) if f.what == "target"]
    if len(inputs) == len(targets) == 1:
        return inputs[0], targets[0]
    more = inputs if len(inputs) > 1 else targets
    net = use.section.shaped.net
    cause = Label(more[1].tensor.span, "one more") if len(more) > 1 else Label(net.name_span)
    raise use.fail(
        "E0512",
        f"`{use.choice}` gives one input and one target, "
        f"`{net.name}` has {_count(len(inputs), 'input')} and {_count(len(targets), 'target')}",
        "gives two fields",
        cause=cause,
        note="`npz` gives as many as there are" if len(inputs) and len(targets) else "",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def need_real(use: Use, field: Field, given: str) -> None:
    """Raise E0513 unless a field holds real numbers; `given` is what the source has."""
    if field.type.content is not Content.REAL:
        raise content_misfit(use, field, given)


def content_misfit(use: Use, field: Field, given: str, help: str = "") -> EvaluationError:
    """The exception for labels where there are real numbers, and the like."""
    return use.fail(
        "E0513",
        f"`{use.choice}` gives {given}, {field.sentence}",
        f"gives {given}",
        cause=field.label,
        help=help,
    )


def need_shape(
    use: Use, field: Field, sizes: Sequence[int], fitting: Mapping[str, int] | None = None
) -> None:
    """Raise E0513 or E0514 unless a field is real and can have these sizes.

    `fitting`: arguments of the source with which it would give what the net declares.
    """
    given = f"real[{', '.join(map(str, sizes))}]"
    need_real(use, field, given)
    if can_be(field.type.shape, sizes):
        return
    declared = _declare(use, field, "real", sizes) or _reshaped(use, field, sizes)
    changed = _fits(fitting or {})
    is_written = any(argument in use.spans for argument in fitting or {})
    raise use.fail(
        "E0514",
        f"`{use.choice}` gives {given}, {field.sentence}",
        f"gives {given}",
        cause=field.label,
        help=declared or changed if is_written else changed or declared,
    )


def need_label(use: Use, field: Field, classes: int | None) -> int:
    """Raise E0513, E0514 or E0515 unless a field is one label an example.

    `classes`: how many labels the source has, if that is known. Returns how many the net has.
    """
    given = "labels" if classes is None else f"label of {classes}"
    if field.type.content is not Content.LABEL:
        fixed = None if field.type.content is Content.TOKEN or classes is None else classes
        help_ = _declare(use, field, "label", (), fixed) if fixed else ""
        raise content_misfit(use, field, given, help_)
    if field.type.shape:
        raise use.fail(
            "E0514",
            f"`{use.choice}` gives one label an example, {field.sentence}",
            "gives single labels",
            cause=field.label,
            note=f"`{use.choice}` has one for each example",
        )
    known = number_of_classes(use, field)
    if classes is not None and known < classes:
        raise _label_range(use, field, classes, known)
    return known


def need_sequence(
    use: Use, field: Field, content: Content, argument: str, classes: int | None = None
) -> int:
    """Raise E0513 to E0515 unless a field is a token or a label a step, and can have these steps.

    `argument`: that of the source which says how many steps there are. `classes`: how many labels
    it has, if that is known. Returns how many the net has.
    """
    steps = int(use.number(argument))
    given = f"{content.value}[{steps}]"
    if field.type.content is not content:
        help_ = _declare(use, field, content.value, [steps], classes) if classes else ""
        raise content_misfit(use, field, given, help_ or _looked_up(field, content))
    known = number_of_classes(use, field)
    if not can_be(field.type.shape, [steps]):
        declared = _declare(use, field, content.value, [steps], known)
        changed = _with_steps(use, field, argument)
        raise use.fail(
            "E0514",
            f"`{use.choice}` gives {given}, {field.sentence}",
            f"gives {given}",
            cause=field.label,
            note="" if field.type.shape else f"`{use.choice}` has a {content.value} for each step",
            help=declared or changed if argument in use.spans else changed or declared,
        )
    if classes is not None and known < classes:
        raise _label_range(use, field, classes, known)
    return known


def number_of_classes(use: Use, field: Field) -> int:
    """How many labels or tokens a field has; raises E0517 where that is a free size."""
    assert field.type.classes is not None
    if isinstance(field.type.classes.plain, Polynomial):
        raise free_size(use, field)
    return field.type.classes.number


def _label_range(use: Use, field: Field, classes: int, known: int) -> EvaluationError:
    message = (
        f"`{use.choice}` gives labels from 0 to {classes - 1}, `{field.name}` holds {_to(known)}"
    )
    return use.fail(
        "E0515",
        message,
        f"gives label of {classes}",
        cause=field.label,
        note=f"the labels of `label of {known}` are {_to(known)}: {classes - 1} > {known - 1}",
        help=_declare(use, field, "label", (), classes),
    )


def _to(classes: int) -> str:
    return "only 0" if classes == 1 else f"0 to {classes - 1}"


def free_size(use: Use, field: Field) -> EvaluationError:
    """The exception of a free size where the source needs a number."""
    return use.fail(
        "E0517",
        f"`{use.choice}` needs the sizes of `{field.name}` as numbers, it is {field.declaration}",
        "its files do not say",
        cause=field.label,
    )


def known_sizes(use: Use, field: Field) -> list[int]:
    """The sizes of a field; raises E0517 where one is free."""
    if not all(size.is_known for size in field.type.shape):
        raise free_size(use, field)
    return [size.number for size in field.type.shape]


def can_be(shape: Sequence[Value], sizes: Sequence[int]) -> bool:
    """Whether a shape has these sizes for some choice of its free ones."""
    if len(shape) != len(sizes):
        return False
    chosen: dict[str, Term] = {}
    return all(_can_be(value.size, size, chosen) for value, size in zip(shape, sizes, strict=True))


def _can_be(size: Integer, wanted: int, chosen: dict[str, Term]) -> bool:
    """The same of one size; adds the free size that it decides to `chosen`."""
    size = terms.integer(terms.substitute(size, chosen))
    free = sorted(set(terms.symbols(size)))
    if len(free) != 1:
        return size == wanted
    number = terms.solved(size, free[0], wanted)
    chosen[free[0]] = number
    return isinstance(number, int) and number >= 1 and terms.substitute(size, chosen) == wanted


def is_free(size: Value) -> bool:
    """Whether a size is a free one alone, such as `T`, not `2 * T`."""
    return isinstance(size.plain, Polynomial) and size.plain == terms.integer(
        Symbol(str(size.plain))
    )


def _with_steps(use: Use, field: Field, argument: str) -> str:
    """The help that gives as many steps as the net declares, if that is a number."""
    shape = field.type.shape
    if len(shape) != 1 or not shape[0].is_known or shape[0].number > LONGEST:
        return ""
    steps = shape[0].number
    sequences = (f.type.shape for f in fields(use) if f.type.shape)
    return _fits({argument: steps}) if all(can_be(s, [steps]) for s in sequences) else ""


def _fits(arguments: Mapping[str, int]) -> str:
    """The help that gives a source other arguments; empty where there are none."""
    written = ", ".join(f"{name}={number}" for name, number in arguments.items())
    return f"`{written}` fits" if written else ""


def _looked_up(field: Field, content: Content) -> str:
    """The help that turns tokens into the vectors that a net takes."""
    if content is not Content.TOKEN or field.type.rank != 2 or not field.type.features.is_known:
        return ""
    steps, size = field.type.shape
    declared = f"declare `{field.name}: token[{steps}] of {size}{field.padded}`"
    return f"{declared}, and put `one_hot({size})` before what takes it"


def _reshaped(use: Use, field: Field, sizes: Sequence[int]) -> str:
    """The help that reshapes what the source gives, if the net is right with that."""
    flat = [prod(sizes)]
    shape = flat if field.type.rank == 1 else [size for size in sizes if size > 1]
    is_input = field.what == "input" and len(shape) == field.type.rank
    if not is_input or not fits_as(use.section.shaped, field.name, "real", shape, None):
        return ""
    layer = "flatten" if shape == flat else f"reshape({shape})"
    declared = f"declare `{field.name}: real[{', '.join(map(str, sizes))}]`"
    return f"{declared}, and put `{layer}` before what takes it"


def _declare(
    use: Use, field: Field, kind: str, sizes: Sequence[int], classes: int | None = None
) -> str:
    """The help that changes the declaration, if the net is then still right."""
    shaped = use.section.shaped
    if fits_as(shaped, field.name, kind, sizes, classes):
        shape = f"[{', '.join(map(str, sizes))}]" if sizes else ""
        of = f" of {classes}" if classes is not None else ""
        padded = field.padded if can_pad(kind, sizes) else ""
        return f"declare `{field.name}: {kind}{shape}{of}{padded}`"
    name = fits_with(shaped, field.name, classes) if classes is not None else None
    return f"`{name} = {classes}` fits, as with `--set {name}={classes}`" if name else ""
