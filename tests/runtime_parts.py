"""Renders the runtime templates into parts and whole small scripts, for the tests of these."""

from __future__ import annotations

import gzip
import re
import struct
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from specc import rendering

MODULES = ["argparse", "csv", "gzip", "json", "math", "os", "sys", "time", "zipfile", "zlib"]
DEFAULT_INIT = {"kind": "default", "size": None}
FRAME: dict[str, Any] = {
    "init": DEFAULT_INIT,
    "penalty": False,
    "dropout": False,
    "buffers": False,
    "outputs": 1,
    "stacked": False,
}
LOOP: dict[str, Any] = {
    "net": "Net",
    "optimizer": "Adam",
    "first": "image",
    "folder": True,
    "test": True,
    "split": False,
    "schedule": False,
    "penalty": False,
    "clip": False,
    "dropout": False,
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
ADAM: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}

CONTEXTS: dict[str, dict[str, Any]] = {
    "safetensors": {},
    "network": FRAME,
    "train/threads": {},
    "train/chunks": {},
    "train/sgd": {},
    "train/momentum": {"gamma": 0.9},
    "train/adam": ADAM,
    "train/piecewise": {"pieces": ((0, 0.002), (3, 0.001))},
    "train/l2": {"strength": 0.0001},
    "train/clip": {"norm": 5.0},
    "train/split": {"share": 0.1},
    "train/batches": {},
    "train/evaluate": {"inputs": ["image"], "metrics": (ACCURACY,)},
    "train/loop": LOOP,
    "train/command": COMMAND,
    "data/idx": IDX,
    "data/npz": {
        "files": ("a.npz", "b.npz"),
        "fields": (
            {"name": "image", "shape": [2, 3], "classes": None},
            {"name": "digit", "shape": [], "classes": 10},
        ),
    },
    "data/csv": {
        "files": ("a.csv",),
        "columns": ["price"],
        "input": "house",
        "features": 2,
        "target": "price",
        "classes": None,
    },
    "data/separable": {"points": 60, "input": "point", "target": "side", "label": True},
    "data/xor": {"input": "bits", "target": "differ", "label": True},
}

# A network as the compiler writes them, with layers of few words.
NET = """
class Affine(Module):
    def __init__(self, inputs, units):
        self.weight = Parameter((inputs, units), fan_in=inputs, axes=(1, 0))
        self.bias = Parameter((units,), fan_in=inputs, decay=False)

    def forward(self, x, training):
        if training:
            self.kept = x
        return x @ self.weight.value + self.bias.value

    def backward(self, d_y):
        self.weight.gradient[...] = self.kept.T @ d_y
        self.bias.gradient[...] = d_y.sum(axis=0)
        return d_y @ self.weight.value.T


class Dropout(Module):
    def forward(self, x, training):
        self.mask = (self.rng.random(x.shape) < 0.5).astype(x.dtype) * 2
        return x * self.mask if training else x


class Net(Network):
    def __init__(self, seed=0, dtype=np.float32):
        self.dropout1 = Dropout()
        self.affine1 = Affine(12, 10)
        self.affine2 = Affine(10, 10)
        self.prepare(seed, dtype)

    def compute(self, image, training):
        x = image.reshape(len(image), -1)
        if hasattr(self.dropout1, "rng"):
            x = self.dropout1.forward(x, training)
        return self.affine2.forward(np.tanh(self.affine1.forward(x, training)), training)

    def forward(self, image):
        return self.compute(image, False)

    def loss(self, image, digit, training=True):
        z = self.compute(image, training)
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(z))
        if training:
            self.d_z = (p - np.eye(10, dtype=p.dtype)[digit]) / len(z)
        return float(-np.mean(np.log(p[rows, digit])))

    def backward(self):
        y = self.affine2.kept
        self.affine1.backward(self.affine2.backward(self.d_z) * (1 - y * y))
        return dict(self.public_gradients)
"""


def render(template: str, /, **context: Any) -> str:
    """Return one rendered template, without blank lines around it."""
    return rendering.render("numpy", template, **context)


def join(parts: list[str], threads: bool = False) -> str:
    """Return a whole file: the imports that the parts need, then the parts."""
    body = "\n\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
    head = render("train/threads") if threads else ""
    names = [name for name in MODULES if re.search(rf"\b{name}\.\w", head + body)]
    imports = [f"import {name}" for name in names]
    imports += ["from pathlib import Path"] if re.search(r"\bPath\b", body) else []
    blocks = ["\n".join(imports), head, "import numpy as np"]
    return "\n\n".join(block for block in blocks if block) + f"\n\n\n{body}"


def load(*parts: str) -> types.SimpleNamespace:
    """Run a file made of some parts and return what it defines."""
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(join(list(parts)), "generated.py", "exec"), namespace)
    return types.SimpleNamespace(**namespace)


def frame(**changes: Any) -> list[str]:
    """Return the parts that every network has."""
    return [render("module"), render("safetensors"), render("network", **FRAME | changes)]


def script(
    *,
    data: str | None = None,
    optimizer: str | None = None,
    extras: tuple[str, ...] = (),
    metrics: tuple[dict[str, Any], ...] = (ACCURACY,),
    frame_changes: dict[str, Any] | None = None,
    loop: dict[str, Any] | None = None,
    command: dict[str, Any] | None = None,
) -> str:
    """Return a script that trains `Net`."""
    return join(
        [
            *frame(**frame_changes or {}),
            NET,
            data or render("data/idx", **IDX),
            render("train/chunks"),
            optimizer or render("train/adam", **ADAM),
            *extras,
            render("train/batches"),
            render("train/evaluate", inputs=["image"], metrics=metrics),
            render("train/loop", **LOOP | (loop or {})),
            render("train/command", **COMMAND | (command or {})),
        ],
        threads=True,
    )


def write_script(folder: Path, **changes: Any) -> Path:
    """Write the script of `script` into a folder; returns its path."""
    path = folder / "net.py"
    path.write_text(script(**changes), encoding="utf-8")
    return path


def part(name: str, **changes: Any) -> str:
    """Return a template rendered with its sample context, in which some values differ."""
    return render(name, **CONTEXTS[name] | changes)


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
    "extras": tuple(part(f"train/{name}") for name in ("piecewise", "l2", "clip", "split")),
    "frame_changes": {"penalty": True, "dropout": True},
    "loop": dict.fromkeys(("schedule", "penalty", "clip", "split", "dropout"), True),
    "command": {"rate": None},
    "metrics": (ACCURACY, {**ACCURACY, "name": "loss", "form": None, "target": None}),
}
