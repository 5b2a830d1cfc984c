"""Whether a run is one that a net can go on with: seen before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from specc.commands.failure import Failure

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.graph import Function, Node

_LONGEST_HEADER = 2**24


def need_run_of(net: ShapedModel, folder: Path) -> None:
    """Raise a `Failure` unless the checkpoint in a folder has all tensors of a net."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        raise Failure(f"`{folder}` has no checkpoint to go on from")
    held = _shapes(path)
    for name, shape in tensors(net.function):
        if held.get(name) != shape:
            found = f"{name!r} is {held[name]}" if name in held else f"it has no {name!r}"
            reason = f"{found}, `{net.net.name}` needs {shape}"
            raise Failure(f"`{path}` is of another network: {reason}")


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
        return {name: entry.get("shape") for name, entry in header.items()}
    except OSError as error:
        raise Failure(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, AttributeError, RecursionError):
        raise Failure(f"`{path}` is damaged") from None
