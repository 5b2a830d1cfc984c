"""One training step of the generated NumPy code against the same network in PyTorch eager.

    python benchmarks/step.py                      # all networks, 1 and 2 threads
    python benchmarks/step.py --only mlp --quick

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
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from common import compile_spec, import_file, machine, record, table, verdict
from networks import NETWORKS, Network, torch_step

TOLERANCE = 1e-3
"""The two sides must agree in loss and gradients to this, or the timing means nothing."""


def examples(batch: int) -> tuple[Any, Any]:
    """Made-up images and labels, the same in every process."""
    import numpy as np

    rng = np.random.default_rng(0)
    image = rng.random((batch, 1, 28, 28), dtype=np.float32)
    return image, rng.integers(0, 10, batch)


def numpy_net(network: Network, script: str) -> tuple[Any, Any]:
    """A generated file as a module, and its network."""
    module = import_file(Path(script))
    name = next(n for n in vars(module) if n.lower() == network.spec.replace("_", ""))
    return module, getattr(module, name)()


def numpy_step(network: Network, script: str, weights: str) -> Callable[[], Any]:
    """A training step of a generated file on fixed examples."""
    module, net = numpy_net(network, script)
    net.load(weights)
    optimizer = (module.Adam if network.adam else module.SGD)(net)
    penalty = getattr(module, "add_penalty", None)
    image, digit = examples(network.batch)

    def step() -> None:
        net.loss(image, digit)
        net.backward()
        if penalty is not None:
            penalty(net)
        optimizer.step(network.rate)

    return step


def worker(side: str, spec: str, script: str, weights: str, seconds: float) -> None:
    """Time steps for a while and print their median in milliseconds."""
    network = NETWORKS[spec]
    if side == "torch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        step: Callable[[], object] = torch_step(network, weights)
    else:
        step = numpy_step(network, script, weights)
    times, end = [], time.perf_counter() + seconds
    for _ in range(5):
        step()
    while time.perf_counter() < end or len(times) < 15:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"milliseconds": 1000 * median(times), "steps": len(times)}))


def check(network: Network, script: str, weights: str) -> None:
    """Stop if the two sides do not compute the same."""
    _, net = numpy_net(network, script)
    net.load(weights)
    loss = net.loss(*examples(network.batch))
    gradients = net.backward()
    other_loss, other = torch_step(network, weights)()
    largest = max(float(abs(g).max()) for g in gradients.values())
    worst = max(float(abs(g - other[n].numpy()).max()) for n, g in gradients.items()) / largest
    if abs(loss - other_loss) > TOLERANCE * abs(loss) or worst > TOLERANCE:
        sys.exit(f"{network.spec}: the sides differ: loss {loss} and {other_loss}, {worst:.1e}")


def measure(side: str, arguments: list[str], threads: int) -> float:
    """The median step of one process, in milliseconds."""
    names = ("OMP", "OPENBLAS", "MKL")
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names}
    command = [sys.executable, __file__, "--worker", side, *arguments]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(run.stdout)["milliseconds"])


def race(network: Network, folder: Path, threads: int, pairs: int, seconds: float) -> list[str]:
    """A row of the table: medians of both sides and of their ratio."""
    script = str(compile_spec(network.spec, folder))
    weights = str(folder / f"{network.spec}.safetensors")
    numpy_net(network, script)[1].save(weights)
    check(network, script, weights)
    arguments = [network.spec, script, weights, str(seconds)]
    sides = [
        (measure("numpy", arguments, threads), measure("torch", arguments, threads))
        for _ in range(pairs)
    ]
    ratio = median(a / b for a, b in sides)
    bar = network.bar if threads == 1 else None
    return [
        f"`{network.spec}`",
        str(network.batch),
        str(threads),
        f"{median(a for a, _ in sides):.2f}",
        f"{median(b for _, b in sides):.2f}",
        f"{ratio:.2f}",
        f"{min(a / b for a, b in sides):.2f}-{max(a / b for a, b in sides):.2f}",
        "" if bar is None else f"{bar:.2f}",
        "" if bar is None else verdict(ratio <= bar),
    ]


def main() -> None:
    """Run what the command line asks for."""
    if sys.argv[1:2] == ["--worker"]:
        side, spec, script, weights, seconds = sys.argv[2:]
        worker(side, spec, script, weights, float(seconds))
        return
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(NETWORKS), help="specs, with commas")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="fewer, shorter processes")
    arguments = parser.parse_args()
    pairs, seconds = (3, 1.0) if arguments.quick else (5, 1.5)
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            race(NETWORKS[spec], Path(folder), threads, pairs, seconds)
            for spec in arguments.only.split(",")
            for threads in arguments.threads
        ]
    columns = ["network", "batch", "threads", "NumPy ms", "PyTorch ms", "ratio", "range", "bar", ""]
    note = f"{pairs} pairs of processes. {machine()}, PyTorch {torch.__version__}."
    record("step", f"{table(columns, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
