"""Files of specs: how they are read, named and blamed."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_parse import tree

from specc.diagnostics import CompileError, Diagnostics
from specc.parse import parse, read


def code_of_reading(path: Path) -> str:
    with pytest.raises(CompileError) as caught:
        read(path)
    (found,) = caught.value.diagnostics
    assert "\n" not in found.message
    return found.code


def test_reading(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    file.write_bytes(b"\xef\xbb\xbf# \xc3\xa9\r\nlet x = 1\r\n")
    source = read(file, "a.net")
    assert (source.name, source.text, source.path) == ("a.net", "# é\nlet x = 1\n", file)
    assert parse(source, Diagnostics()).items


def test_names_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    file = tmp_path / "specs" / "a.net"
    file.write_text("")
    monkeypatch.chdir(tmp_path)
    assert read(file).name == "specs/a.net"
    monkeypatch.chdir(tmp_path / "specs")
    assert read(file).name == "a.net"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    assert code_of_reading(file) == "E0001"
    assert code_of_reading(tmp_path) == "E0001"
    assert code_of_reading(Path("/dev/null")) == "E0001"
    assert code_of_reading(Path("a\0b")) == "E0001"
    file.write_bytes(b"let x = \xff")
    assert code_of_reading(file) == "E0002"
    file.write_bytes(b"x" * 1_000_001)
    assert code_of_reading(file) == "E0601"


def test_a_file_is_named_with_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "house.net").write_text("let x = 1")
    for name, help in (("house", "house.net`?"), ("hous", ""), ("house.net/x", "")):
        with pytest.raises(CompileError) as caught:
            read(tmp_path / name)
        assert caught.value.diagnostics[0].help.endswith(help)
        assert bool(caught.value.diagnostics[0].help) is bool(help)


def test_an_import_is_blamed(tmp_path: Path) -> None:
    program = tree('import "b.net"')
    with pytest.raises(CompileError) as caught:
        read(tmp_path / "b.net", "b.net", program.items[0].span)
    assert caught.value.diagnostics[0].primary.span.text == 'import "b.net"'
