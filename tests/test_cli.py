"""The command line: what it does, what it says, its exit statuses, and what it must never do."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_folder import TINY, XOR, run
from commandline import specc

import specc as package
from specc.commands.common import wants_colour
from specc.commands.group import COMMANDS

pytestmark = pytest.mark.usefixtures("folder")

# ---------------------------------------------------------------- all commands


def test_version() -> None:
    assert specc("--version").out == f"specc {package.__version__}\n"
    assert run("--version").stdout == f"specc {package.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(command: str) -> None:
    result = specc(command, "--help")
    assert result.status == 0
    example = result.out.rstrip().splitlines()[-1].strip()
    assert example.startswith(f"Example:  specc {command} ")


def test_help_lists_all_commands() -> None:
    result = specc("--help")
    assert result.status == 0
    assert all(f"  {name} " in result.out for name in COMMANDS)
    nothing = specc()
    assert nothing.status == 2
    assert "Commands:" in nothing.err + nothing.out


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        ("['--version']", "click dataclasses"),
        ("['--help']", "specc.pipeline specc.diagnostics numpy rich jinja2 networkx subprocess"),
        ("['check', 'tiny.net']", "numpy rich jinja2 networkx graphviz subprocess"),
        ("['explain']", "specc.pipeline numpy rich jinja2 networkx"),
    ],
)
def test_nothing_is_imported_in_vain(arguments: str, unwanted: str) -> None:
    code = (
        "import sys\nfrom specc.cli import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\n"
        f"sys.exit(' '.join(set({unwanted.split()!r}) & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("chek tiny.net", "there is no command `chek`; did you mean `check`?"),
        ("tiny.net", "a command stands before the file: `specc check tiny.net`"),
        ("check", "missing argument 'FILE...'"),
        ("check tiny.net tiny.net", "`tiny.net` is given twice"),
        ("compile tiny.net xor.net", "unexpected extra argument"),
        ("check tiny.net --sett classes=3", "--sett"),
        ("check tiny.net --set classes", "`classes` is not of the form `name=value`"),
        ("check tiny.net --output-format xml", "'xml' is not one of"),
        ("compile tiny.net -o a.py --out-dir b", "give `-o` or `--out-dir`, not both"),
        ("compile tiny.net -o ./tiny.net --force", "`-o` is the spec itself"),
        ("compile tiny.net --target tensorflow", "is not one of 'numpy', 'pytorch'"),
        ("compile tiny.net --backward explicit", "the backward pass is always explicit"),
        ("train xor.net --epochs 0", "0 is not in the range"),
        ("train xor.net --lr 0", "0.0 is not in the range"),
        ("render tiny.net -o a.gif", "`.gif` is no picture; known are dot, svg, png, pdf"),
        ("summary tiny.net --size T", "`T` is not of the form `T=35`"),
        ("summary tiny.net --size T=3", "no free size `T`"),
        ("verify tiny.net --size T=3 --size T=4", "`T` is given twice"),
        ("verify tiny.net --size T=1000000000", "`T` needs a whole number from 1 to 999999999"),
        ("explain E0381", "there is no code `E0381`; did you mean `E03"),
    ],
)
def test_wrong_usage_is_one_line(arguments: str, message: str) -> None:
    result = specc(*arguments.split())
    assert result.status == 2
    assert message in result.err
    assert result.err.startswith("error: ") and result.err.count("\n") == 1
    assert result.out == ""


@pytest.mark.parametrize("command", ["check", "compile", "train", "render", "summary", "fmt"])
@pytest.mark.parametrize("file", ["missing.net", ".", "missing/é.net", "a" * 300])
def test_files_that_cannot_be_read(command: str, file: str) -> None:
    result = specc(command, file)
    assert result.status == 1
    assert result.err.startswith("error[E0001]: cannot read `")
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["check", "compile", "train", "render", "summary"])
def test_errors_of_a_spec(command: str) -> None:
    result = specc(command, "broken.net")
    assert result.status == 1
    assert result.err.startswith("error[E0101]: there is no layer or block `linear`\n")
    assert result.out == ""
    as_json = specc(command, "broken.net", "--output-format", "json")
    text = as_json.err if command == "summary" else as_json.out
    assert json.loads(text)["diagnostics"][0]["code"] == "E0101"
    assert as_json.status == 1


# ---------------------------------------------------------------- what goes wrong in specc


def test_a_bug_says_what_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("specc.pipeline.analyse", fail)
    result = specc("check", "tiny.net")
    assert result.status == 70
    assert "KeyError: 'oops'" in result.err and package.__version__ in result.err
    assert "Please report it" in result.err and "Traceback" not in result.err
    monkeypatch.setenv("SPECC_DEBUG", "1")
    assert "Traceback" in specc("check", "tiny.net").err


def test_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specc.pipeline.analyse", interrupt)
    result = specc("check", "tiny.net")
    assert (result.status, result.err.strip()) == (130, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_closed_pipe_is_quiet() -> None:
    command = (
        f"{sys.executable} -m specc compile tiny.net --emit ast | head -1; exit ${{PIPESTATUS[0]}}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
    result = subprocess.run(["bash", "-c", command], capture_output=True, env=environment)
    assert result.returncode in (0, 141)  # 0 where all of it fitted
    assert result.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_standard_output_on_a_full_disk() -> None:
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
        command = [sys.executable, "-m", "specc", "explain"]
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert result.returncode == 1
    assert result.stderr == "error: No space left on device\n"


class Terminal(io.StringIO):
    """A stream at which a person looks."""

    def isatty(self) -> bool:
        return True


def test_colours_only_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())


# ---------------------------------------------------------------- check


def test_check() -> None:
    result = specc("check", "tiny.net", "two.net", "--set", "classes=3", "--net", "Tiny")
    assert result.status == 1  # two.net has no such net
    assert result.out == "tiny.net: Tiny, 3 layers, 67 parameters\n"
    both = specc("check", "tiny.net", "two.net")
    assert both.status == 0 and both.err == ""
    assert both.out.splitlines() == [
        "tiny.net: Tiny, 3 layers, 58 parameters",
        "two.net: First, 1 layer, 10 parameters",
        "two.net: DeepSecond, 1 layer, 15 parameters",
    ]


def test_check_reads_standard_input() -> None:
    result = specc("check", "-", stdin=b"\xef\xbb\xbf" + TINY.encode())
    assert result.out == "<stdin>: Tiny, 3 layers, 58 parameters\n"
    assert "E0002" in specc("check", "-", stdin=b"\xff").err
    assert "E0601" in specc("check", "-", stdin=b" " * 1_000_001).err


def test_check_as_json() -> None:
    document = json.loads(specc("check", "tiny.net", "broken.net", "--json").out)
    assert document["errors"] == 1
    assert document["nets"] == [{"file": "tiny.net", "net": "Tiny", "layers": 3, "parameters": 58}]


def test_check_looks_at_training() -> None:
    Path("x.net").write_text(XOR.replace("data xor", "data xorr"), encoding="utf-8")
    assert "E0506" in specc("check", "x.net").err


def test_warnings_are_no_errors() -> None:
    Path("x.net").write_text("block b { relu }\n" + TINY, encoding="utf-8")
    result = specc("check", "x.net")
    assert result.status == 0
    assert "W0101" in result.err and "1 warning; `specc explain W0101`" in result.err
    assert result.out.startswith("x.net: Tiny")


def test_a_library_is_right_without_a_net() -> None:
    Path("x.net").write_text("block b { relu }\n", encoding="utf-8")
    assert specc("check", "x.net").out == "x.net: no net; nothing wrong\n"


# ---------------------------------------------------------------- render and summary


def test_render(folder: Path) -> None:
    assert specc("render", "tiny.net", "-o", "a/tiny.dot").out == "tiny.net -> a/tiny.dot\n"
    text = (folder / "a/tiny.dot").read_text(encoding="utf-8")
    assert text.startswith("digraph") and "dense" in text
    assert specc("render", "tiny.net", "-o", "-").out == text
    assert specc("render", "two.net").status == 1
    assert specc("render", "two.net", "--net", "First", "--format", "dot").status == 0
    assert (folder / "two_first.dot").is_file()


def test_render_without_graphviz(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from specc.draw import NoGraphviz

    def absent(*_: object) -> bytes:
        raise NoGraphviz

    monkeypatch.setattr("specc.draw.render", absent)
    result = specc("render", "tiny.net")
    assert result.status == 1
    assert "pygraphviz" in result.err and "`--format dot` works without it" in result.err
    assert not (folder / "tiny.svg").exists()


def test_summary() -> None:
    result = specc("summary", "tiny.net", "--batch", "32")
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "multiply-adds"]
    assert lines[2].split() == ["dense1", "dense", "8", "[8]", "40", "32"]
    assert any(line.split() == ["total", "58", "48"] for line in lines)
    assert "memory in training at batch 32:" in result.out
    document = json.loads(specc("summary", "tiny.net", "--json").out)
    assert document["parameters"] == 58
    assert document["rows"][0]["path"] == "dense1"


def test_summary_of_free_sizes() -> None:
    text = "net Free {\n  input x: real[T, 3]\n  dense(8)\n}\n"
    Path("free.net").write_text(text, encoding="utf-8")
    assert "T" in specc("summary", "free.net").out
    sized = json.loads(specc("summary", "free.net", "--size", "T=10", "--json").out)
    assert sized["multiply_adds"] == 240


# ---------------------------------------------------------------- fmt


UGLY = "net  Tiny{\n input x:real[4] # four\n   dense( 2 )->relu\n}"


def test_fmt(folder: Path) -> None:
    ugly = folder / "ugly.net"
    ugly.write_text(UGLY, encoding="utf-8")
    ugly.chmod(0o600)
    checked = specc("fmt", "--check", "ugly.net", "tiny.net")
    assert (checked.status, checked.err) == (1, "ugly.net: not in canonical form\n")
    diff = specc("fmt", "--diff", "ugly.net")
    assert diff.status == 0 and "+  dense(2) -> relu\n" in diff.out
    assert ugly.read_text(encoding="utf-8") == UGLY
    assert specc("fmt", "ugly.net", "tiny.net").err == "ugly.net: formatted\n"
    text = ugly.read_text(encoding="utf-8")
    assert "# four" in text and "  dense(2) -> relu\n" in text
    assert ugly.stat().st_mode & 0o777 == 0o600
    again = specc("fmt", "ugly.net")
    assert (again.status, again.out, again.err) == (0, "", "")


def test_fmt_of_standard_input() -> None:
    assert specc("fmt", "-", stdin=UGLY.encode()).out.startswith("net Tiny {\n  input x: real[4]")


def test_fmt_writes_all_or_nothing(folder: Path) -> None:
    (folder / "a.net").write_text(UGLY, encoding="utf-8")
    (folder / "b.net").write_text("net {", encoding="utf-8")
    result = specc("fmt", "a.net", "b.net")
    assert result.status == 1 and "b.net:1" in result.err
    assert (folder / "a.net").read_text(encoding="utf-8") == UGLY


def test_fmt_of_other_line_ends(folder: Path) -> None:
    (folder / "a.net").write_bytes(TINY.replace("\n", "\r\n").encode())
    assert specc("fmt", "a.net").status == 0
    assert (folder / "a.net").read_bytes() == TINY.encode()


# ---------------------------------------------------------------- explain


def test_explain() -> None:
    result = specc("explain", "e0301")
    assert result.out.startswith("E0301: an image smaller than the window\n\n")
    assert "## Mended" in result.out
    listed = specc("explain").out.splitlines()
    assert "E0301  an image smaller than the window" in listed
    assert listed == sorted(listed)
    document = json.loads(specc("explain", "E0301", "--json").out)
    assert document["code"] == "E0301" and "main.net" in document["broken"]
    assert len(json.loads(specc("explain", "--json").out)) == len(listed)
