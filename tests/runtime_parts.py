"""Renders the runtime templates into parts and whole small scripts, for the tests of these.

Contexts are for all targets: each template takes its part of one.
"""

from __future__ import annotations

import gzip
import re
import struct
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime_nets import net_of

from specc import rendering

TARGETS = ("numpy", "pytorch")
MODULES = (
    "argparse", "collections", "csv", "gzip", "json", "math", "os", "re", "sys", "time", "zipfile",
    "zlib",
)  # fmt: skip
DEFAULT_INIT = {"kind": "default", "size": None}
FRAME: dict[str, Any] = {
    "init": DEFAULT_INIT,
    "penalty": False,
    "dropout": False,
    "buffers": False,
    "carries": False,
    "nested": False,
    "vocabulary": False,
    "outputs": 1,
    "stacked": False,
    "scales": "",
    "losses": True,
    "explicit": False,
    "idle": False,
    "detached": False,
    "kernels": (),
    "recurrent": False,
}
CHOICES: dict[str, Any] = {
    "numpy": True,
    "test": True,
    "split": False,
    "schedule": False,
    "penalty": False,
    "clip": False,
    "dropout": False,
    "explicit": False,
    "vocabulary": False,
    "vectors": False,
    "segments": False,
    "adjacent": False,
    "generates": False,
    "carries": False,
}
LOOP: dict[str, Any] = {
    "net": "Net",
    "optimizer": "Adam",
    "first": "image",
    "folder": True,
    "runs": False,
}
COMMAND: dict[str, Any] = {
    "net": "Net",
    "name": "net",
    "epochs": 2,
    "batch": 30,
    "rate": 0.002,
    "seed": 0,
    "folder": "data",
}
ACCURACY: dict[str, Any] = {
    "name": "accuracy",
    "form": "classes",
    "axis": 1,
    "output": None,
    "target": "digit",
    "lengths": None,
}
IDX: dict[str, Any] = {
    "title": "digits",
    "image": "image",
    "shape": [1, 4, 3],
    "file_shape": [4, 3],
    "label": "digit",
    "classes": 10,
    "parts": (("a-images", "a-labels"), ("b-images", "b-labels")),
}
ADAM: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "groups": False}

CONTEXTS: dict[str, dict[str, Any]] = {
    "safetensors": {},
    "network": FRAME,
    "train/threads": {},
    "train/chunks": {},
    "train/sgd": {"groups": False},
    "train/momentum": {"gamma": 0.9, "groups": False},
    "train/adam": ADAM,
    "train/adagrad": {"eps": 1e-10, "groups": False},
    "train/piecewise": {"pieces": ((0, 0.002), (3, 0.001))},
    "train/l2": {"strength": 0.0001, "clip": False},
    "train/clip": {"norm": 5.0},
    "train/split": {"share": 0.1},
    "train/together": {"padded": {"words_lengths": ["words"]}},
    "train/batches": {"segments": False, "padded": {}},
    "train/generate": {"net": "Net", "level": "char", "numpy": True, "carries": True},
    "train/trimmed": {"padded": {"words_lengths": ["words"]}},
    "train/order": {"numpy": True, "segments": False, "padded": {}, "first": "image"},
    "train/evaluate": {
        "numpy": True,
        "carries": False,
        "inputs": ["image"],
        "steps": None,
        "metrics": (ACCURACY,),
    },
    "train/epoch": {**CHOICES, "padded": {}, "inputs": ["image"], "steps": None, "first": "image"},
    "train/loop": {**CHOICES, **LOOP},
    "train/command": {**CHOICES, **COMMAND},
    "train/watch": {
        "lines": ['LINES = {"Net": {"net.net:1": "affine1"}}'],
        **dict.fromkeys(("named", "finals", "stacks", "pairs", "absent"), False),
        **CHOICES,
    },
    "data/idx": IDX,
    "data/npz": {
        "files": ("a.npz", "b.npz"),
        "fields": (
            {"name": "image", "shape": [2, 3], "classes": None},
            {"name": "digit", "shape": [], "classes": 10},
        ),
        "padded": {},
        "unpadded": True,
    },
    "data/csv": {
        "files": ("a.csv",),
        "columns": ["price"],
        "input": "house",
        "features": 2,
        "target": "price",
        "classes": None,
    },
    "data/series": {
        "file": "a.csv",
        "columns": ["close", "volume"],
        "features": None,
        "place": 0,
        "input": "days",
        "target": "later",
        "window": 5,
        "horizon": 2,
        "rows": 7,
        "test": 0.25,
    },
    "data/sines": {
        "points": 100,
        "test": 20,
        "ends": (110, 140),
        "features": None,
        "place": 0,
        "input": "wave",
        "target": "value",
        "window": 10,
        "horizon": 1,
    },
    "data/text": {
        "file": "a.txt",
        "level": "char",
        "steps": 5,
        "adjacent": False,
        "letters": False,
        "test": 0.25,
        "input": "chars",
        "target": "next",
        "size": 6,
    },
    "data/reviews": {
        "files": ("a.tsv", "b.tsv"),
        "length": 6,
        "input": "words",
        "lengths": None,
        "target": "mood",
        "size": 8,
        "classes": 2,
        "stopwords": None,
        "vectors": None,
        "tables": [],
    },
    "data/separable": {"points": 60, "input": "point", "target": "side", "label": True},
    "data/xor": {"input": "bits", "target": "differ", "label": True},
}

LIBRARIES = {
    r"\bnp\.": "import numpy as np",
    r"\btorch\.": "import torch",
    r"\bF\.": "import torch.nn.functional as F",
    r"\bnn\.": "from torch import nn",
    r"\bDataLoader\b": "from torch.utils.data import BatchSampler, DataLoader, TensorDataset",
}


def render(template: str, target: str = "numpy", /, **context: Any) -> str:
    """Return one rendered template, without blank lines around it."""
    if "numpy" in context:
        context["numpy"] = target == "numpy"
    return rendering.render_some(target, template, context)


def join(parts: list[str], threads: bool = False) -> str:
    """Return a whole file: the imports that the parts need, then the parts."""
    body = "\n\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
    head = render("train/threads") if threads else ""
    names = [name for name in MODULES if re.search(rf"\b{name}\.\w", head + body)]
    imports = [f"import {name}" for name in names]
    imports += ["from pathlib import Path"] if re.search(r"\bPath\b", body) else []
    libraries = [line for pattern, line in LIBRARIES.items() if re.search(pattern, body)]
    blocks = ["\n".join(imports), head, "\n".join(libraries)]
    return "\n\n".join(block for block in blocks if block) + f"\n\n\n{body}"


def load(*parts: str) -> types.SimpleNamespace:
    """Run a file made of some parts and return what it defines."""
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(join(list(parts)), "generated.py", "exec"), namespace)
    return types.SimpleNamespace(**namespace)


def frame(target: str = "numpy", **changes: Any) -> list[str]:
    """Return the parts that every network has."""
    base = [render("module", kernels=())] if target == "numpy" else []
    return [*base, render("safetensors"), render("network", target, **FRAME | changes)]


def script(
    *,
    target: str = "numpy",
    data: str | None = None,
    optimizer: str = "adam",
    extras: tuple[str, ...] = (),
    metrics: tuple[dict[str, Any], ...] = (ACCURACY,),
    init: dict[str, Any] = DEFAULT_INIT,
    choices: dict[str, Any] | None = None,
    loop: dict[str, Any] | None = None,
    command: dict[str, Any] | None = None,
    stacked: bool = False,
) -> str:
    """Return a script that trains `Net`; `extras` are templates of further settings."""
    chosen = choices or {}
    penalty, dropout = chosen.get("penalty", False), chosen.get("dropout", False)
    groups = penalty and not chosen.get("clip")
    kernel = "SGD" if optimizer == "sgd" else optimizer.title()

    def made(name: str, **changes: Any) -> str:
        return part(name, target, **changes)

    return join(
        [
            *frame(target, init=init, penalty=penalty, dropout=dropout, stacked=stacked),
            net_of(target, dropout),
            data or render("data/idx", **IDX),
            made("train/watch"),
            made("train/chunks") if target == "numpy" else "",
            made(f"train/{optimizer}", groups=groups),
            *(made(f"train/{name}", **(chosen if name == "l2" else {})) for name in extras),
            made("train/batches"),
            made("train/evaluate", metrics=metrics),
            made("train/epoch", **chosen),
            made("train/loop", **chosen, **{"optimizer": kernel} | (loop or {})),
            made("train/command", **chosen, **command or {}),
        ],
        threads=target == "numpy",
    )


def write_script(folder: Path, **changes: Any) -> Path:
    """Write the script of `script` into a folder; returns its path."""
    path = folder / "net.py"
    path.write_text(script(**changes), encoding="utf-8")
    return path


def part(name: str, on: str = "numpy", /, **changes: Any) -> str:
    """Return a template rendered with its sample context, in which some values differ."""
    return render(name, on, **CONTEXTS[name] | changes)


def loader(name: str, **changes: Any) -> Callable[..., Any]:
    """Return the `load_data` of a data source."""
    return load(*frame(), part(name, **changes)).load_data  # type: ignore[no-any-return]


def idx(array: np.ndarray, sizes: tuple[int, ...] | None = None) -> bytes:
    """Return an idx file of bytes; `sizes` are announced instead of the array's."""
    sizes = array.shape if sizes is None else sizes
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + array.tobytes()


def write_digits(folder: Path, count: int = 100) -> None:
    """Write idx files that fit the sample context: the training part as .gz, the test plain."""
    rng = np.random.default_rng(0)
    for name, size in (("a", count), ("b", 40)):
        labels = rng.integers(0, 10, size).astype(np.uint8)
        images = rng.integers(0, 100, (size, 4, 3)).astype(np.uint8)
        images[np.arange(size), labels % 4, labels % 3] = 255
        for kind, array in (("images", images), ("labels", labels)):
            if name == "a":
                (folder / f"a-{kind}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (folder / f"b-{kind}").write_bytes(idx(array))


EVERYTHING: dict[str, Any] = {
    "extras": ("piecewise", "l2", "clip", "split"),
    "choices": dict.fromkeys(("schedule", "penalty", "clip", "split", "dropout"), True),
    "command": {"rate": None},
    "metrics": (ACCURACY, {**ACCURACY, "name": "loss", "form": None, "target": None}),
}


def check_refused(read: Callable[[], object], message: str) -> None:
    """It raises an `InputError` of one short line, which begins like this."""
    with pytest.raises(ValueError) as raised:
        read()
    said = str(raised.value)
    assert type(raised.value).__name__ == "InputError"
    assert said.startswith(message)
    assert "\n" not in said
    assert len(said) < len(message) + 400
