"""Hostile specs, file names and data: nothing in them becomes code, escapes, hangs or is lost."""

from __future__ import annotations

import ast
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commandline import specc
from compiled import compile_text, directional_error
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.words import safe_name, variables

# ---------------------------------------------------------------- names

NAMES = [
    "class", "class_", "lambda", "None_", "self", "np", "print", "range", "len", "zip", "seed",
    "dtype", "training", "_", "__", "__a", "__init__", "__debug__", "x", "d_x", "part", "part_",
    "kept", "loss1", "loss2", "relu", "tanh", "tanh_backward", "channels_last", "in_channels",
    "in_features", "features", "next_features", "Dense", "Conv2d", "Network", "Module", "Bb",
    "Bb_", "ValueError", "dense1", "conv1", "tanh1", "tanh1_", "for1", "repeat1_x", "d_repeat1_x",
    "q_part", "values", "parts", "prepare", "outer", "async", "match", "np_",
]  # fmt: skip

HEAD = "net N { input a: real[4]; target g: real[1]\n "
TAIL = "\n dense(1)\n loss mse }"
PLACES = {
    "input": "net N { input $: real[4]; target g: real[1]\n dense(3) -> relu -> dense(4) as hh"
    "\n from $, hh -> add -> tanh -> dense(1)\n loss mse }",
    "image": "net N { input $: real[2, 4, 4]; target g: real[1]\n conv(3, 3, pad=1) -> relu"
    " -> maxpool(2) -> flatten -> dense(1)\n loss mse }",
    "target": "net N { input a: real[4]; target h: real[2]; target $: real[1]\n dense(4) -> tanh"
    " as q\n dense(2) as o; loss l1(target=h)\n from q -> dense(1) as p; loss mse(target=$)"
    "\n output o, p }",
    "net": HEAD.replace("N", "$") + "dense(3) -> relu" + TAIL,
    "net parameter": "net N($ = 3) { input a: real[4]; target g: real[1]\n dense($)" + TAIL,
    "block": "block $(k) { dense(k) -> tanh -> dense(k) }\n" + HEAD + "$(2) -> $(3)" + TAIL,
    "parameter": "block bb($) { dense($) -> relu -> dense($ * 2) -> tanh }\n"
    + HEAD
    + "bb(2) -> bb(3)"
    + TAIL,
    "growth": "block bb($) { repeat 3 { concat { path {} path { dense($) -> tanh } } } }\n"
    + HEAD
    + "bb(3) -> bb(2)"
    + TAIL,
    "block inputs": "block bb(k) { input aa, $\n from aa -> dense(k) -> tanh as q\n from $ -> "
    "dense(k) as w\n from q, w -> multiply }\n"
    + HEAD
    + "tanh as s\n from a, s -> bb(3) as t\n from t, t -> bb(2)"
    + TAIL,
    "tensor": HEAD
    + "dense(4) as $; tanh -> dense(4) -> relu as q; from $, q -> add -> relu"
    + TAIL,
    "label": HEAD + "$: dense(4) -> tanh" + TAIL,
    "function": HEAD + "dense(4) -> $: relu -> dense(4) -> relu" + TAIL,
    "loop": HEAD + "$: repeat 2 { dense(4) -> tanh -> dense(4) }" + TAIL,
    "shared": HEAD + "shared $ = dense(4)\n repeat 2 { $ -> softplus -> dense(4) }\n $" + TAIL,
    "variable": HEAD + "for $ in [3, 4, 5] { dense($) -> tanh -> dense($) }" + TAIL,
    "counter": HEAD + "for $ in range(3) { dense($ + 2) }" + TAIL,
    "tap": HEAD + "for i in range(3) { dense(4) -> tanh as $[i] }\n from $[0], $[2] -> add" + TAIL,
    "two taps": HEAD + "for i in range(2) { tanh -> dense(4) as $[i] }\n"
    " for i in range(2) { dense(4) as $[i + 2] }\n from $[0], $[3] -> add" + TAIL,
    "outer tensor": HEAD + "dense(4) -> tanh as $\n repeat 2 { dense(4) as q; from q, $ -> add }"
    " -> tanh" + TAIL,
    "outputs": "block bb(k) { dense(k) as $; tanh -> dense(k) as w; output $, w }\n"
    + HEAD
    + "bb(3) as (u, $)\n from u, $ -> add"
    + TAIL,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_name_is_refused_or_works(place: str) -> None:
    failed = []
    for name in NAMES:
        try:
            compiled = compile_text(PLACES[place].replace("$", name))
            error = directional_error(compiled, compiled.batch(), count=1)
            if not error < 1e-5:
                failed.append(f"{name}: the gradient is off by {error}")
        except AssertionError as error:
            if not re.match(r"E\d{4} ", str(error)):
                failed.append(f"{name}: {error!r}")
        except Exception as error:
            failed.append(f"{name}: {error!r}")
    assert not failed


@given(st.lists(st.from_regex(r"[A-Za-z_]\w{0,6}", fullmatch=True)), st.data())
@settings(max_examples=30)
def test_variables_are_different_words_of_python(names: list[str], data: st.DataObject) -> None:
    names = [n for n in names if n.isascii()]
    taken = data.draw(st.lists(st.sampled_from([*map(safe_name, names), "x"])))
    words = variables(names, taken)
    assert list(words) == list(dict.fromkeys(names))
    assert len(set(words.values()) | set(taken)) == len(words) + len(set(taken))
    for word in words.values():
        ast.parse(f"def f({word}): {word} = 1")


# ---------------------------------------------------------------- texts

SPEC = HEAD + "dense(3) -> tanh" + TAIL
TRAIN = "\ntrain { data %s\n epochs 1\n batch 4\n optimizer sgd(lr=0.1)\n seed 0 }\n"
TEXTS = ['"', '"""', "'''", "\\", "\\N", "{{7*7}}", "{% raw %}", "a\nb", "\u2028é", "#", "<b>&"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    """Write a spec; returns its name."""
    Path(name).write_text(text, "utf-8")
    return name


@pytest.mark.parametrize("text", TEXTS)
def test_file_names_stay_names(text: str) -> None:
    Path(f"in{text}").mkdir()
    spec = write(f"in{text}/a{text}.net", SPEC + TRAIN % 'npz("d.npz")')
    output = f"o{text}.py"
    assert specc("compile", spec, "-o", output).status == 0
    tree = ast.parse(Path(output).read_text("utf-8"))
    strings = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    assert f"in{text}" in strings  # the way to the data
    run = subprocess.run([sys.executable, output], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "d.npz" in run.stderr and "Traceback" not in run.stderr
    assert specc("render", spec, "-o", "p.svg").status == 0
    assert specc("check", spec, "--output-format", "json").status == 0


@pytest.mark.parametrize("text", ['\\"\\"\\"\\nimport os', "{{7*7}}", "\\\\", "'''", "é\\t"])
def test_settings_stay_in_the_docstring(text: str) -> None:
    spec = write("a.net", SPEC.replace("net N", 'net N(s = "")'))
    result = specc("compile", spec, "-o", "a_.py", "--set", f's="{text}"')
    assert result.status == 0
    before = specc("compile", spec, "-o", "b_.py").status
    trees = [ast.parse(Path(name).read_text("utf-8")) for name in ("a_.py", "b_.py")]
    assert before == 0 and ast.dump(trees[0].body[-1]) == ast.dump(trees[1].body[-1])
    assert len(trees[0].body) == len(trees[1].body)


@pytest.mark.parametrize("text", ['\\"', '\\"\\"\\"', "'''", "{{7*7}}", "{% raw %}", "é", "y\\n"])
def test_columns_stay_strings(text: str) -> None:
    data = TRAIN % f'csv("d.csv", target="{text}")'
    spec = write("a.net", SPEC + data)
    result = specc("compile", spec, "-o", "a_.py")
    if result.status == 0:
        column = text.replace('\\"', '"').replace("\\n", "\n")
        tree = ast.parse(Path("a_.py").read_text("utf-8"))
        assert column in [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    else:
        assert result.status == 1 and result.err.startswith("error[E05")


def test_a_script_does_not_hide_a_module() -> None:
    spec = write("csv.net", SPEC + TRAIN % 'csv("d.csv", target="y")')
    assert specc("compile", spec).status == 0
    assert Path("csv_net.py").exists()
    assert specc("compile", spec, "-o", "numpy.py").status == 2


# ---------------------------------------------------------------- bombs

DOUBLING = "let a0 = [1]\n" + "".join(f"let a{i} = [a{i - 1}, a{i - 1}]\n" for i in range(1, 60))
CALLS = "".join(f"block b{i} {{ b{i + 1} -> b{i + 1} }}\n" for i in range(40))
BOMBS = {
    "E0208": HEAD + "repeat 1e9 { dense(4) }" + TAIL,
    "E0611": HEAD + "repeat 1000000000 { dense(4) }" + TAIL,
    "E0611 nested": HEAD + "repeat 1000 { repeat 1000 { repeat 1000 { dense(4) } } }" + TAIL,
    "E0611 all differ": HEAD
    + "for i in range(300) { for j in range(300) { if i < 0 { tanh } } }"
    + TAIL,
    "E0611 nothing": HEAD + "for i in range(100000) { for j in range(100000) { } }" + TAIL,
    "E0611 sums": HEAD + "for i in range(1000) { let s = sum(range(100000))\n dense(i+1) }" + TAIL,
    "E0611 calls": CALLS + "block b40 { dense(4) }\n" + HEAD + "b0" + TAIL,
    "E0612": "block r { r -> r }\n" + HEAD + "r" + TAIL,
    "E0612 mutual": "block p { q }\nblock q { p }\n" + HEAD + "p" + TAIL,
    "E0615": "let l = range(10**9)\n" + SPEC,
    "E0615 tower": "let l = 9**9**9**9\n" + SPEC,
    "E0615 lists": DOUBLING + SPEC,
    "E0615 once": "let l = range(100000) + [1]\n"
    + "".join(f"let {b} = {a} + {a}\n" for a, b in zip("lmnopqrstu", "mnopqrstuv", strict=True)),
    "E0614": HEAD + "dense(1000000000) -> dense(1000000000)" + TAIL,
    "E0604": HEAD + f"dense({'9' * 100_000})" + TAIL,
    "E0601": "#" * 10_000_000,
    "E0602": HEAD + "repeat 1 {" * 5000 + "}" * 5000 + TAIL,
    "E0602 brackets": f"let l = {'[' * 5000}{']' * 5000}\n",
    "E0602 arms": HEAD + "if true { dense(4) } " + "else if true { dense(4) } " * 2000 + TAIL,
    "E0603": f"let l = {'not ' * 20_000}true\n",
    "E0101": HEAD + "xdense(4)\n" * 3000 + TAIL,
    "": HEAD + "repeat 50 { repeat 50 { repeat 50 { dense(4) } } }" + TAIL,
    " wide": HEAD + f"concat {{ {'path { dense(2) } ' * 1000} }}" + TAIL,
    " shared": HEAD + "shared e = dense(4)\n" + "e -> tanh\n" * 1000 + TAIL,
    " nested": HEAD + "repeat 1 {" * 40 + "dense(4)" + "}" * 40 + TAIL,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_work_is_bounded(bomb: str) -> None:
    code = bomb.split(" ")[0]
    start = time.process_time()
    result = specc("check", write("bomb.net", BOMBS[bomb]))
    assert time.process_time() - start < 10
    assert result.status == (1 if code else 0)
    assert f"[{code}]" in result.err or not code
    assert len(result.out + result.err) < 50_000


# ---------------------------------------------------------------- imports


def chain_of_imports(count: int) -> str:
    for number in range(count):
        write(f"i{number}.net", f'import "i{number + 1}.net"\n')
    write(f"i{count}.net", "block b { dense(1) }\n")
    return "i0.net"


def test_imports_stay_in_their_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write("secret.net", "block b { dense(1) }\n")
    (inside / "link.net").symlink_to(tmp_path / "secret.net")
    (inside / "folder.net").symlink_to(tmp_path)
    for wanted in (
        "../secret.net",
        "link.net",
        str(tmp_path / "secret.net"),
        "folder.net/secret.net",
    ):
        spec = write(str(inside / "a.net"), f'import "{wanted}"\n')
        refused = specc("check", spec)
        assert refused.status == 1 and "error[E0106]" in refused.err
        assert specc("check", "--allow-imports", spec).status == 0


def test_imports_of_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo("fifo.net")
    Path("zero.net").symlink_to("/dev/zero")
    Path("loop.net").symlink_to("loop.net")
    Path("folder.net").mkdir()
    for wanted in ("fifo.net", "zero.net", "loop.net", "folder.net", ".", "", "/dev/zero", "a\\nb"):
        for options in ([], ["--allow-imports"]):
            result = specc("check", *options, write("a.net", f'import "{wanted}"\n'))
            assert result.status == 1 and "error[E0104]" in result.err
            assert f'did you mean `import "{wanted}"`' not in result.err
    for file in ("fifo.net", "zero.net", "loop.net", "folder.net", "/dev/zero", ""):
        assert "error[E0001]" in specc("check", file).err


def test_many_imports_end(tmp_path: Path) -> None:
    assert "E0613" in specc("check", chain_of_imports(400)).err
    for number in range(40):
        write(f"d{number}.net", f'import "d{number + 1}.net"\nimport "./d{number + 1}.net"\n')
    write("d40.net", "block b { dense(1) }\n")
    assert specc("check", "d0.net").status == 0
    assert "E0105" in specc("check", write("self.net", 'import "./self.net"\n')).err


# ---------------------------------------------------------------- nothing is lost


def test_files_of_others_stay_as_they_are() -> None:
    spec = write("a.net", SPEC + TRAIN % "xor")
    write("mine.py", "mine\n")
    write("mine.svg", "mine\n")
    Path("link.py").symlink_to("mine.py")
    for output in ("mine.py", "link.py"):
        assert specc("compile", spec, "-o", output).status == 1
    assert specc("render", spec, "-o", "mine.svg").status == 1
    assert specc("render", spec, "-o", spec, "--format", "dot").status == 1
    assert specc("compile", spec, "-o", spec, "--force").status == 2
    assert Path("mine.py").read_text() == Path("mine.svg").read_text() == "mine\n"
    assert Path(spec).read_text().startswith("net N")
    assert specc("render", spec, "-o", "own.dot").status == 0
    assert specc("render", spec, "-o", "own.dot").status == 0


def test_what_cannot_be_written_is_one_line() -> None:
    spec = write("a.net", SPEC)
    Path("folder.py").mkdir()
    for output in ("folder.py", "/dev/full", "a.net/b.py"):
        result = specc("compile", spec, "-o", output)
        assert result.status == 1 and result.err.startswith(f"error: cannot write `{output}`: ")
    assert sorted(os.listdir()) == ["a.net", "folder.py"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str) -> None:
    write("a.net", SPEC)
    command = f'"{sys.executable}" -m specc check a.net {closed}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "internal error" not in done.stderr


def test_the_poorest_environment() -> None:
    spec = write("é.net", SPEC + "# ÷\n")
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": ""}
    for command in (["compile", spec, "-o", "-"], ["check", spec], ["fmt", "--check", spec]):
        done = subprocess.run(
            [sys.executable, "-m", "specc", *command], env=poor, capture_output=True, check=False
        )
        assert done.returncode == (1 if command[0] == "fmt" else 0)
        assert b"internal error" not in done.stderr and b"Traceback" not in done.stderr


# ---------------------------------------------------------------- data


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil",)


def npy(shape: str, kind: str = "'<f4'", data: bytes = bytes(128)) -> bytes:
    """An array file with any header."""
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data


MEMBERS = {
    "a pickle": pickle.dumps(Evil()),
    "an array of pickles": npy("(8, 4)", "'|O'", pickle.dumps(Evil())),
    "nothing": b"",
    "a size beyond a machine word": npy("(99999999999999999999999, 4)"),
    "a negative size": npy("(-8, 4)"),
    "a size without data": npy("(1000000000000, 4)"),
    "too little data": npy("(8, 4)", data=bytes(100)),
    "code for a type": npy("(8, 4)", "__import__('os').system('touch evil')"),
    "deep brackets": npy("(" * 3000 + ")" * 3000),
    "huge items": npy("(8, 4)", "'|V999999999'"),
}


def test_hostile_archives_are_one_line(tmp_path: Path) -> None:
    text = SPEC + TRAIN % 'npz("d.npz")'
    script = compile_script(write("a.net", text))
    labels = io.BytesIO()
    np.save(labels, np.zeros((8, 1), "f4"))
    for name, member in MEMBERS.items():
        with zipfile.ZipFile("d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", member)
            archive.writestr("g.npy", labels.getvalue())
        with pytest.raises(script["InputError"], match=r"d\.npz") as error:
            script["load_data"](tmp_path)
        assert "\n" not in str(error.value), name
    Path("d.npz").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(script["InputError"], match=r"not an \.npz file"):
        script["load_data"](tmp_path)
    assert not Path("evil").exists()


def compile_script(spec: str) -> dict[str, object]:
    """The names of a generated script."""
    assert specc("compile", spec, "-o", "made_.py").status == 0
    names: dict[str, object] = {"__name__": "made"}
    exec(compile(Path("made_.py").read_text("utf-8"), "made_.py", "exec"), names)
    return names
