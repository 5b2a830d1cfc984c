"""What the templates of training are rendered with."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.check import ShapedModel
from specc.settings.inits import Drawn
from specc.settings.metrics import Score

if TYPE_CHECKING:
    from specc.training import Training

Context = Mapping[str, object]


def network_context(
    shaped: ShapedModel, training: Training | None, *, dropout: bool, buffers: bool
) -> Context:
    """The context of `network.py.j2`, with or without training."""
    init = training.init if training is not None and training.init else Drawn("default")
    return {
        "init": {"kind": init.kind, "size": init.size},
        "penalty": training is not None and training.penalty is not None,
        "dropout": dropout,
        "buffers": buffers,
        "outputs": len(shaped.outputs),
    }


def contexts(
    training: Training, shaped: ShapedModel, *, net: str, dropout: bool, spec_folder: str
) -> list[tuple[str, Context]]:
    """The templates of training and their contexts, in the order of the file.

    `net` is the class of the network; `dropout` says whether some layer drops out;
    `spec_folder` is the way from the folder of the generated file to that of the spec, in posix
    form and relative: the way to the data begins with it.
    """
    inputs = [tensor.name for tensor in shaped.inputs.values()]
    found: list[tuple[str, Context | None]] = [
        (training.data.template, training.data.context),
        ("train/chunks.py.j2", {}),
        (training.optimizer.template, training.optimizer.context),
        ("train/piecewise.py.j2", {"pieces": training.rates} if training.has_schedule else None),
        ("train/l2.py.j2", _if(training.penalty, "strength")),
        ("train/clip.py.j2", _if(training.clip, "norm")),
        ("train/split.py.j2", _if(training.split, "share")),
        ("train/batches.py.j2", {}),
        ("train/evaluate.py.j2", {"inputs": inputs, "metrics": _metrics(training.metrics)}),
        ("train/loop.py.j2", _loop(training, net, inputs[0], dropout)),
        ("train/command.py.j2", _command(training, net, shaped.net.name, spec_folder)),
    ]
    return [(template, context) for template, context in found if context is not None]


def _if(value: float | None, name: str) -> Context | None:
    return None if value is None else {name: value}


def _metrics(scores: tuple[Score, ...]) -> tuple[Context, ...]:
    return tuple(
        {"name": s.name, "form": s.form, "axis": s.axis, "output": s.output, "target": s.target}
        for s in scores
    )


def _loop(training: Training, net: str, first: str, dropout: bool) -> Context:
    return {
        "net": net,
        "optimizer": training.optimizer.kernel,
        "first": first,
        "folder": training.data.folder is not None,
        "test": training.data.has_test,
        "split": training.split is not None,
        "schedule": training.has_schedule,
        "penalty": training.penalty is not None,
        "clip": training.clip is not None,
        "dropout": dropout,
    }


def _command(training: Training, net: str, name: str, spec_folder: str) -> Context:
    folder = training.data.folder
    run = name if training.name is None else f"{name}_{training.name}"
    return {
        "net": net,
        "name": run.lower(),
        "epochs": training.epochs,
        "batch": training.batch,
        "rate": None if training.has_schedule else training.rates[0][1],
        "seed": training.seed,
        "folder": None if folder is None else posixpath.normpath(f"{spec_folder}/{folder}"),
    }
