"""The convolutional families: as many parameters and multiply-adds as published, or as counted by
hand, and the same results as written by hand in PyTorch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from compiled import compile_file, worst
from torch import nn
from torch_networks import INCEPTIONS, alexnet, densenet, googlenet, nin, resnet, vgg

from specc.diagnostics import Diagnostics
from specc.pipeline import analyse, load
from specc.resources import resource
from specc.small import small_settings
from specc.summarize import Summary, summarize

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"


@dataclass(frozen=True)
class Row:
    """A network of the table: its spec, settings, and the numbers as they stand there."""

    name: str
    spec: str
    settings: tuple[str, ...]
    parameters: int
    published: int | None
    multiply_adds: str
    published_multiply_adds: str


def rows() -> list[Row]:
    """The table of `docs/networks.md`."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 8 or not cells[3][:1].isdigit():
            continue
        name, spec, settings, parameters, published, multiply_adds, also, _ = cells
        given = tuple(re.findall(r"`([^`]+)`", settings))
        count = int(published.replace(",", "")) if published else None
        number = int(parameters.replace(",", ""))
        found.append(Row(name, spec.strip("`"), given, number, count, multiply_adds, also))
    return found


ROWS = rows()
FAMILIES = {"alexnet", "vgg", "nin", "googlenet", "resnet", "densenet"}
"""The large specs."""


def summary(spec: str, settings: Sequence[str] = ()) -> Summary:
    """What `specc summary` says of a shipped spec."""
    path = resource("specs", f"{spec}.net")
    (shaped,) = analyse(load(path), Diagnostics(), settings=settings).values()
    return summarize(shaped)


# ---------------------------------------------------------------- as published


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_page_is_right(row: Row) -> None:
    found = summary(row.spec, row.settings)
    assert found.parameters == row.parameters
    assert row.published in (None, row.parameters)
    assert f"{found.multiply_adds / 1e9:.3f} G" == row.multiply_adds
    assert row.published_multiply_adds in ("", row.multiply_adds)


def test_the_page_has_every_family() -> None:
    assert len(ROWS) == 21
    assert {row.spec for row in ROWS} == FAMILIES


# ---------------------------------------------------------------- as counted by hand


def conv(given: int, made: int, kernel: int, groups: int = 1) -> int:
    """Weights and biases of a convolution, or with a kernel of 1 of a dense layer."""
    return given // groups * made * kernel**2 + made


def norm(channels: int) -> int:
    """Scale and shift."""
    return 2 * channels


def count_alexnet(side: int, classes: int, channels: int, groups: int) -> int:
    convolutions = (
        conv(channels, 96, 11)
        + conv(96, 256, 5, groups)
        + conv(256, 384, 3)
        + conv(384, 384, 3, groups)
        + conv(384, 256, 3, groups)
    )
    return (
        convolutions + conv(256 * side**2, 4096, 1) + conv(4096, 4096, 1) + conv(4096, classes, 1)
    )


def count_nin(classes: int, channels: int, width: int) -> int:
    first = conv(channels, 96, 11) + 2 * conv(96, 96, 1)
    second = conv(96, 256, 5) + 2 * conv(256, 256, 1)
    third = conv(256, 384, 3) + 2 * conv(384, 384, 1)
    last = conv(384, width, 3) + conv(width, width, 1) + conv(width, classes, 1)
    return first + second + third + last


def count_inception(
    given: int, one: int, three_reduce: int, three: int, five_reduce: int, five: int, pool: int
) -> int:
    middle = conv(given, three_reduce, 1) + conv(three_reduce, three, 3)
    wide = conv(given, five_reduce, 1) + conv(five_reduce, five, 5)
    return conv(given, one, 1) + middle + wide + conv(given, pool, 1)


def count_googlenet(classes: int, channels: int) -> int:
    total = conv(channels, 64, 7) + conv(64, 64, 1) + conv(64, 192, 3) + conv(1024, classes, 1)
    for line in INCEPTIONS.split("\n")[1:-1]:
        total += count_inception(*map(int, line.split()))
    return total


def count_resnet_18_with_biases(classes: int, channels: int) -> int:
    total = conv(channels, 64, 7) + norm(64) + conv(512, classes, 1)
    for given, made in ((64, 64), (64, 128), (128, 256), (256, 512)):
        total += conv(given, made, 3) + 3 * conv(made, made, 3) + 4 * norm(made)
        total += conv(given, made, 1) if given != made else 0
    return total


def count_densenet_of_the_notes(classes: int, channels: int) -> int:
    total, width = conv(channels, 64, 7) + norm(64), 64
    for block in range(4):
        for _ in range(4):
            total, width = total + norm(width) + conv(width, 32, 3), width + 32
        if block < 3:
            total, width = total + norm(width) + conv(width, width // 2, 1), width // 2
    return total + norm(width) + conv(width, classes, 1)


def normed(given: int, made: int, kernel: int) -> int:
    """A convolution without bias and the batch normalisation behind it."""
    return given * made * kernel**2 + norm(made)


def count_densenet_digits() -> int:
    """Three layers of 12 channels twice, from 24 channels to 60, and from 30 to 66."""
    layers = sum(norm(n) + n * 12 * 9 for n in (24, 36, 48, 30, 42, 54))
    return 24 * 9 + norm(24) + layers + norm(60) + 60 * 30 + norm(66) + conv(66, 10, 1)


DIGITS = {
    "alexnet_digits": conv(1, 12, 3) + conv(12, 32, 5) + conv(32, 48, 3) + conv(48, 48, 3)
    + conv(48, 32, 3) + conv(32 * 9, 128, 1) + conv(128, 128, 1) + conv(128, 10, 1),
    "vgg_digits": conv(1, 16, 3) + conv(16, 16, 3) + conv(16, 32, 3) + conv(32, 32, 3)
    + conv(32 * 49, 128, 1) + conv(128, 10, 1),
    "nin_digits": conv(1, 16, 5) + 2 * conv(16, 16, 1) + conv(16, 32, 3) + 2 * conv(32, 32, 1)
    + conv(32, 48, 3) + conv(48, 48, 1) + conv(48, 10, 1),
    "googlenet_digits": conv(1, 16, 5) + count_inception(16, 8, 12, 16, 4, 4, 4)
    + count_inception(32, 16, 16, 24, 4, 12, 8) + count_inception(60, 24, 12, 26, 4, 8, 8)
    + conv(66, 10, 1),
    "resnet_digits": normed(1, 16, 3) + 2 * normed(16, 16, 3)
    + normed(16, 32, 3) + normed(32, 32, 3) + normed(16, 32, 1)
    + normed(32, 64, 3) + normed(64, 64, 3) + normed(32, 64, 1) + conv(64, 10, 1),
    "densenet_digits": count_densenet_digits(),
}  # fmt: skip
"""How many numbers the small networks learn."""


BY_HAND = {
    "AlexNet": count_alexnet(6, 1000, 3, groups=2),
    "AlexNet, notes": count_alexnet(5, 10, 1, groups=1),
    "NiN": count_nin(1000, 3, 1024),
    "NiN, notes": count_nin(10, 1, 10),
    "GoogLeNet": count_googlenet(1000, 3),
    "GoogLeNet, notes": count_googlenet(10, 1),
    "ResNet-18, notes": count_resnet_18_with_biases(10, 1),
    "DenseNet, notes": count_densenet_of_the_notes(10, 1),
}


def test_what_is_not_torchvisions_is_counted_by_hand() -> None:
    counted = {row.name for row in ROWS if not row.published_multiply_adds}
    assert counted == BY_HAND.keys()


@pytest.mark.parametrize("name", BY_HAND)
def test_as_many_parameters_as_counted_by_hand(name: str) -> None:
    (row,) = (row for row in ROWS if row.name == name)
    assert summary(row.spec, row.settings).parameters == BY_HAND[name]


# ---------------------------------------------------------------- the same in PyTorch


MODULES: dict[str, tuple[str, list[str], Callable[[], nn.Module]]] = {
    "alexnet": ("alexnet", [], partial(alexnet, 1)),
    "alexnet in groups": ("alexnet", ["groups=2"], partial(alexnet, 2)),
    "vgg": ("vgg", [], partial(vgg, (1, 2, 1, 1, 1))),
    "nin": ("nin", [], partial(nin, 10)),
    "nin, wide": ("nin", ["width=24"], partial(nin, 24)),
    "googlenet": ("googlenet", ["drop=0"], googlenet),
    "resnet": ("resnet", [], partial(resnet, (2, 1, 1, 1), False, False)),
    "resnet, notes": ("resnet", ["bias=true"], partial(resnet, (2, 1, 1, 1), False, True)),
    "resnet of bottlenecks": (
        "resnet",
        ["layers=[1, 2, 1, 1]", "bottleneck=true"],
        partial(resnet, (1, 2, 1, 1), True, False),
    ),
    "densenet": ("densenet", [], partial(densenet, (2, 1, 2, 1), 8, True, False)),
    "densenet, notes": (
        "densenet",
        ["bottleneck=false", "bias=true"],
        partial(densenet, (2, 1, 2, 1), 8, False, True),
    ),
}
"""Spec, settings beside the small ones, and the network in PyTorch."""


@pytest.mark.parametrize("name", MODULES)
def test_results_are_those_of_a_pytorch_module(name: str) -> None:
    """The same parameters, in the same order, give the same logits and gradients; with dropout,
    whose masks differ, the logits."""
    spec, settings, make = MODULES[name]
    path = resource("specs", f"{spec}.net")
    given = {**small_settings(path), **dict(s.split("=", 1) for s in settings)}
    compiled = compile_file(path, [f"{n}={v}" for n, v in given.items()])
    module = make().double()
    numbers = compiled.numbers()
    with torch.no_grad():
        for own, (key, array) in zip(module.parameters(), numbers.items(), strict=True):
            assert own.shape == array.shape, key
            own.copy_(torch.from_numpy(array))
    batch = compiled.batch(3)
    image, category = torch.from_numpy(batch["image"]), torch.from_numpy(batch["category"])
    logits = module.eval()(image).detach().numpy()
    np.testing.assert_allclose(compiled.net.forward(batch["image"]), logits, rtol=1e-8, atol=1e-10)
    if not any(isinstance(part, nn.Dropout) for part in module.modules()):
        nn.functional.cross_entropy(module.train()(image), category).backward()
        gradients = (p.grad.numpy() for p in module.parameters() if p.grad is not None)
        wanted = dict(zip(numbers, gradients, strict=True))
        assert worst(compiled.gradients(batch), wanted) < 1e-8  # biases before a norm: noise
