"""Whether a run is one that a net can go on with: seen before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from specc.commands.failure import Failure

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.graph import Function, Node

_LONGEST_HEADER = 2**24


def need_run_of(net: ShapedModel, folder: Path, keeps: frozenset[str]) -> None:
    """Raise a `Failure` unless a checkpoint is of this net and of an optimizer that `keeps` this.

    The names are those of `specc.settings.optimizers.Update.keeps`, for the target.
    """
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        raise Failure(f"`{folder}` has no checkpoint to go on from")
    held, known = _shapes(path), dict(tensors(net.function))
    for name, shape in known.items():
        if held.get(name) != shape:
            found = f"{name!r} is {held[name]}" if name in held else f"it has no {name!r}"
            reason = f"{found}, `{net.net.name}` needs {shape}"
            raise Failure(f"`{path}` is of another network: {reason}")
    kept = {_name_kept(name, known) for name in held.keys() - known.keys()}
    if kept != keeps:
        name = min(kept ^ keeps)
        reason = f"it has {'' if name in kept else 'no '}{name!r}"
        help_ = "train with those of that run, or with `--out` anew in another folder"
        raise Failure(f"`{path}` is of another optimizer, target or network: {reason}", help_)


def _name_kept(name: str, known: Mapping[str, object]) -> str:
    """What an optimizer calls a tensor: in PyTorch behind the name of a parameter."""
    parameter, _, kept = name.rpartition(".")
    return kept if parameter in known else name


def tensors(function: Function, path: str = "") -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of parameters and running statistics, as files of weights hold them."""
    for node in function.instances():
        yield from _tensors_of(node, f"{path}{node.name}")


def _tensors_of(node: Node, path: str) -> Iterator[tuple[str, list[int]]]:
    from specc.graph import Call, Layer

    if isinstance(node, Layer):
        for parameter in node.op.parameters(node):
            yield f"{path}.{parameter.name}", [size.number for size in parameter.shape]
    elif isinstance(node, Call):
        yield from tensors(node.function, f"{path}.")
    else:
        for index, iteration in enumerate(node.iterations):
            body, place = iteration.function, f"{path}.{index}"
            if body.is_single:
                yield from _tensors_of(body.nodes[0], place)
            else:
                yield from tensors(body, f"{place}.")


def _shapes(path: Path) -> dict[str, object]:
    """The shapes of the tensors in a .safetensors file, by name."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _LONGEST_HEADER)))
        header.pop("__metadata__", None)
        return {name: entry.get("shape") for name, entry in header.items()}
    except OSError as error:
        raise Failure(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Failure(f"`{path}` is damaged") from None
