"""The networks of the papers in PyTorch, by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

INCEPTIONS = """
192   64   96 128  16  32  32
256  128  128 192  32  96  64
480  192   96 208  16  48  64
512  160  112 224  24  64  64
512  128  128 256  24  64  64
512  112  144 288  32  64  64
528  256  160 320  32 128 128
832  256  160 320  32 128 128
832  384  192 384  48 128 128
"""
"""Table 1 of Szegedy et al.: channels that come in, #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5,
pool proj."""


class Join(nn.Module):
    """Paths from one tensor, joined."""

    def __init__(self, join: Callable[[list[torch.Tensor]], torch.Tensor], *paths: nn.Module):
        super().__init__()
        self.join, self.paths = join, nn.ModuleList(paths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.join([path(x) for path in self.paths])


add = partial(Join, sum)
concat = partial(Join, partial(torch.cat, dim=1))
chain = nn.Sequential


def conv_relu(given: int, made: int, kernel: int, **options: int) -> nn.Module:
    return chain(nn.Conv2d(given, made, kernel, **options), nn.ReLU())


def classifier(features: int, units: int, classes: int) -> nn.Module:
    return chain(
        *(nn.Flatten(), nn.Linear(features, units), nn.ReLU(), nn.Dropout(0.5)),
        *(nn.Linear(units, units), nn.ReLU(), nn.Dropout(0.5), nn.Linear(units, classes)),
    )


def head(features: int, classes: int) -> nn.Module:
    return chain(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes))


def alexnet(groups: int) -> nn.Module:
    """Images of 67×67: one pixel is left."""
    return chain(
        *(conv_relu(3, 96, 11, stride=4), nn.MaxPool2d(3, 2)),
        *(conv_relu(96, 256, 5, padding=2, groups=groups), nn.MaxPool2d(3, 2)),
        conv_relu(256, 384, 3, padding=1),
        conv_relu(384, 384, 3, padding=1, groups=groups),
        *(conv_relu(384, 256, 3, padding=1, groups=groups), nn.MaxPool2d(3, 2)),
        classifier(256, 32, 10),
    )


def vgg(layers: Sequence[int]) -> nn.Module:
    """Images of 32×32: one pixel is left."""
    parts, given = [], 3
    for count, made in zip(layers, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            parts.append(conv_relu(given, made, 3, padding=1))
            given = made
        parts.append(nn.MaxPool2d(2))
    return chain(*parts, classifier(512, 32, 10))


def nin(width: int) -> nn.Module:
    def block(given: int, made: int, kernel: int, last: int, **options: int) -> nn.Module:
        first = conv_relu(given, made, kernel, **options)
        return chain(first, conv_relu(made, made, 1), conv_relu(made, last, 1))

    return chain(
        *(block(3, 96, 11, 96, stride=4), nn.MaxPool2d(3, 2)),
        *(block(96, 256, 5, 256, padding=2), nn.MaxPool2d(3, 2)),
        *(block(256, 384, 3, 384, padding=1), nn.MaxPool2d(3, 2), nn.Dropout(0.5)),
        *(block(384, width, 3, 10, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def googlenet() -> nn.Module:
    blocks = []
    for line in INCEPTIONS.split("\n")[1:-1]:
        given, one, three_reduce, three, five_reduce, five, pool = map(int, line.split())
        blocks.append(
            concat(
                conv_relu(given, one, 1),
                chain(
                    conv_relu(given, three_reduce, 1), conv_relu(three_reduce, three, 3, padding=1)
                ),
                chain(conv_relu(given, five_reduce, 1), conv_relu(five_reduce, five, 5, padding=2)),
                chain(nn.MaxPool2d(3, 1, 1), conv_relu(given, pool, 1)),
            )
        )
    halve = nn.MaxPool2d(3, 2, 1)
    return chain(
        *(conv_relu(3, 64, 7, stride=2, padding=3), halve),
        *(conv_relu(64, 64, 1), conv_relu(64, 192, 3, padding=1), halve),
        *(*blocks[:2], halve, *blocks[2:7], halve, *blocks[7:], head(1024, 10)),
    )


def resnet(layers: Sequence[int], bottleneck: bool, bias: bool) -> nn.Module:
    def norm_conv(given: int, made: int, kernel: int, stride: int = 1) -> nn.Module:
        plain = nn.Conv2d(given, made, kernel, stride, kernel // 2, bias=bias)
        return chain(plain, nn.BatchNorm2d(made))

    def block(given: int, width: int, stride: int) -> nn.Module:
        made = 4 * width if bottleneck else width
        shapes = [(given, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(given, width, 1, 1), (width, width, 3, stride), (width, made, 1, 1)]
        steps = [part for shape in shapes for part in (norm_conv(*shape), nn.ReLU())][:-1]
        shortcut: nn.Module = nn.Identity()
        if stride > 1 or given != made:
            shortcut = norm_conv(given, made, 1, stride)
            shortcut = shortcut[0] if bias else shortcut  # type: ignore[index]
        return chain(add(chain(*steps), shortcut), nn.ReLU())

    parts, given = [norm_conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(layers):
        for index in range(count):
            parts.append(block(given, 64 * 2**stage, 2 if stage and not index else 1))
            given = 64 * 2**stage * (4 if bottleneck else 1)
    return chain(*parts, head(given, 10))


def densenet(layers: Sequence[int], growth: int, bottleneck: bool, bias: bool) -> nn.Module:
    def conv_of_norm(given: int, made: int, kernel: int) -> nn.Module:
        last = nn.Conv2d(given, made, kernel, padding=kernel // 2, bias=bias)
        return chain(nn.BatchNorm2d(given), nn.ReLU(), last)

    width = 2 * growth
    stem = nn.Conv2d(3, width, 7, 2, 3, bias=bias)
    parts = [stem, nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for index, count in enumerate(layers):
        if index:
            parts += [conv_of_norm(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
        for _ in range(count):
            inner = 4 * growth if bottleneck else width
            steps = [conv_of_norm(width, inner, 1)] if bottleneck else []
            parts.append(concat(nn.Identity(), chain(*steps, conv_of_norm(inner, growth, 3))))
            width += growth
    return chain(*parts, nn.BatchNorm2d(width), nn.ReLU(), head(width, 10))
