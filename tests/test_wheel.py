"""The wheel: built, installed into an empty folder, and used outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str, cwd: Path, path: Path | None = None) -> str:
    """Run a command; its error stream is the failure."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_"))}
    environment |= {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("site")
    run("-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), str(wheel), cwd=folder)
    return folder


def test_carries_what_it_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = [*(ROOT / "grammar").iterdir(), *(ROOT / "specs").rglob("*")]
    shipped += [*(ROOT / "templates").rglob("*"), *(ROOT / "specc" / "explanations").iterdir()]
    for path in shipped:
        place = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in place and "/runs/" not in place:
            assert (place if place.startswith("specc/") else f"specc/{place}") in names
    assert "specc/py.typed" in names
    assert not [n for n in names if n.startswith(("tests/", "generated/", "runs/"))]


def test_no_folder_hides_a_module(wheel: Path) -> None:
    """`grammar/`, `templates/` and `specs/` lie beside the modules: none has such a name."""
    names = zipfile.ZipFile(wheel).namelist()
    modules = {n.removesuffix(".py") for n in names if n.count("/") == 1 and n.endswith(".py")}
    folders = {"/".join(n.split("/")[:2]) for n in names if n.count("/") > 1}
    assert not modules & folders
    assert len(names) == len(set(names))


def test_is_used_outside_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run("-c", "import specc; print(specc.__file__)", cwd=tmp_path, path=installed)
    assert Path(where.strip()).is_relative_to(installed)
    assert run("-m", "specc", "--version", cwd=tmp_path, path=installed).startswith("specc ")


def test_checks_compiles_and_runs(installed: Path, tmp_path: Path) -> None:
    """A spec of one's own that imports from the shipped library; and a shipped one, which finds
    its data."""
    (tmp_path / "own.net").write_text(
        'import "xor.net"\n'
        "block twice(units) { dense(units) -> tanh -> dense(units) }\n"
        "net Own {\n  input x: real[2]\n  target y: real[1]\n  twice(1)\n  loss mse\n}\n",
        "utf-8",
    )
    assert "Own" in run("-m", "specc", "check", "own.net", cwd=tmp_path, path=installed)
    run("-m", "specc", "compile", "own.net", cwd=tmp_path, path=installed)
    program = "import own, numpy; print(own.Own().forward(numpy.ones((3, 2))).shape)"
    assert run("-c", program, cwd=tmp_path).strip() == "(3, 1)"
    shipped = str(installed / "specc" / "specs" / "xor.net")
    run("-m", "specc", "compile", shipped, "-o", "xor.py", cwd=tmp_path, path=installed)
    assert "epoch" in run("xor.py", "--epochs", "2", cwd=tmp_path)
    digits = installed / "specc" / "specs" / "data" / "mnist" / "train-images-idx3-ubyte.gz"
    assert digits.stat().st_size > 100_000


def test_every_command_works(installed: Path, tmp_path: Path) -> None:
    """What reads a file of its own: explanations, templates, the grammar's table."""
    spec = str(installed / "specc" / "specs" / "lenet.net")
    (tmp_path / "lenet.net").write_bytes(Path(spec).read_bytes())
    for command in (
        ("summary", spec),
        ("fmt", "lenet.net"),
        ("explain", "E0301"),
        ("render", spec, "-o", "lenet.dot"),
    ):
        run("-m", "specc", *command, cwd=tmp_path, path=installed)
    assert (tmp_path / "lenet.dot").read_text("utf-8").startswith("digraph")


def test_installed_code_is_the_checkouts_code(installed: Path, tmp_path: Path) -> None:
    """The same bytes as a checkout writes for the same spec."""
    (tmp_path / "mlp.net").write_bytes((ROOT / "specs" / "mlp.net").read_bytes())
    for name, path in (("a", installed), ("b", ROOT)):
        run("-m", "specc", "compile", "mlp.net", "-o", f"{name}/mlp.py", cwd=tmp_path, path=path)
    assert (tmp_path / "a/mlp.py").read_bytes() == (tmp_path / "b/mlp.py").read_bytes()
