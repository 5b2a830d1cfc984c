"""The benchmarked networks, and a training step of each on either target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from common import ROOT, import_file

if TYPE_CHECKING:
    from specc.source import Source

CLASSES = 10
TRAIN = """
train {{
  data      npz("examples.npz")
  epochs    1
  batch     16
  optimizer {optimizer}
}}
"""
"""For specs without a training section: the update of the weights is a part of a step."""


WAVES = """
net Waves {{
  input  x: real[{steps}, 1]
  target y: real[1]
  {layer}
  last
  dense(1)
  loss mse
}}
"""
CHARACTERS = """
net Characters {{
  input  x: token[{steps}] of 28
  target y: label[{steps}] of 28
  one_hot(28)
  {layer}
  dense(28)
  loss cross_entropy
}}
"""
REVIEWS = """
net Reviews {{
  input  x: token[{steps}] of 20000
  target y: label of 2
  embedding(20000, 50)
  {layer}
  last
  dense(2)
  loss cross_entropy
}}
"""


@dataclass(frozen=True)
class Network:
    """A spec with its settings, and the bar at one thread (`None`: for information).

    `spec` is the name of one that ships, or a text; `adam` says which optimizer updates the
    weights.
    """

    name: str
    spec: str
    batch: int
    bar: float | None
    settings: tuple[str, ...] = ()
    adam: bool = False
    rate: float = 0.01


def _family(name: str, spec: str, side: int, *settings: str) -> Network:
    """A network for colour images, at a size that fits."""
    sizes = (f"size={side}", f"classes={CLASSES}")
    return Network(name, spec, 16, 1.5, (*sizes, *settings))


def _sequence(
    name: str, text: str, layer: str, steps: int, batch: int, bar: float | None = None
) -> Network:
    """A recurrent layer in a network of tokens or numbers."""
    return Network(name, text.format(layer=layer, steps=steps), batch, bar, adam=True)


NETWORKS = {
    network.name: network
    for network in (
        Network("softmax_regression", "softmax_regression", 256, 1.05, rate=0.1),
        Network("mlp", "mlp", 64, 1.05, rate=0.1),
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
        _sequence("rnn_waves", WAVES, "rnn(30, layers=3)", 10, 32, 0.3),
        _sequence("gru_reviews", REVIEWS, "gru(32, layers=3)", 400, 16, 0.5),
        _sequence("bigru_reviews", REVIEWS, "gru(32, layers=3, bidirectional=true)", 400, 16, 0.6),
        _sequence("lstm_characters", CHARACTERS, "lstm(128, layers=3)", 64, 32, 1.0),
        _sequence("lstm_small", CHARACTERS, "lstm(32)", 64, 32),
        _sequence("lstm_large", CHARACTERS, "lstm(256)", 35, 64),
        _sequence("gru_characters", CHARACTERS, "gru(128)", 35, 64),
        _sequence("gru_single", REVIEWS, "gru(32, layers=3)", 400, 1),
        _sequence("rnn_characters", CHARACTERS, "rnn(256)", 35, 32),
    )
}


# ---------------------------------------------------------------- files


def script(folder: Path, target: str) -> Path:
    """Where the code for a target lies."""
    return folder / f"{target}_side.py"


def source_of(network: Network) -> Source:
    """Its spec, with a training section: the update of the weights is a part of a step."""
    from specc.source import Source

    path = ROOT / "specs" / f"{network.spec}.net"
    text = network.spec if "{" in network.spec else path.read_text("utf-8")
    if "\ntrain {" not in text:
        text += TRAIN.format(optimizer="adam(0.01)" if network.adam else "sgd(0.01)")
    return Source(f"{network.name}.net", text, path)


def compile_sides(network: Network, folder: Path) -> None:
    """Compile a network for both targets; write weights and made-up examples that both read."""
    import numpy as np

    from specc.diagnostics import Diagnostics
    from specc.options import Options
    from specc.pipeline import generate, shape_one
    from specc.verification.batches import cast, draw_batch

    source, settings = source_of(network), Options(settings=network.settings)
    shaped = shape_one(source, settings, Diagnostics())
    batch = draw_batch(shaped, {}, network.batch, np.random.default_rng(0))
    np.savez(folder / "examples.npz", **cast(batch, np.float32))
    for target in ("numpy", "pytorch"):
        options = replace(settings, target=target)
        file = script(folder, target)
        made = generate(source, options, output=file, diagnostics=Diagnostics())
        file.write_text(made.text, encoding="utf-8")
    net_of(import_file(script(folder, "numpy"))).save(folder / "weights.safetensors")


def examples(folder: Path) -> list[Any]:
    """The inputs and targets of a step."""
    import numpy as np

    with np.load(folder / "examples.npz") as arrays:
        return list(arrays.values())


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
        return _numpy_step(network, module, net, examples(folder))
    return _torch_step(network, module, net, examples(folder))


def _numpy_step(
    network: Network, module: ModuleType, net: Any, arrays: list[Any]
) -> Callable[[], None]:
    optimizer = (module.Adam if network.adam else module.SGD)(net)
    penalty = getattr(module, "add_penalty", None)

    def step() -> None:
        net.loss(*arrays)
        net.backward()
        if penalty is not None:
            penalty(net)
        optimizer.step(network.rate)

    return step


def _torch_step(
    network: Network, module: ModuleType, net: Any, arrays: list[Any]
) -> Callable[[], None]:
    import torch

    optimizer = module.make_optimizer(net, network.rate)
    tensors = [torch.from_numpy(array) for array in arrays]

    def step() -> None:
        optimizer.zero_grad()
        net.loss(*tensors).backward()
        optimizer.step()

    return step


def gradients(folder: Path, target: str) -> tuple[float, dict[str, Any]]:
    """Loss and gradients of the first step in float64, without dropout."""
    _, net = load_net(folder, target)
    arrays = [a.astype("float64") if a.dtype.kind == "f" else a for a in examples(folder)]
    if target == "numpy":
        for _, part in net.parts():
            if hasattr(part, "rate"):
                part.rate = 0
        return float(net.astype("float64").loss(*arrays)), net.backward()
    import torch

    for part in net.double().modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
    loss = net.loss(*map(torch.from_numpy, arrays))
    return loss.item(), {name: g.numpy() for name, g in net.backward().items()}
