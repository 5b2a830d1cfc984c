"""The benchmarked networks, and a training step of each on either target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from common import ROOT, import_file

CLASSES = 10
TRAIN = """
train {
  data      npz("examples.npz")
  epochs    1
  batch     16
  optimizer sgd(0.01)
}
"""
"""For specs without a training section: the update of the weights is a part of a step."""


@dataclass(frozen=True)
class Network:
    """A spec with its settings, and the bar at one thread (`None`: for information).

    `image` is [channels, height, width]; `adam` says which optimizer updates the weights, `penalty`
    the strength of L2.
    """

    name: str
    spec: str
    batch: int
    bar: float | None
    image: tuple[int, int, int] = (1, 28, 28)
    settings: tuple[str, ...] = ()
    adam: bool = False
    rate: float = 0.01
    penalty: float = 0.0


def _family(name: str, spec: str, side: int, *settings: str) -> Network:
    """A network for colour images, at a size that fits."""
    sizes = (f"size={side}", f"classes={CLASSES}")
    return Network(name, spec, 16, 1.5, (3, side, side), (*sizes, *settings))


NETWORKS = {
    network.name: network
    for network in (
        Network("softmax_regression", "softmax_regression", 256, 1.05, rate=0.1),
        Network("mlp", "mlp", 64, 1.05, rate=0.1, penalty=1e-4),
        Network("lenet", "lenet", 32, 1.5, adam=True, rate=0.004),
        Network("book_cnn", "book_cnn", 64, 1.2, adam=True, rate=0.002),
        _family("alexnet", "alexnet", 99),
        _family("vgg11", "vgg", 64),
        _family("vgg16", "vgg", 64, "layers=[2, 2, 3, 3, 3]"),
        _family("nin", "nin", 99),
        _family("googlenet", "googlenet", 96),
        _family("resnet18", "resnet", 64),
        _family("resnet50", "resnet", 64, "layers=[3, 4, 6, 3]", "bottleneck=true"),
        _family("densenet121", "densenet", 64),
    )
}


def examples(network: Network) -> tuple[Any, Any]:
    """Made-up images and labels, the same in every process."""
    import numpy as np

    rng = np.random.default_rng(0)
    image = rng.random((network.batch, *network.image), dtype=np.float32)
    return image, rng.integers(0, CLASSES, network.batch)


# ---------------------------------------------------------------- files


def script(folder: Path, target: str) -> Path:
    """Where the code for a target lies."""
    return folder / f"{target}_side.py"


def compile_sides(network: Network, folder: Path) -> None:
    """Compile a network for both targets, and write weights that both read."""
    from specc.diagnostics import Diagnostics
    from specc.options import Options
    from specc.pipeline import generate
    from specc.source import Source

    path = ROOT / "specs" / f"{network.spec}.net"
    text = path.read_text("utf-8")
    source = Source(path.name, text if "\ntrain {" in text else text + TRAIN, path)
    for target in ("numpy", "pytorch"):
        options = Options(settings=network.settings, target=target)
        file = script(folder, target)
        made = generate(source, options, output=file, diagnostics=Diagnostics())
        file.write_text(made.text, encoding="utf-8")
    net_of(import_file(script(folder, "numpy"))).save(folder / "weights.safetensors")


def net_of(module: ModuleType) -> Any:
    """The network that a generated file defines."""
    (made,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__base__ is module.Network
    )
    return made()


def load_net(folder: Path, target: str) -> tuple[ModuleType, Any]:
    """The module and the network of a target, with the common weights."""
    module = import_file(script(folder, target))
    net = net_of(module)
    net.load(folder / "weights.safetensors")
    return module, net


# ---------------------------------------------------------------- steps


def training_step(network: Network, folder: Path, target: str) -> Callable[[], None]:
    """A training step on fixed examples: forward, loss, backward, update."""
    module, net = load_net(folder, target)
    if target == "numpy":
        return _numpy_step(network, module, net)
    return _torch_step(network, net)


def _numpy_step(network: Network, module: ModuleType, net: Any) -> Callable[[], None]:
    optimizer = (module.Adam if network.adam else module.SGD)(net)
    penalty = getattr(module, "add_penalty", None)
    image, label = examples(network)

    def step() -> None:
        net.loss(image, label)
        net.backward()
        if penalty is not None:
            penalty(net)
        optimizer.step(network.rate)

    return step


def _torch_step(network: Network, net: Any) -> Callable[[], None]:
    import torch

    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": network.penalty},
        {"params": biases},
    ]
    kind = torch.optim.Adam if network.adam else torch.optim.SGD
    optimizer = kind(groups, lr=network.rate)
    image, label = map(torch.from_numpy, examples(network))

    def step() -> None:
        optimizer.zero_grad()
        net.loss(image, label).backward()
        optimizer.step()

    return step


def gradients(network: Network, folder: Path, target: str) -> tuple[float, dict[str, Any]]:
    """Loss and gradients of the first step in float64, without dropout."""
    _, net = load_net(folder, target)
    image, label = examples(network)
    image = image.astype("float64")
    if target == "numpy":
        for _, part in net.parts():
            if hasattr(part, "rate"):
                part.rate = 0
        return float(net.astype("float64").loss(image, label)), net.backward()
    import torch

    for part in net.double().modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    loss = net.loss(torch.from_numpy(image), torch.from_numpy(label))
    return loss.item(), {name: g.numpy() for name, g in net.backward().items()}
