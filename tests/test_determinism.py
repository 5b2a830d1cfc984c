"""The same spec gives the same bytes: under any hash seed, in any folder, on any day."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from schemes import CASES

from specc.resources import resource

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """
import sys
from pathlib import Path
from specc.diagnostics import Diagnostics
from specc.draw import dot
from specc.dump import stage
from specc.options import Options
from specc.pipeline import analyse, generate, load

stages, out, *folders = sys.argv[1:]
for path in sorted(path for folder in folders for path in Path(folder).glob("*.net")):
    for name, net in analyse(load(path), Diagnostics()).items():
        options, output = Options(net=name), Path(out, "x.py")
        code = generate(load(path), options, output=output, diagnostics=Diagnostics())
        sys.stdout.write(code.text)
        sys.stdout.write(dot(net))
        for what in stages.split():
            sys.stdout.writelines(stage(what, net))
"""


def outputs(*folders: Path, out: Path, cwd: Path, seed: str = "0", stages: str = "") -> bytes:
    """Everything that the compiler makes of folders of specs, in a process of its own.

    What `--emit` prints (`stages`) names specs as they were given, code and diagrams do not.
    """
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, stages, str(out), *map(str, folders)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def first_difference(a: bytes, b: bytes) -> str:
    """The first lines that differ."""
    pairs = zip(a.decode().splitlines(), b.decode().splitlines(), strict=False)
    return next((f"{x!r}\n{y!r}" for x, y in pairs if x != y), "one is longer")


def test_two_hash_seeds(tmp_path: Path) -> None:
    """Shipped specs, and small ones with shared instances, taps, variants and loops."""
    for name, case in CASES.items():
        (tmp_path / f"{name}.net").write_text(case.spec, "utf-8")
    folders, stages = (tmp_path, resource("specs")), "graph shapes grad"
    first, second = (
        outputs(*folders, out=tmp_path, cwd=tmp_path, seed=seed, stages=stages) for seed in "12"
    )
    assert first == second, first_difference(first, second)
    assert len(first) > 500_000


def test_working_folder_and_way_to_the_spec(tmp_path: Path) -> None:
    """Absolute, relative, and from the folder of the specs: the same code."""
    wanted = outputs(resource("specs"), out=tmp_path, cwd=tmp_path)
    for folder, cwd in ((Path("../specs"), ROOT / "tests"), (Path("."), resource("specs"))):
        found = outputs(folder, out=tmp_path, cwd=cwd)
        assert found == wanted, first_difference(found, wanted)


def test_command_line_writes_the_same_bytes_from_anywhere(tmp_path: Path) -> None:
    """`specc compile`."""
    made = []
    for index, (name, cwd) in enumerate(
        (
            ("specs/mlp.net", ROOT),
            ("mlp.net", resource("specs")),
            (str(ROOT / "specs/mlp.net"), tmp_path),
        )
    ):
        path = tmp_path / "mlp.py"
        path.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONHASHSEED": str(index), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "specc", "compile", name, "-o", str(path)]
        subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
        made.append(path.read_bytes())
    assert made[0] == made[1] == made[2]


def test_line_ends_and_a_mark_at_the_start_change_nothing(tmp_path: Path) -> None:
    """Windows line ends: the same code, hash included."""
    text = resource("specs", "lenet.net").read_bytes().replace(b"\r\n", b"\n")
    results = []
    for name, data in (("a", text), ("b", text.replace(b"\n", b"\r\n"))):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "lenet.net").write_bytes(data)
        results.append(outputs(folder, out=folder, cwd=folder))
    assert results[0] == results[1], first_difference(*results)
