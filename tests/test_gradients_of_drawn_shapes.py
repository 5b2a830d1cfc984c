"""Ops on drawn shapes, with drawn arguments, as PyTorch has them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from op_samples import DRAWN, check_drawn, image, one, padding, pair

from specc.ops.registry import ops


@DRAWN
@given(
    image,
    pair,
    pair,
    padding,
    pair,
    st.integers(1, 2),
    st.booleans(),
    st.integers(1, 2),
    st.integers(1, 3),
)
def test_conv(
    shape: tuple[int, int, int],
    kernel: str,
    stride: str,
    pad: str,
    dilation: str,
    groups: int,
    bias: bool,
    multiple: int,
    n: int,
) -> None:
    """Stride remainders, padding wider than the kernel, dilation, groups, 1x1 images."""
    channels = shape[0] * groups
    options = f"stride={stride}, pad={pad}, dilation={dilation}, groups={groups}"
    call = f"conv({groups * multiple}, {kernel}, {options}, bias={str(bias).lower()})"
    check_drawn(call, (channels, *shape[1:]), n=n)


@DRAWN
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), image, st.integers(7, 9))
def test_conv_that_keeps_the_size(
    height: int, width: int, dilation: int, shape: tuple[int, int, int], wide: int
) -> None:
    """`pad="same"`, few channels and many: they have kernels of their own."""
    call = f'conv(3, [{height}, {width}], pad="same", dilation={dilation})'
    check_drawn(call, shape)
    check_drawn(call, (wide, *shape[1:]))


@DRAWN
@given(st.integers(8, 10), one, one, st.integers(0, 2), st.integers(1, 7), st.integers(1, 7))
def test_conv_with_many_channels(
    channels: int, height: int, width: int, pad: int, rows: int, columns: int
) -> None:
    """The kernel for a stride of 1, and the one for 1x1 windows."""
    check_drawn(f"conv(4, [{height}, {width}], pad={pad})", (channels, rows, columns))


@DRAWN
@given(st.sampled_from(["maxpool", "avgpool"]), image, pair, pair, padding, st.integers(1, 3))
def test_pools(
    name: str, shape: tuple[int, int, int], kernel: str, stride: str, pad: str, n: int
) -> None:
    """Overlapping windows, gaps between windows, remainders, padding."""
    check_drawn(f"{name}({kernel}, stride={stride}, pad={pad})", shape, n=n)


@DRAWN
@given(st.sampled_from(["maxpool", "avgpool"]), image, pair)
def test_pools_that_tile_the_image(name: str, shape: tuple[int, int, int], kernel: str) -> None:
    """Rows and columns that are left over get no gradient."""
    check_drawn(f"{name}({kernel})", shape)


@DRAWN
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=2),
    st.integers(1, 4),
    st.booleans(),
    st.integers(1, 4),
)
def test_dense(shape: list[int], units: int, bias: bool, n: int) -> None:
    check_drawn(f"dense({units}, bias={str(bias).lower()})", tuple(shape), n=n)


@DRAWN
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_concat(shape: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    shapes = [tuple(shape)]
    for size in sizes:
        other = list(shape)
        other[axis] = size
        shapes.append(tuple(other))
    check_drawn(f"concat(axis={axis})", *shapes)


@DRAWN
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_reshape_and_flatten(shape: list[int], data: st.DataObject) -> None:
    """Any shape to any other of as many numbers, images included."""
    count = int(np.prod(shape))
    first = data.draw(st.sampled_from([d for d in range(1, count + 1) if count % d == 0]))
    rest = count // first
    second = data.draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0]))
    sizes = [[count], [first, rest], [first, second, rest // second]]
    check_drawn(f"reshape({data.draw(st.sampled_from(sizes))})", tuple(shape))
    check_drawn("flatten", tuple(shape))


@DRAWN
@given(
    st.sampled_from(["add", "multiply"]), st.integers(2, 4), st.lists(one, min_size=1, max_size=3)
)
def test_joins(name: str, count: int, shape: list[int]) -> None:
    check_drawn(name, *[tuple(shape)] * count)


ELEMENTWISE = sorted(
    op.name for op in ops().values() if op.family == "activation" and not op.arguments
)


@DRAWN
@given(st.sampled_from(ELEMENTWISE), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_activations(name: str, shape: list[int]) -> None:
    """Of vectors, sequences and images."""
    check_drawn(name, tuple(shape))


@DRAWN
@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 4), max_size=2))
def test_maxout(units: int, pieces: int, rest: list[int]) -> None:
    features = units * pieces
    shape = (*rest, features) if len(rest) < 2 else (features, *rest)
    check_drawn(f"maxout({pieces})", shape)


@DRAWN
@given(st.sampled_from(["global_avgpool", "global_maxpool"]), image, st.integers(1, 3))
def test_global_pools(name: str, shape: tuple[int, int, int], n: int) -> None:
    check_drawn(name, shape, n=n)


@DRAWN
@given(
    st.sampled_from(["cross_entropy", "hinge"]),
    st.integers(2, 4),
    st.lists(st.integers(1, 3), max_size=2),
    st.sampled_from([0.5, 1, 3]),
)
def test_losses_of_labels(name: str, classes: int, rest: list[int], scale: float) -> None:
    """Of vectors, of a label a step, of a label a pixel."""
    shape = (classes, *rest) if len(rest) == 2 else (*rest, classes)
    places = str(rest) if rest else ""
    check_drawn(f"{name}(scale={scale})", shape, target=f"label{places} of {classes}")


@DRAWN
@given(
    st.sampled_from(["mse", "l1", "smooth_l1", "binary_cross_entropy"]),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.booleans(),
)
def test_losses_of_numbers(name: str, shape: list[int], masked: bool) -> None:
    """The mean runs over what the mask leaves."""
    masked = masked and np.prod(shape) > 2  # or the mask may leave nothing
    call = f"{name}(mask=m)" if masked else name
    check_drawn(call, *[tuple(shape)] * (1 + masked), target=f"real{shape}")
