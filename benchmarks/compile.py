"""CPU time of the compiler: starting, checking, and the time per layer of large networks.

    python benchmarks/compile.py

Writes docs/results.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from common import ROOT, SPECS, machine, record, table, verdict

from specc.targets.registry import targets

SPECC = [sys.executable, "-m", "specc"]
GROWTH = 1.5
"""The time per layer at 10,000 layers may be at most this many times that at 1,000."""

HEAD = "net N {\n  input x: real[8]\n  target y: label of 8\n"
TAIL = "  dense(8)\n  loss cross_entropy\n}\n"


def chain(layers: int) -> str:
    """A line for every two layers."""
    return HEAD + "  dense(8) -> relu\n" * (layers // 2) + TAIL


def nested(layers: int) -> str:
    """Repeats in repeats, all iterations alike."""
    body = "dense(8) -> relu -> repeat 8 { dense(8) }"
    return f"{HEAD}  repeat {layers // 100} {{ repeat 10 {{ {body} }} }}\n{TAIL}"


def growing(layers: int) -> str:
    """Repeats in a loop whose iterations all differ in size."""
    body = "repeat 5 { dense(8 + i) -> relu }"
    return f"{HEAD}  for i in range({layers // 10}) {{ {body} }}\n{TAIL}"


def cpu_seconds(command: list[str], runs: int = 11) -> float:
    """The median user and system time of a command as a whole process."""
    times = []
    for _ in range(runs + 1):
        before = os.times()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        used = after.children_user - before.children_user
        times.append(used + after.children_system - before.children_system)
    return median(times[1:])  # the first fills the caches


def startup() -> str:
    """The table of whole commands."""
    spec = str(ROOT / "specs" / "lenet.net")
    commands = [("specc --version", [*SPECC, "--version"], 0.12)]
    commands.append(("specc check specs/lenet.net", [*SPECC, "check", spec], 0.5))
    deep = str(ROOT / "specs" / "resnet.net")
    layers = ["--set", "layers=[3, 8, 36, 3]", "--set", "bottleneck=true"]
    for target in targets():
        name = f"specc compile --target {target}, ResNet-152"
        command = [*SPECC, "compile", deep, *layers, "--target", target, "-o", "-"]
        commands.append((name, command, 1.0))
    every = [sys.executable, __file__, "--every-spec"]
    commands.append(("all shipped specs, both targets, one process", every, 5.0))
    rows = []
    for name, command, bar in commands:
        seconds = cpu_seconds(command)
        rows.append([f"`{name}`", f"{seconds:.3f}", f"{bar:.2f}", verdict(seconds <= bar)])
    return table(["command", "CPU seconds", "bar", ""], rows)


def per_layer(text: str, layers: int, folder: Path, stage: str) -> float:
    """Microseconds of CPU time per layer, the best of three."""
    from specc.diagnostics import Diagnostics
    from specc.options import Options
    from specc.pipeline import analyse, generate
    from specc.source import Source

    source = Source("large.net", text, folder / "large.net")
    work: dict[str, Callable[[], object]] = {
        "check": lambda: analyse(source, Diagnostics()),
        "compile": lambda: generate(
            source, Options(), output=folder / "x.py", diagnostics=Diagnostics()
        ),
    }
    times = []
    for _ in range(3):
        start = time.process_time()
        work[stage]()
        times.append(time.process_time() - start)
    return 1e6 * min(times) / layers


def growth() -> str:
    """The table of large networks."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        per_layer(chain(100), 100, folder, "compile")  # imports
        for make in (chain, nested, growing):
            for stage in ("check", "compile"):
                small, large = (per_layer(make(n), n, folder, stage) for n in (1_000, 10_000))
                ratio = large / small
                rows.append([f"{make.__name__}, {stage}", f"{small:.0f}", f"{large:.0f}"])
                rows[-1] += [f"{ratio:.2f}", f"{GROWTH:.1f}", verdict(ratio <= GROWTH)]
    columns = ["network", "µs a layer at 1,000", "at 10,000", "ratio", "bar", ""]
    return table(columns, rows)


def compile_every_spec() -> None:
    """Compile every shipped spec for every target."""
    from specc.diagnostics import Diagnostics
    from specc.options import Options
    from specc.pipeline import generate, load

    for path in SPECS:
        for target in targets():
            source, output = load(path), Path(f"{path.stem}.py")
            generate(source, Options(target=target), output=output, diagnostics=Diagnostics())


def main() -> None:
    """Measure everything."""
    if sys.argv[1:] == ["--every-spec"]:
        compile_every_spec()
        return
    record("compile", f"{startup()}\n\n{growth()}\n\n{machine()}.")


if __name__ == "__main__":
    main()
