"""Data `mnist` and `idx`: images and labels in idx files."""

from __future__ import annotations

from specc.settings.base import Use
from specc.settings.data import Data, Source
from specc.settings.fit import (
    Field,
    known_sizes,
    need_label,
    need_real,
    need_shape,
    one_input_one_target,
)
from specc.settings.paths import OPTIONAL, common_folder, file_path, relative_path
from specc.signature import TEXT, Argument

MNIST_PARTS = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)


class Mnist(Source):
    """Handwritten digits (LeCun, Cortes and Burges): four files in a folder, plain or .gz.

    Gives real[1, 28, 28], from 0 to 1, and label of 10.
    """

    name = "mnist"
    arguments = (Argument("dir", TEXT, doc="the folder of the four files"),)

    def source(self, use: Use) -> Data:
        """The folder, once the net takes such images and labels."""
        image, label = one_input_one_target(use)
        need_shape(use, image, (1, 28, 28))
        classes = need_label(use, label, 10)
        folder = relative_path(use, "dir")
        title = "MNIST (LeCun, Cortes and Burges)"
        context = _context(title, image, [1, 28, 28], label, classes, MNIST_PARTS)
        return Data(self.name, "data/idx.py.j2", context, folder, True)


class Idx(Source):
    """Images and labels in idx files of bytes, plain or .gz; scaled to 0 to 1."""

    name = "idx"
    arguments = (
        Argument("images", TEXT, doc="the file of training images"),
        Argument("labels", TEXT, doc="the file of their labels"),
        Argument("test_images", OPTIONAL, None, "the file of test images"),
        Argument("test_labels", OPTIONAL, None, "the file of their labels"),
    )

    def source(self, use: Use) -> Data:
        """The files, once the net takes images of bytes with single labels."""
        image, label = one_input_one_target(use)
        need_real(use, image, "bytes scaled to 0 to 1")
        shape = known_sizes(use, image)
        if len(shape) > 3:
            raise use.fail(
                "E0514",
                f"`idx` gives at most 3 axes, `{image.name}` has {len(shape)}",
                "holds images",
                cause=image.label,
            )
        classes = need_label(use, label, None)
        folder, names = common_folder(_files(use))
        parts = tuple(zip(names[::2], names[1::2], strict=True))
        context = _context("images and labels", image, shape, label, classes, parts)
        return Data(self.name, "data/idx.py.j2", context, folder, len(parts) > 1)


def _files(use: Use) -> tuple[str, ...]:
    given = [use.values[name] is not None for name in ("test_images", "test_labels")]
    if given[0] != given[1]:
        has, lacks = ("images", "labels") if given[0] else ("labels", "images")
        raise use.fail(
            "E0518",
            f"`idx` gets `test_{has}` without `test_{lacks}`",
            "half of the test part",
            at=f"test_{has}",
        )
    names = ("images", "labels", "test_images", "test_labels")[: 4 if given[0] else 2]
    return tuple(file_path(use, name) for name in names)


def _context(
    title: str,
    image: Field,
    shape: list[int],
    label: Field,
    classes: int,
    parts: tuple[tuple[str, str], ...],
) -> dict[str, object]:
    return {
        "title": title,
        "image": image.tensor.name,
        "shape": shape,
        "file_shape": shape[1:] if len(shape) == 3 and shape[0] == 1 else shape,
        "label": label.tensor.name,
        "classes": classes,
        "parts": parts,
    }
