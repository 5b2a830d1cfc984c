"""Generated files: data sources, whole and broken; they are the same for all targets."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime_parts import (
    check_refused,
    frame,
    idx,
    load,
    loader,
    part,
    write_digits,
)

from specc.resources import resource


def test_idx_files_plain_and_packed(tmp_path: Path) -> None:
    write_digits(tmp_path)
    train, test = loader("data/idx")(tmp_path)
    assert (train["image"].shape, train["image"].dtype) == ((100, 1, 4, 3), np.float32)
    assert (test["digit"].shape, test["digit"].dtype) == ((40,), np.int64)
    assert train["image"].max() == 1
    one = loader("data/idx", parts=(("a-images.gz", "a-labels.gz"),))(tmp_path)
    np.testing.assert_array_equal(one["image"], train["image"])


IMAGES, LABELS = np.zeros((5, 4, 3), np.uint8), np.zeros(5, np.uint8)
BOMB = gzip.compress(idx(IMAGES) + bytes(50_000_000))
BROKEN_IDX: dict[str, tuple[str, bytes | None, str]] = {
    "no file": ("a-images", None, "no such file, nor a-images.gz; --data names the folder"),
    "empty": ("a-images", b"", "not an idx file of bytes"),
    "text": ("a-images", b"<html>", "not an idx file of bytes"),
    "integers": ("a-images", b"\0\0\x0c\1" + bytes(8), "not an idx file of bytes"),
    "many sizes": ("a-images", b"\0\0\x08\xff" + bytes(2000), "not an idx file of bytes"),
    "cut header": ("a-images", idx(IMAGES)[:7], "holds [0, 0, 0], needs [N, 4, 3]"),
    "cut": ("a-images", idx(IMAGES)[:-1], "announces [5, 4, 3], but is cut short or too long"),
    "long": ("a-images", idx(IMAGES) + b"x", "announces [5, 4, 3], but is cut short or too long"),
    "absurd": (
        "a-images",
        idx(IMAGES, (2**32 - 1,) * 4),
        "announces [4294967295, 4294967295, 4294967295, 4294967295], more than 2 GiB",
    ),
    "labels as images": ("a-images", idx(LABELS), "holds [5], needs [N, 4, 3]"),
    "other size": (
        "a-images",
        idx(np.zeros((5, 3, 4), np.uint8)),
        "holds [5, 3, 4], needs [N, 4, 3]",
    ),
    "none": ("a-images", idx(IMAGES[:0]), "holds [0, 4, 3], needs [N, 4, 3]"),
    "fewer labels": ("a-labels", idx(LABELS[:4]), "holds [4], needs [5], a label an image"),
    "images as labels": ("a-labels", idx(IMAGES), "holds [5, 4, 3], needs [5], a label an image"),
    "label": ("a-labels", idx(LABELS + np.uint8(10)), "holds label 10, needs 0 to 9"),
    "not gzip": ("a-labels.gz", b"hello", "damaged: Not a gzipped file (b'he')"),
    "cut gzip": ("a-labels.gz", gzip.compress(idx(LABELS))[:-9], "damaged: Compressed file ended"),
    "bomb": ("a-images.gz", BOMB, "announces [5, 4, 3], but is cut short or too long"),
}


@pytest.mark.parametrize("name", BROKEN_IDX)
def test_a_broken_idx_file_is_one_clear_line(name: str, tmp_path: Path) -> None:
    file, content, reason = BROKEN_IDX[name]
    contents = {"a-images": idx(IMAGES), "a-labels": idx(LABELS)}
    contents.pop(file.removesuffix(".gz"))
    for other, good in (contents | ({file: content} if content is not None else {})).items():
        (tmp_path / other).write_bytes(good or b"")
    read = loader("data/idx")
    check_refused(lambda: read(tmp_path), f"{tmp_path / file}: {reason}")


def npz(arrays: dict[str, Any]) -> bytes:
    """Return an .npz file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


FIELDS = {"image": np.zeros((5, 2, 3)), "digit": np.zeros(5, np.int32)}


def test_npz_arrays_bind_by_name(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        (tmp_path / name).write_bytes(npz({**FIELDS, "other": np.ones(3)}))
    train, test = loader("data/npz")(tmp_path)
    assert list(train) == ["image", "digit"]
    assert (test["image"].dtype, test["digit"].dtype) == (np.float32, np.int64)


def zipped(name: str, content: bytes) -> bytes:
    """Return a zip file of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def huge_array() -> bytes:
    """Return an .npy file that announces far more than it holds."""
    file = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10**13, 2, 3)}
    np.lib.format.write_array_header_1_0(file, shape)
    return file.getvalue()


OBJECTS = np.array([object()], dtype=object)
NOT_ARRAYS = "damaged, more than 2 GiB, or not made of plain arrays"
BROKEN_NPZ: dict[str, tuple[bytes, str]] = {
    "text": (b"hello", "not an .npz file"),
    "cut": (npz(FIELDS)[:200], "not an .npz file"),
    "flipped": (npz(FIELDS).replace(b"NUMPY", b"NUMPX"), NOT_ARRAYS),
    "objects": (npz({**FIELDS, "digit": OBJECTS}), NOT_ARRAYS),
    "huge": (zipped("image.npy", huge_array()), NOT_ARRAYS),
    "no array": (npz({"image": FIELDS["image"]}), "has no array 'digit'"),
    "lengths": (
        npz({**FIELDS, "image_lengths": np.ones(5, int)}),
        "has 'image_lengths', but 'image' is not `padded`",
    ),
    "counts": (
        npz({**FIELDS, "digit": np.zeros(4, int)}),
        "numbers of examples differ: 5 'image', 4 'digit'",
    ),
    "shape": (
        npz({**FIELDS, "image": np.zeros((5, 3, 2))}),
        "'image' is [5, 3, 2], needs [N, 2, 3]",
    ),
    "no axis": (npz({**FIELDS, "image": np.float32(1)}), "'image' is [], needs [N, 2, 3]"),
    "text array": (
        npz({**FIELDS, "image": np.full((5, 2, 3), "a")}),
        "'image' holds <U1, needs numbers",
    ),
    "real label": (npz({**FIELDS, "digit": np.zeros(5)}), "'digit' holds float64, needs integers"),
    "label": (npz({**FIELDS, "digit": np.full(5, -1)}), "'digit' holds numbers outside 0 to 9"),
    "nan": (
        npz({**FIELDS, "image": np.full((5, 2, 3), np.nan)}),
        "'image' holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize("name", BROKEN_NPZ)
def test_a_broken_npz_file_is_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN_NPZ[name]
    (tmp_path / "a.npz").write_bytes(content)
    read = loader("data/npz", files=("a.npz",))
    check_refused(lambda: read(tmp_path), f"{tmp_path / 'a.npz'}: {reason}")


def test_symbolic_sizes_may_be_any_but_the_same(tmp_path: Path) -> None:
    fields = (
        {"name": "image", "shape": ["T", 3], "classes": None},
        {"name": "digit", "shape": ["T"], "classes": 10},
    )
    read = loader("data/npz", files=("a.npz",), fields=fields)
    file = tmp_path / "a.npz"
    for size in (1, 9):
        file.write_bytes(npz({"digit": np.ones((5, size), int), "image": np.ones((5, size, 3))}))
        assert read(tmp_path)["image"].shape == (5, size, 3)
    for shape in ((5, 3), (5, 2, 4), (5, 2, 3, 1)):
        file.write_bytes(npz({"digit": np.ones((5, 2), int), "image": np.ones(shape)}))
        with pytest.raises(
            ValueError, match=re.escape(f"'image' is {list(shape)}, needs [N, T, 3]")
        ):
            read(tmp_path)
    file.write_bytes(npz({"digit": np.ones((5, 2), int), "image": np.ones((5, 4, 3))}))
    with pytest.raises(ValueError, match=re.escape("'digit' is [5, 2], needs [N, T]")):
        read(tmp_path)


def test_csv_columns_bind_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        '\ufeff"size",price,rooms\n10, 1e2,3\n\n20,200,"4"\n', encoding="utf-8"
    )
    table = loader("data/csv")(tmp_path)
    np.testing.assert_array_equal(table["house"], np.array([[10, 3], [20, 4]], np.float32))
    np.testing.assert_array_equal(table["price"], np.array([[100], [200]], np.float32))
    assert table["house"].dtype == table["price"].dtype == np.float32
    table = loader("data/csv", columns=["rooms", "price"], features=1)(tmp_path)
    np.testing.assert_array_equal(table["price"], np.array([[3, 100], [4, 200]], np.float32))
    table = loader("data/csv", columns=["rooms"], classes=5)(tmp_path)
    assert table["price"].dtype == np.int64
    assert table["price"].tolist() == [3, 4]


BROKEN_CSV: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ": has no column 'price' in []"),
    "no rows": (b"a,b,price\n", ": holds 2 input columns and 0 rows, needs 2 columns"),
    "semicolons": (b"a;b;price\n1;2;3\n", ":2: 'a;b;price' holds '1;2;3', not a finite number"),
    "label text": (
        b"a,b,price\n1,2,3\n1,2,cheap\n",
        ":3: 'price' holds 'cheap', not a finite number",
    ),
    "missing cell": (b"a,b,price\n1,2\n", ":2: 2 cells, the header has 3"),
    "empty cell": (b"a,b,price\n1,,3\n", ":2: 'b' holds '', not a finite number"),
    "too large": (b"a,b,price\n1,-1e39,3\n", ":2: 'b' holds '-1e39', not a finite number"),
    "nan": (b"a,b,price\n1,nan,3\n", ":2: 'b' holds 'nan', not a finite number"),
    "twice": (b"a,price,price\n1,2,3\n", ": needs one column 'price', has 2"),
    "columns": (b"a,price\n1,2\n", ": holds 1 input columns and 1 rows, needs 2 columns"),
    "encoding": (b"a,b,price\n1,2,\xff\n", ": not a table: 'utf-8' codec can't decode byte"),
    "long cell": (b"a,b,price\n" + b"1" * 200_000, ": not a table: field larger than field limit"),
}


@pytest.mark.parametrize("name", BROKEN_CSV)
def test_a_broken_table_is_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN_CSV[name]
    (tmp_path / "a.csv").write_bytes(content)
    read = loader("data/csv")
    check_refused(lambda: read(tmp_path), f"{tmp_path / 'a.csv'}{reason}")


def test_a_table_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(ValueError, match=re.escape(f"{path}: more than 2 GiB")):
        loader("data/csv")(tmp_path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device")
@pytest.mark.parametrize(
    ("name", "file"), [("csv", "a.csv"), ("npz", "a.npz"), ("idx", "a-images")]
)
def test_a_device_is_no_file(name: str, file: str, tmp_path: Path) -> None:
    (tmp_path / file).symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / file}: not a regular file")):
        loader(f"data/{name}")(tmp_path)


@pytest.mark.parametrize("label", ["1.5", "-1", "3"])
def test_labels_of_a_table_are_whole_and_in_range(label: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"a,b,price\n1,2,{label}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'price' holds labels outside 0 to 2"):
        loader("data/csv", classes=3)(tmp_path)


def test_separable_points_lie_on_their_side_of_the_plane() -> None:
    train, test = loader("data/separable")()
    for points in (train, test):
        x = points["point"].astype(np.float64)
        side = x @ (2, -0.9, 1) - 1
        assert x.shape == (120, 3)
        assert np.bincount(points["side"]).tolist() == [60, 60]
        np.testing.assert_array_equal(side > 0, points["side"] == 1)
        assert np.abs(side).max() < 100.001
    assert (train["point"] != test["point"]).any()
    real = loader("data/separable", label=False)()[0]
    assert (real["side"].shape, real["side"].dtype) == ((120, 1), np.float32)


def test_xor() -> None:
    for label in (True, False):
        data = loader("data/xor", label=label)()
        assert (data["bits"][:, 0] != data["bits"][:, 1]).tolist() == data[
            "differ"
        ].ravel().tolist()
        assert data["bits"].dtype == np.float32
        assert data["differ"].dtype == (np.int64 if label else np.float32)


def test_the_excerpt_of_mnist() -> None:
    names = {"images": "images-idx3-ubyte", "labels": "labels-idx1-ubyte"}
    parts = tuple((f"{p}-{names['images']}", f"{p}-{names['labels']}") for p in ("train", "t10k"))
    read = loader("data/idx", shape=[1, 28, 28], file_shape=[28, 28], parts=parts)
    train, test = read(resource("specs", "data", "mnist"))
    assert (len(train["image"]), len(test["image"])) == (5000, 1000)
    assert np.bincount(train["digit"]).tolist() == [
        479,
        563,
        488,
        493,
        535,
        434,
        501,
        550,
        462,
        495,
    ]
    means = np.stack([train["image"][train["digit"] == k].mean(axis=0) for k in range(10)])
    distance = ((test["image"][:, None, 0] - means[None, :, 0]) ** 2).sum(axis=(2, 3))
    assert np.mean(distance.argmin(axis=1) == test["digit"]) > 0.75


def test_the_split_keeps_every_example_once() -> None:
    defined = load(*frame(), part("train/split"))
    data = {"x": np.arange(50), "y": np.arange(50) * 2}
    kept, held = defined.split(data, seed=0)
    assert (len(kept["x"]), len(held["x"])) == (45, 5)
    assert sorted([*kept["x"], *held["x"]]) == list(range(50))
    np.testing.assert_array_equal(held["y"], held["x"] * 2)
    np.testing.assert_array_equal(defined.split(data, seed=0)[1]["x"], held["x"])
    with pytest.raises(defined.InputError, match=re.escape("cannot hold 0.1 of 4 examples out")):
        defined.split({"x": np.arange(4)}, seed=0)
