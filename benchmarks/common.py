"""What the benchmarks share: the machine, running a spec, and tables in docs/results.md."""

from __future__ import annotations

import csv
import importlib.util
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results.md"
NETWORKS_PAGE = ROOT / "docs" / "networks.md"
SPECS = sorted((ROOT / "specs").glob("*.net"))


def machine() -> str:
    """Processor, cores and versions, as one line."""
    import numpy

    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
        model = found.group(1) if found else model
    versions = f"Python {platform.python_version()}, NumPy {numpy.__version__}"
    return f"{model}, {os.cpu_count()} cores; {versions}"


def compile_spec(name: str, folder: Path, settings: Sequence[str] = ()) -> Path:
    """Compile `specs/<name>.net` into a folder; returns the file."""
    from specc.diagnostics import Diagnostics
    from specc.options import Options
    from specc.pipeline import generate, load

    output = folder / f"{name}.py"
    source = load(ROOT / "specs" / f"{name}.net")
    generated = generate(
        source, Options(settings=settings), output=output, diagnostics=Diagnostics()
    )
    output.write_text(generated.text, encoding="utf-8")
    return output


def import_file(path: Path) -> ModuleType:
    """Import a generated file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def train(script: Path, folder: Path, *options: str) -> tuple[list[dict[str, str]], float]:
    """Run a generated script; its history, and the minutes that it took."""
    start = time.perf_counter()
    command = [sys.executable, str(script), "--out", str(folder), "--threads", "1", *options]
    subprocess.run(command, check=True)
    minutes = (time.perf_counter() - start) / 60
    with open(folder / "history.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file)), minutes


def verdict(is_met: bool) -> str:
    """The last column of a table."""
    return "met" if is_met else "**missed**"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def recorded(section: str) -> list[list[str]]:
    """The rows of a section's table as they stand in docs/results.md."""
    text = RESULTS.read_text("utf-8").split(f"<!-- {section} -->")[1]
    lines = text.split(f"<!-- end of {section} -->")[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    return rows[2:]


def record(section: str, text: str, file: Path | None = None) -> None:
    """Put a measured text between its marks in a file (docs/results.md), and show it."""
    file = file or RESULTS
    print(f"\n{text}")
    page = file.read_text("utf-8")
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    file.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
