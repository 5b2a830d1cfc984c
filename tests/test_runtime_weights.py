"""Generated NumPy files: weights in .safetensors files."""

from __future__ import annotations

import copy
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from runtime_nets import NET
from runtime_parts import (
    frame,
    load,
    render,
)
from safetensors.numpy import load_file, save_file


def test_weight_files_are_those_of_the_safetensors_package(tmp_path: Path) -> None:
    net, other = (load(*frame(), NET).Net(seed) for seed in (0, 1))
    net.save(tmp_path / "ours.safetensors")
    held = load_file(tmp_path / "ours.safetensors")
    assert held.keys() == net.parameters().keys()
    for name, array in net.parameters().items():
        np.testing.assert_array_equal(held[name], array)
    save_file(held, tmp_path / "theirs.safetensors", metadata={"format": "np"})
    other.load(str(tmp_path / "theirs.safetensors"))
    np.testing.assert_array_equal(other.values, net.values)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ours.safetensors",
        "theirs.safetensors",
    ]


def test_a_copy_has_views_of_its_own_vectors() -> None:
    net = load(*frame(), NET).Net(0)
    other = copy.deepcopy(net)
    np.testing.assert_array_equal(other.values, net.values)
    other.values[:] = 7
    assert all((array == 7).all() for array in other.parameters().values())
    assert not any((array == 7).all() for array in net.parameters().values())
    assert all(np.shares_memory(array, other.values) for array in other.parameters().values())


def test_metadata_mixed_types_and_empty_tensors_are_kept(tmp_path: Path) -> None:
    codec = load(render("safetensors"))
    tensors = {
        "ä": np.arange(6.0).reshape(2, 3).T,
        "b": np.ones(3, "f4"),
        "c": np.zeros((0, 2), "f4"),
    }
    codec.write_safetensors(tmp_path / "w", tensors, {"epoch": "3"})
    held = {name: np.full_like(array, 9) for name, array in tensors.items()}
    assert codec.read_safetensors(tmp_path / "w", held) == {"epoch": "3"}
    theirs = load_file(tmp_path / "w")
    for name, array in tensors.items():
        np.testing.assert_array_equal(held[name], array)
        np.testing.assert_array_equal(theirs[name], array)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device")
def test_a_full_disk_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path: Path) -> None:
    net, path = load(*frame(), NET).Net(0), tmp_path / "w.safetensors"
    net.save(path)
    old = path.read_bytes()
    (tmp_path / "w.safetensors.part").symlink_to("/dev/full")
    net.values[:] = 7
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        net.save(path)
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], old)


def packed(header: object, numbers: bytes = bytes(20)) -> bytes:
    """Return a .safetensors file with this header: text or something for JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def entry(start: int, stop: int, shape: object = None, dtype: object = "F32") -> dict[str, object]:
    """Return a tensor in the header of a .safetensors file."""
    return {"dtype": dtype, "shape": shape or [(stop - start) // 4], "data_offsets": [start, stop]}


GOOD = {"a": entry(0, 8), "b": entry(8, 20)}
NOT_ONE = "damaged, or not a .safetensors file"
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", NOT_ONE),
    "short": (b"\3\0", NOT_ONE),
    "text": (b"hello, this is not one", NOT_ONE),
    "pickle": (b"\x80\x04\x95\x0c\0\0\0\0\0\0\0\x8c\x08builtins", NOT_ONE),
    "huge header": (struct.pack("<Q", 2**63) + b"{}", NOT_ONE),
    "header cut": (packed(GOOD)[:40], NOT_ONE),
    "not UTF-8": (packed(b'{"a\xff": 1}'), NOT_ONE),
    "a list": (packed([GOOD]), NOT_ONE),
    "deep": (packed(b"[" * 100_000), NOT_ONE),
    "no offsets": (packed({**GOOD, "b": {"dtype": "F32", "shape": [3]}}), NOT_ONE),
    "offsets of text": (packed({**GOOD, "b": {**entry(8, 20), "data_offsets": "xy"}}), NOT_ONE),
    "a number": (packed({**GOOD, "b": 3}), NOT_ONE),
    "twice": (packed(b'{"a": %b, "a": %b}' % ((json.dumps(GOOD["a"]).encode(),) * 2)), NOT_ONE),
    "missing": (packed({"a": entry(0, 8)}), "lacks tensor 'b'"),
    "unknown": (packed({**GOOD, "c\n": entry(20, 24)}), "holds an unknown tensor 'c\\n'"),
    "shape": (
        packed({**GOOD, "a": entry(0, 8, [1, 2])}),
        "'a' is ('F32', [1, 2]), needs ('F32', [2])",
    ),
    "type": (
        packed({**GOOD, "a": entry(0, 8, [2], "I32")}),
        "'a' is ('I32', [2]), needs ('F32', [2])",
    ),
    "overlap": (packed({**GOOD, "b": entry(4, 16)}), "damaged, 'b' is not where it should be"),
    "gap": (packed({**GOOD, "b": entry(12, 24)}), "damaged, 'b' is not where it should be"),
    "negative": (packed({**GOOD, "a": entry(-4, 4)}), "damaged, 'a' is not where it should be"),
    "far": (
        packed({**GOOD, "b": entry(2**60, 2**60 + 12)}),
        "damaged, 'b' is not where it should be",
    ),
    "cut": (packed(GOOD, bytes(19)), "damaged, 'a' is not where it should be"),
    "long": (packed(GOOD, bytes(21)), "damaged, 'a' is not where it should be"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_weight_file_fills_nothing(name: str, tmp_path: Path) -> None:
    codec = load(render("safetensors"))
    content, reason = HOSTILE[name]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    tensors = {"a": np.full(2, 7, "f4"), "b": np.full(3, 7, "f4")}
    with pytest.raises(codec.InputError) as raised:
        codec.read_safetensors(path, tensors)
    assert str(raised.value) == f"{path}: {reason}"
    assert all((array == 7).all() for array in tensors.values())
