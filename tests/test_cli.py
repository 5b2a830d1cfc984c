"""The command line: what it does, what it says, its exit statuses, and what it must never do."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commandline import specc

import specc as package
from specc.commands.common import wants_colour
from specc.commands.group import COMMANDS
from specc.commands.targets import stem
from specc.files import fingerprint, is_generated, snake_case, write_atomically

TINY = """\
net Tiny(classes = 2) {
  input  x: real[4]
  target y: label of classes
  dense(8) -> relu -> dense(classes)
  loss cross_entropy
}
"""
XOR = """\
net Xor {
  input point: real[2]
  target side: label of 2
  dense(8) -> tanh -> dense(1)
  loss binary_cross_entropy
}

train {
  data xor
  epochs 2
  batch 32
  optimizer adam(lr=0.01)
  metric accuracy
}
"""
TWO = "net First { input x: real[4]; dense(2) }\nnet DeepSecond { input x: real[4]; dense(3) }\n"
BROKEN = "net Tiny {\n  input x: real[4]\n  linear(2)\n}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a few specs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECC_DEBUG", raising=False)
    texts = {"tiny.net": TINY, "xor.net": XOR, "two.net": TWO, "broken.net": BROKEN}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Run `specc` as a process of its own."""
    command = [sys.executable, "-m", "specc", *arguments]
    root = str(Path(package.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command, capture_output=True, text=True, env=environment, timeout=120, **more
    )


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


# ---------------------------------------------------------------- train


def test_train(folder: Path) -> None:
    result = run("train", "xor.net", "--epochs", "3", "--batch", "16", "--seed", "1")
    assert result.returncode == 0, result.stderr
    assert sum(line.startswith("epoch ") for line in result.stdout.splitlines()) == 3
    names = {path.name for path in (folder / "runs/xor").iterdir()}
    assert {"xor.py", "weights.safetensors", "history.csv", "loss.svg"} <= names
    assert names & {"xor.svg", "xor.dot"}
    assert "runs/xor/loss.svg" in result.stdout
    ElementTree.parse(folder / "runs/xor/loss.svg")
    resumed = run("train", "xor.net", "--epochs", "4", "--seed", "1", "--resume", "runs/xor")
    assert resumed.returncode == 0, resumed.stderr
    assert sum(line.startswith("epoch ") for line in resumed.stdout.splitlines()) == 1


def test_a_script_finds_the_run_that_it_was_trained_in(folder: Path) -> None:
    several = XOR.replace("Xor", "DeepXor") + "\nnet Other { input x: real[4]; dense(2) }\n"
    several = several.replace("train {", "train long for DeepXor {")
    short = several[several.index("train long") : several.index("\nnet Other")]
    several += short.replace("long", "short")
    Path("one_net.net").write_text(XOR, encoding="utf-8")
    Path("more.net").write_text(several, encoding="utf-8")
    for options, where in {
        ("one_net.net",): "runs/one_net/one_net.py",
        ("more.net", "--train", "short"): "runs/more_deep_xor_short/more_deep_xor.py",
    }.items():
        assert run("train", *options, "--epochs", "1").returncode == 0
        written = subprocess.run(
            [sys.executable, where, "--help"], capture_output=True, text=True, timeout=120
        )
        assert f"({Path(where).parent.as_posix()})" in "".join(written.stdout.split())


def test_the_exit_status_of_the_script_is_passed_on() -> None:
    result = run("train", "xor.net", "--resume", "nowhere")
    assert result.returncode == 1
    assert "nowhere" in result.stderr and "Traceback" not in result.stderr
    result = run("train", "xor.net", "--data", "x", "--epochs", "1")
    assert result.returncode == 2


def test_a_run_that_cannot_be_resumed_is_left_alone(folder: Path) -> None:
    assert specc("train", "xor.net", "--resume", "nowhere").status == 1
    assert not (folder / "nowhere").exists()
    text = (folder / "xor.net").read_text(encoding="utf-8")
    (folder / "xor.net").write_text(text.replace("epochs 2", "epochs 2\n  seed 7"), "utf-8")
    assert run("train", "xor.net", "--epochs", "1", "--seed", "0").returncode == 0
    again = run("train", "xor.net", "--resume", "runs/xor", "--seed", "0")
    assert again.returncode == 0, again.stderr
    before = {path: path.read_bytes() for path in (folder / "runs/xor").iterdir()}
    other = (folder / "xor.net").read_text(encoding="utf-8").replace("dense(8)", "dense(9)")
    for name in ("xor", "other"):
        (folder / "b").mkdir(exist_ok=True)
        (folder / f"b/{name}.net").write_text(other, encoding="utf-8")
        refused = specc("train", f"b/{name}.net", "--resume", "runs/xor")
        assert refused.status == 1
        assert "of another network: 'dense1.weight' is [8, 2], `Xor` needs [9, 2]" in refused.err
        assert {path: path.read_bytes() for path in (folder / "runs/xor").iterdir()} == before
    for content in (b"", b"{}", b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{]"):
        (folder / "runs/xor/checkpoint.safetensors").write_bytes(content)
        assert "is damaged" in specc("train", "xor.net", "--resume", "runs/xor").err


def test_train_with_pytorch(folder: Path) -> None:
    result = run("train", "xor.net", "--epochs", "2", "--target", "pytorch", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert "import torch" in (folder / "runs/xor/xor.py").read_text(encoding="utf-8")
    assert "runs/xor/loss.svg" in result.stdout


def test_train_without_pytorch(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("specc.commands.train.find_spec", lambda name: None)
    result = specc("train", "xor.net", "--target", "pytorch")
    assert result.status == 1
    assert result.err.startswith("error: PyTorch is not installed\n  = help: `pip install torch`")
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("option", ["--amp", "--compile", "--device=cpu"])
def test_options_of_pytorch_need_it(option: str, folder: Path) -> None:
    result = specc("train", "xor.net", option)
    assert result.status == 2
    name = option.split("=")[0]
    assert result.err.startswith(f"error: `{name}` needs `--target pytorch`")


def test_train_needs_a_section() -> None:
    assert "E0510" in specc("train", "tiny.net").err
    assert not Path("runs").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_training_can_be_interrupted(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parent.parent)}
    with subprocess.Popen(
        [sys.executable, "-m", "specc", "train", "xor.net", "--epochs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch "):
                break
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (folder / "runs/xor/loss.svg").is_file()


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
