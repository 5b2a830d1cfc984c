"""`specc compile`: what it writes, where to, and what it never does."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
from cli_folder import TINY, XOR
from commandline import specc

from specc.commands.targets import stem
from specc.files import fingerprint, is_generated, snake_case, write_atomically

pytestmark = pytest.mark.usefixtures("folder")

# ---------------------------------------------------------------- compile


def test_compile(folder: Path) -> None:
    result = specc("compile", "tiny.net")
    assert (result.status, result.out) == (0, "tiny.net -> tiny.py\n")
    code = (folder / "tiny.py").read_text(encoding="utf-8")
    assert "class Tiny" in code and fingerprint(code) is not None
    assert is_generated(folder / "tiny.py")
    assert specc("compile", "tiny.net").status == 0  # its own file
    assert specc("compile", "tiny.net", "--emit", "code").out == code


def test_compile_several_nets(folder: Path) -> None:
    assert specc("compile", "two.net", "--out-dir", "out/deep").status == 0
    written = {path.name for path in (folder / "out/deep").iterdir()}
    assert written == {"two_first.py", "two_deep_second.py"}
    assert specc("compile", "two.net", "--net", "First").out == "two.net -> two_first.py\n"
    assert "E0115" in specc("compile", "two.net", "-o", "a.py").err


def test_every_target_has_files_of_its_own(folder: Path) -> None:
    assert specc("compile", "tiny.net").out == "tiny.net -> tiny.py\n"
    numpy = (folder / "tiny.py").read_text("utf-8")
    torch = ("--target", "pytorch")
    assert specc("compile", "tiny.net", *torch).out == "tiny.net -> tiny_torch.py\n"
    assert (folder / "tiny.py").read_text("utf-8") == numpy
    assert "import torch" in (folder / "tiny_torch.py").read_text("utf-8")
    assert specc("compile", "tiny.net", *torch, "--check").out == "tiny_torch.py: up to date\n"
    out = specc("compile", "two.net", "--out-dir", "a", *torch, "--backward", "explicit").out
    assert out == ("two.net -> a/two_first_torch.py\ntwo.net -> a/two_deep_second_torch.py\n")


@pytest.mark.parametrize("module", ["json", "numpy", "torch"])
def test_no_script_hides_what_it_imports(module: str, folder: Path) -> None:
    result = specc("compile", "tiny.net", "--target", "pytorch", "-o", f"{module}.py")
    assert (result.status, result.err) == (
        2,
        f"error: a script `{module}.py` would hide Python's module `{module}` "
        "(see `specc compile --help`)\n",
    )
    (folder / "tiny.net").rename(folder / f"{module}.net")
    assert specc("compile", f"{module}.net").out == f"{module}.net -> {module}_net.py\n"


def test_names_of_outputs() -> None:
    assert stem("dir/my-net.v2.net", "Net") == "my_net_v2"
    assert stem("-", "DeepMlp") == "deep_mlp"
    assert stem("é.net", "A", is_only=False) == "é_a"
    assert snake_case("ResNet18") == "res_net18"


def test_compile_reads_standard_input(folder: Path) -> None:
    assert specc("compile", "-", stdin=TINY.encode()).out == "-> tiny.py\n"
    assert (folder / "tiny.py").exists()


def test_a_library_cannot_be_compiled() -> None:
    Path("x.net").write_text("block b { relu }\n", encoding="utf-8")
    assert "E0115" in specc("compile", "x.net").err


@pytest.mark.parametrize("stage", ["ast", "graph", "shapes", "grad"])
def test_stages_can_be_looked_at(stage: str, folder: Path) -> None:
    before = set(folder.iterdir())
    result = specc("compile", "tiny.net", "--emit", stage)
    assert result.status == 0
    words = {
        "ast": "Call name='dense' @4:3",
        "graph": "tiny.net:4:23: dense2 = layer dense(units=classes)",
        "shapes": "dense1: [8] = dense(units=8, bias=true) of x  # 40 parameters",
        "grad": "relu_backward(",
    }
    assert words[stage] in result.out
    assert set(folder.iterdir()) == before


def test_stages_of_loops_blocks_and_shared_instances() -> None:
    text = """
block half { dense(in.features // 2) -> relu }
net Deep {
  input x: real[16]
  shared enc = half
  repeat 3 { dense(16) -> relu }
  if true { enc } else { relu }
  for i in range(2) { dense(8) as tap[i] }
  from tap[0], tap[1] -> add
}
"""
    Path("deep.net").write_text(text, encoding="utf-8")
    for stage in ("ast", "graph", "shapes", "grad"):
        result = specc("compile", "deep.net", "--emit", stage)
        assert result.status == 0, result.err
        assert result.out.count("\n") > 5


def test_compile_never_writes_over_other_files(folder: Path) -> None:
    other = folder / "tiny.py"
    other.write_text("print('mine')\n", encoding="utf-8")
    result = specc("compile", "tiny.net")
    assert result.status == 1
    assert result.err == (
        "error: `tiny.py` is not a file that specc has written\n"
        "  = help: write elsewhere with `-o`, or over it with `--force`\n"
    )
    assert other.read_text(encoding="utf-8") == "print('mine')\n"
    assert specc("compile", "tiny.net", "--force").status == 0
    assert is_generated(other)
    other.write_bytes(b"")
    assert specc("compile", "tiny.net").status == 0  # an empty file is nobody's loss


def test_compile_check(folder: Path) -> None:
    missing = specc("compile", "tiny.net", "--check")
    assert (missing.status, missing.err.splitlines()[0]) == (1, "error: `tiny.py` is missing")
    specc("compile", "tiny.net")
    fresh = specc("compile", "tiny.net", "--check")
    assert (fresh.status, fresh.out) == (0, "tiny.py: up to date\n")
    stale = specc("compile", "tiny.net", "--check", "--set", "classes=3")
    assert (stale.status, stale.err.splitlines()[0]) == (1, "error: `tiny.py` is out of date")
    with (folder / "tiny.py").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    edited = specc("compile", "tiny.net", "--check")
    assert (edited.status, edited.err.splitlines()[0]) == (1, "error: `tiny.py` was edited")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("folder", "cannot write `folder`: it is a folder"),
        ("tiny.net/x.py", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
)
def test_outputs_that_cannot_be_written(output: str, message: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    result = specc("compile", "tiny.net", "-o", output)
    assert result.status == 1
    assert message in result.err and result.err.count("\n") == 1


def test_a_folder_that_is_missing_is_made(folder: Path) -> None:
    assert specc("compile", "tiny.net", "-o", "a/b/c.py").status == 0
    assert (folder / "a/b/c.py").is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_is_read_only(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o500)
    result = specc("compile", "tiny.net", "--out-dir", "closed")
    assert result.err == "error: cannot write `closed/tiny.py`: permission denied\n"


def test_a_full_disk_keeps_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specc("compile", "tiny.net")
    before = (folder / "tiny.py").read_bytes()
    names = set(folder.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = specc("compile", "tiny.net", "--set", "classes=3")
    assert result.err == "error: cannot write `tiny.py`: no space left on device\n"
    assert (folder / "tiny.py").read_bytes() == before
    assert set(folder.iterdir()) == names


def test_names_in_unicode(folder: Path) -> None:
    (folder / "größe 数.net").write_text(TINY, encoding="utf-8")
    assert specc("compile", "größe 数.net").out == "größe 数.net -> größe_数.py\n"
    assert specc("check", "größe 数.net").out.startswith("größe 数.net: Tiny")


HOSTILE = 'x\x1b[2J"""\nimport os; os.abort()\n"""\\.net'


@pytest.mark.skipif(sys.platform == "win32", reason="needs odd file names")
def test_file_names_never_become_code(folder: Path) -> None:
    (folder / HOSTILE).write_text(XOR, encoding="utf-8")
    for output in ("plain.py", '"""\nimport os; os.abort()\n"""\\.py'):
        result = specc("compile", HOSTILE, "-o", output)
        assert result.status == 0 and "\x1b" not in result.out
        code = (folder / output).read_text(encoding="utf-8")
        assert "os.abort" in code  # in a docstring only
        nodes = ast.walk(ast.parse(code))
        assert not any(isinstance(node, ast.Attribute) and node.attr == "abort" for node in nodes)
    assert "\x1b" not in specc("check", HOSTILE).out


def test_compile_to_standard_output() -> None:
    code = specc("compile", "tiny.net", "-o", "-").out
    assert code == specc("compile", "tiny.net", "--emit", "code").out
    assert not Path("-").exists()


def test_loops_of_links(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    assert "E0001" in specc("check", "loop").err
    assert specc("compile", "tiny.net", "-o", "loop").err.startswith("error: cannot write `loop`")


# ---------------------------------------------------------------- files


def test_permissions_and_links_stay(folder: Path) -> None:
    target, link = folder / "target", folder / "link"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink() and target.read_text(encoding="utf-8") == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    mask = os.umask(0o027)
    try:
        write_atomically(folder / "fresh", b"\x00")
    finally:
        os.umask(mask)
    assert (folder / "fresh").stat().st_mode & 0o777 == 0o640


def test_devices_are_written_to() -> None:
    write_atomically(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()
