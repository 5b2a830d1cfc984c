"""One training step of the generated NumPy code against the generated PyTorch code, run eagerly.

    python benchmarks/step.py                      # all networks, 1 and 2 threads
    python benchmarks/step.py --only mlp --quick

A step is all of it: forward pass, loss, backward pass and the update by the optimizer, embeddings
and dense layers included; in PyTorch recurrent layers are `nn.RNN`, `nn.LSTM` and `nn.GRU`.
Each side runs in a process of its own, in turn, with equal threads, weights and examples; the
median of the steps in a process, and of the ratios of the pairs. Writes docs/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from common import machine, record, recorded, table, verdict
from networks import NETWORKS, Network, compile_sides, gradients, training_step

TOLERANCE = 1e-6
"""The two sides must agree in loss and gradients to this, or the timing means nothing."""


def worker(target: str, name: str, folder: str, seconds: float) -> None:
    """Time steps for a while and print their median in milliseconds."""
    if target == "pytorch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    step = training_step(NETWORKS[name], Path(folder), target)
    times: list[float] = []
    for _ in range(3):
        step()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"milliseconds": 1000 * median(times), "steps": len(times)}))


def check(network: Network, folder: Path) -> None:
    """Stop if the two sides do not compute the same."""
    loss, own = gradients(folder, "numpy")
    other_loss, other = gradients(folder, "pytorch")
    largest = max(float(abs(g).max()) for g in own.values())
    worst = max(float(abs(g - other[n]).max()) for n, g in own.items()) / largest
    if abs(loss - other_loss) > TOLERANCE * abs(loss) or worst > TOLERANCE:
        sys.exit(f"{network.name}: the sides differ: loss {loss} and {other_loss}, {worst:.1e}")


def measure(target: str, arguments: list[str], threads: int) -> float:
    """The median step of one process, in milliseconds."""
    names = ("OMP", "OPENBLAS", "MKL")
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}
    command = [sys.executable, __file__, "--worker", target, *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout)["milliseconds"])


def race(network: Network, folder: Path, threads: int, pairs: int, seconds: float) -> list[str]:
    """A row of the table: medians of both sides and of their ratio."""
    arguments = [network.name, str(folder), str(seconds)]
    sides = [
        (measure("numpy", arguments, threads), measure("pytorch", arguments, threads))
        for _ in range(pairs)
    ]
    ratio = median(a / b for a, b in sides)
    bar = network.bar if threads == 1 else None
    return [
        f"`{network.name}`",
        str(network.batch),
        str(threads),
        f"{median(a for a, _ in sides):.2f}",
        f"{median(b for _, b in sides):.2f}",
        f"{ratio:.2f}",
        f"{min(a / b for a, b in sides):.2f}-{max(a / b for a, b in sides):.2f}",
        "" if bar is None else f"{bar:.2f}",
        "" if bar is None else verdict(ratio <= bar),
    ]


def races(name: str, threads: list[int], pairs: int, seconds: float) -> list[list[str]]:
    """The rows of a network, one for each number of threads."""
    with tempfile.TemporaryDirectory() as folder:
        compile_sides(NETWORKS[name], Path(folder))
        check(NETWORKS[name], Path(folder))
        return [race(NETWORKS[name], Path(folder), count, pairs, seconds) for count in threads]


def main() -> None:
    """Run what the command line asks for."""
    if sys.argv[1:2] == ["--worker"]:
        target, name, folder, duration = sys.argv[2:]
        worker(target, name, folder, float(duration))
        return
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(NETWORKS), help="networks, with commas")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="fewer, shorter processes")
    arguments = parser.parse_args()
    pairs, seconds = (3, 1.0) if arguments.quick else (5, 1.5)
    rows = {(row[0], row[2]): row for row in recorded("step")}
    columns = ["network", "batch", "threads", "NumPy ms", "PyTorch ms", "ratio", "range", "bar", ""]
    note = f"{pairs} pairs of processes. {machine()}, PyTorch {torch.__version__}."
    for name in arguments.only.split(","):
        rows |= {(row[0], row[2]): row for row in races(name, arguments.threads, pairs, seconds)}
        record("step", f"{table(columns, list(rows.values()))}\n\n{note}")


if __name__ == "__main__":
    main()
