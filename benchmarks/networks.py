"""The benchmarked networks by hand in PyTorch, and what a step of each is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Network:
    """A spec, its PyTorch counterpart, and the bar at one thread (`None`: for information).

    `batch` and `rate` are those of the spec; `adam` says which optimizer updates it, `penalty`
    the strength of L2.
    """

    spec: str
    batch: int
    rate: float
    adam: bool
    bar: float | None
    layers: Callable[[], Iterable[tuple[str, nn.Module]]]
    penalty: float = 0.0


def softmax_regression() -> Iterable[tuple[str, nn.Module]]:
    """784-10."""
    from torch import nn

    return [("flatten", nn.Flatten()), ("dense1", nn.Linear(784, 10))]


def mlp() -> Iterable[tuple[str, nn.Module]]:
    """784-512-10 (book, chapter 3)."""
    from torch import nn

    return [
        ("flatten", nn.Flatten()),
        ("dense1", nn.Linear(784, 512)),
        ("relu", nn.ReLU()),
        ("dense2", nn.Linear(512, 10)),
    ]


def lenet() -> Iterable[tuple[str, nn.Module]]:
    """LeNet of the notes."""
    from torch import nn

    return [
        ("conv1", nn.Conv2d(1, 6, 5, padding=2)),
        ("sigmoid1", nn.Sigmoid()),
        ("maxpool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(6, 16, 5)),
        ("sigmoid2", nn.Sigmoid()),
        ("maxpool2", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("dense1", nn.Linear(400, 120)),
        ("sigmoid3", nn.Sigmoid()),
        ("dense2", nn.Linear(120, 84)),
        ("sigmoid4", nn.Sigmoid()),
        ("dense3", nn.Linear(84, 10)),
    ]


def book_cnn() -> Iterable[tuple[str, nn.Module]]:
    """The convolutional network of the book, chapters 4 and 5."""
    from torch import nn

    return [
        ("conv1", nn.Conv2d(1, 32, 5, padding=2)),
        ("relu1", nn.ReLU()),
        ("maxpool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(32, 64, 5, padding=2)),
        ("relu2", nn.ReLU()),
        ("maxpool2", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("dense1", nn.Linear(3136, 512)),
        ("relu3", nn.ReLU()),
        ("dense2", nn.Linear(512, 10)),
    ]


NETWORKS = {
    network.spec: network
    for network in (
        Network("softmax_regression", 256, 0.1, False, 1.05, softmax_regression),
        Network("mlp", 64, 0.1, False, 1.05, mlp, penalty=1e-4),
        Network("lenet", 32, 0.004, True, None, lenet),
        Network("book_cnn", 64, 0.002, True, 1.2, book_cnn),
    )
}


def torch_step(
    network: Network, weights: str
) -> Callable[[], tuple[float, dict[str, torch.Tensor]]]:
    """A training step in PyTorch eager on fixed examples; gives loss and gradients."""
    import torch
    from safetensors.torch import load_file
    from step import examples
    from torch import nn
    from torch.nn import functional

    net = nn.Sequential()
    for name, layer in network.layers():
        net.add_module(name, layer)
    net.load_state_dict(load_file(weights))
    image, digit = map(torch.from_numpy, examples(network.batch))
    optimizer = _optimizer(network, net)

    def step() -> tuple[float, dict[str, torch.Tensor]]:
        optimizer.zero_grad()
        loss = functional.cross_entropy(net(image), digit)
        loss.backward()
        optimizer.step()
        return loss.item(), {n: p.grad for n, p in net.named_parameters() if p.grad is not None}

    return step


def _optimizer(network: Network, net: nn.Module) -> torch.optim.Optimizer:
    import torch

    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    groups = [
        {"params": weights, "weight_decay": network.penalty},
        {"params": biases, "weight_decay": 0.0},
    ]
    if network.adam:
        return torch.optim.Adam(groups, lr=network.rate)
    return torch.optim.SGD(groups, lr=network.rate)
