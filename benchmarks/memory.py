"""The memory of training: generated NumPy code against generated PyTorch code, run eagerly.

    python benchmarks/memory.py

The peak of the memory of a process over some steps, minus what it used after imports and the
construction of the network. Writes docs/results.md; needs Linux.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from common import machine, record, table, verdict
from networks import NETWORKS, compile_sides, training_step

BAR = 1.5
STEPS = 5


def memory(kind: str) -> int:
    """The memory of this process in kB: `VmRSS` now, `VmHWM` at most since `forget_peak`."""
    found = re.search(rf"{kind}:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    assert found is not None
    return int(found.group(1))


def forget_peak() -> None:
    """Let the peak start anew."""
    Path("/proc/self/clear_refs").write_text("5", "utf-8")


def worker(target: str, name: str, folder: str) -> None:
    """Print by how many kB some steps raise the peak."""
    step = training_step(NETWORKS[name], Path(folder), target)
    forget_peak()
    before = memory("VmRSS")
    for _ in range(STEPS):
        step()
    print(memory("VmHWM") - before)


def measure(target: str, name: str, folder: str) -> float:
    """Megabytes, by a process of its own."""
    command = [sys.executable, __file__, "--worker", target, name, folder]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(run.stdout) / 1024


def compare(name: str) -> list[str]:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        compile_sides(NETWORKS[name], Path(folder))
        own, other = (measure(target, name, folder) for target in ("numpy", "pytorch"))
    ratio = own / other
    numbers = [f"{own:.0f}", f"{other:.0f}", f"{ratio:.2f}", f"{BAR:.2f}"]
    return [f"`{name}`", str(NETWORKS[name].batch), *numbers, verdict(ratio <= BAR)]


def main() -> None:
    """Measure networks and write the table."""
    if sys.argv[1:2] == ["--worker"]:
        worker(*sys.argv[2:])
        return
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="resnet18", help="networks, with commas")
    rows = [compare(name) for name in parser.parse_args().only.split(",")]
    columns = ["network", "batch", "NumPy MB", "PyTorch MB", "ratio", "bar", ""]
    text = table(columns, rows)
    record("memory", f"{text}\n\n{machine()}, PyTorch {torch.__version__}.")


if __name__ == "__main__":
    main()
