"""What the templates of training are rendered with.

The contexts are for all targets: each takes of them what its templates use.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.applied import LENGTHS
from specc.check import ShapedModel
from specc.checking.lengths import known_lengths
from specc.files import stem
from specc.graph import Function, Layer, Origin, carries_state, every_function
from specc.settings.inits import Drawn

if TYPE_CHECKING:
    from specc.training import Training

Context = Mapping[str, object]


def network_context(
    shaped: ShapedModel, training: Training | None, *, dropout: bool, buffers: bool
) -> Context:
    """The context of `network.py.j2`, with or without training."""
    init = training.init if training is not None and training.init else Drawn("default")
    words = training.data.words if training is not None else None
    carries = carries_on(training, shaped)
    return {
        "init": {"kind": init.kind, "size": init.size},
        "penalty": training is not None and training.penalty is not None,
        "carries": carries,
        "nested": carries and _is_nested(shaped.function),
        "vocabulary": words is not None,
        "dropout": dropout,
        "buffers": buffers,
        "outputs": len(shaped.outputs),
    }


def carries_on(training: Training | None, shaped: ShapedModel) -> bool:
    """Whether the data are one text, and some layer of the net goes on where it ended in it."""
    words = training.data.words if training is not None else None
    nodes = (node for body in every_function(shaped.function) for node in body.nodes)
    return words is not None and words.sampling is not None and any(map(carries_state, nodes))


def _is_nested(function: Function) -> bool:
    """Whether a step of some recurrence has recurrences of its own."""
    steps = (body for body in every_function(function) if body.origin is Origin.CELL)
    below = (body for step in steps for body in every_function(step))
    return any(carries_state(node) for body in below for node in body.nodes)


def contexts(
    training: Training,
    shaped: ShapedModel,
    *,
    net: str,
    dropout: bool,
    spec_folder: str,
    target: str = "numpy",
    explicit: bool = False,
) -> list[tuple[str, Context]]:
    """The templates of training and their contexts, in the order of the file.

    `net` is the class of the network; `dropout` says whether some layer drops out;
    `spec_folder` is the way from the folder of the generated file to that of the spec, in posix
    form and relative: the way to the data begins with it; `explicit` whether the network has a
    backward pass of its own.
    """
    numpy = target == "numpy"
    inputs = [tensor.name for tensor in shaped.inputs.values()]
    carries = carries_on(training, shaped)
    choices = _choices(training, carries)
    choices |= {"dropout": dropout, "explicit": explicit, "numpy": numpy}
    steps = {"inputs": inputs, "steps": counted_steps(shaped)}
    padded, segments = {"padded": padded_names(shaped)}, {"segments": choices["segments"]}
    found: list[tuple[str, Context | None]] = [
        (training.data.template, training.data.context),
        ("train/chunks.py.j2", {} if numpy else None),
        (training.optimizer.template, {**training.optimizer.context, "groups": _groups(training)}),
        ("train/piecewise.py.j2", {"pieces": training.rates} if training.has_schedule else None),
        ("train/l2.py.j2", _if(training.penalty, "strength", choices)),
        ("train/clip.py.j2", _if(training.clip, "norm")),
        ("train/split.py.j2", _if(training.split, "share")),
        ("train/batches.py.j2", {**padded, **segments}),
        ("train/evaluate.py.j2", {**_evaluation(training, numpy), **steps, "carries": carries}),
        ("train/epoch.py.j2", {**choices, **padded, **steps, "first": inputs[0]}),
        ("train/loop.py.j2", {**choices, **_loop(training, shaped, net, inputs[0])}),
        ("train/generate.py.j2", _generation(training, net, numpy=numpy, carries=carries)),
        ("train/command.py.j2", {**choices, **_command(training, net, shaped, spec_folder)}),
    ]
    return [(template, context) for template, context in found if context is not None]


def padded_names(shaped: ShapedModel) -> dict[str, list[str]]:
    """The arrays that can do without padding that a whole batch has, by the name of their lengths.

    Those are all that have a free number of steps in common with a padded input.
    """
    tensors = (*shaped.inputs.values(), *shaped.targets.values())
    found: dict[str, list[str]] = {}
    for tensor in shaped.inputs.values():
        steps = tensor.type.shape[:1]
        if tensor.type.padded and steps and not steps[0].is_known:
            lengths = known_lengths(shaped.inputs.values())[tensor.type.padded].name
            found[lengths] = [other.name for other in tensors if other.type.shape[:1] == steps]
    return found


def counted_steps(shaped: ShapedModel) -> str | None:
    """The name of the lengths, where the loss is a mean over the own steps of one padded input.

    The mean over several batches then weighs each by these; elsewhere by its examples.
    """
    counted = {
        loss.named[LENGTHS].type.padded if _counts_steps(loss) else None for loss in shaped.losses
    }
    if len(counted) != 1 or (padded := counted.pop()) is None:
        return None
    return known_lengths(shaped.inputs.values())[padded].name


def _counts_steps(loss: Layer) -> bool:
    """Whether all own steps of padded sequences count the same, and nothing else does."""
    uneven = (loss.arguments.get(name) for name in ("weight", "ignore"))
    return loss.is_padded and not loss.given and all(x is None or x.plain is None for x in uneven)


def _if(value: float | None, name: str, more: Context | None = None) -> Context | None:
    return None if value is None else {name: value, **(more or {})}


def _groups(training: Training) -> bool:
    """Whether the penalty is the optimizer's; a gradient that is clipped has it before."""
    return training.penalty is not None and training.clip is None


def _evaluation(training: Training, numpy: bool) -> Context:
    metrics = tuple(
        {
            "name": s.name,
            "form": s.form,
            "axis": s.axis,
            "output": s.output,
            "target": s.target,
            "lengths": s.lengths,
        }
        for s in training.metrics
    )
    return {"numpy": numpy, "metrics": metrics}


def _generation(training: Training, net: str, *, numpy: bool, carries: bool) -> Context | None:
    """That of writing, where the net can write."""
    words = training.data.words
    if words is None or words.level is None:
        return None
    return {"net": net, "level": words.level, "numpy": numpy, "carries": carries}


def _choices(training: Training, carries: bool) -> dict[str, object]:
    """Which settings there are."""
    words = training.data.words
    return {
        "vocabulary": words is not None,
        "vectors": words is not None and words.vectors,
        "segments": words is not None and words.sampling is not None,
        "carries": carries,
        "adjacent": carries and words is not None and words.sampling == "adjacent",
        "generates": words is not None and words.level is not None,
        "test": training.data.has_test,
        "split": training.split is not None,
        "schedule": training.has_schedule,
        "penalty": training.penalty is not None,
        "clip": training.clip is not None,
    }


def _loop(training: Training, shaped: ShapedModel, net: str, first: str) -> Context:
    shown = {*shaped.outputs, *shaped.inputs.values(), *shaped.targets.values()}
    return {
        "net": net,
        "optimizer": training.optimizer.kernel,
        "first": first,
        "folder": training.data.folder is not None,
        "runs": any(tensor not in shown for loss in shaped.losses for tensor in loss.inputs),
    }


def _command(training: Training, net: str, shaped: ShapedModel, spec_folder: str) -> Context:
    folder, spec = training.data.folder, shaped.model.program.source.path
    is_only = len(shaped.model.nets) == 1
    name = stem(None if spec is None else str(spec), shaped.net.name, is_only)
    is_one_of_several = training.name is not None and len(shaped.model.trains) > 1
    return {
        "net": net,
        "name": f"{name}_{training.name}" if is_one_of_several else name,
        "epochs": training.epochs,
        "batch": training.batch,
        "rate": None if training.has_schedule else training.rates[0][1],
        "seed": training.seed,
        "folder": None if folder is None else posixpath.normpath(f"{spec_folder}/{folder}"),
    }
