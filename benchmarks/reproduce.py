"""Train the shipped specs on full MNIST, as the book does, and LeNet on the bundled digits.

    python benchmarks/reproduce.py --data DIR      # DIR holds the four idx files of MNIST

Writes the measured tables into docs/results.md.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common import ROOT, compile_spec, machine, record, recorded, table, train, verdict


@dataclass(frozen=True)
class Experiment:
    """A spec, what the book reports of it, and the bar."""

    spec: str
    book: str
    bar: float


BOOK = (
    Experiment("softmax_regression", "chapter 2: about 92 %", 0.92),
    Experiment("mlp", "chapter 3: above 98 %", 0.98),
    Experiment("book_cnn", "chapters 4-5: above 99 %", 0.99),
    Experiment("book_cnn_bn", "chapter 6: above 99.4 %", 0.993),
)


def full_mnist(folder: Path, data: str, only: list[str]) -> str:
    """The table of the book's experiments; rows of specs that are not run stay as they were."""
    measured = {row[0]: row for row in recorded("full MNIST")}
    rows = []
    for experiment in BOOK:
        if experiment.spec not in only:
            if f"`{experiment.spec}`" in measured:
                rows.append(measured[f"`{experiment.spec}`"])
            continue
        script = compile_spec(experiment.spec, folder)
        history, minutes = train(script, folder / experiment.spec, "--data", data)
        accuracy = float(history[-1]["test accuracy"])
        rows.append(
            [
                f"`{experiment.spec}`",
                str(len(history)),
                f"{minutes:.1f}",
                f"{accuracy:.2%}",
                f"{100 * experiment.bar:.3g}%",
                experiment.book,
                verdict(accuracy >= experiment.bar),
            ]
        )
    columns = ["spec", "epochs", "minutes", "test accuracy", "bar", "the book", ""]
    return f"{table(columns, rows)}\n\nSeed 0, one thread, last epoch. {machine()}."


def digits(folder: Path) -> str:
    """LeNet on the bundled excerpt, on three seeds."""
    script = compile_spec("lenet", folder)
    data = str(ROOT / "specs" / "data" / "mnist")
    rows = []
    for seed in range(3):
        out = folder / f"lenet{seed}"
        history, minutes = train(script, out, "--data", data, "--seed", str(seed))
        accuracy = float(history[-1]["test accuracy"])
        seconds = f"{60 * minutes:.0f}"
        rows.append([str(seed), str(len(history)), seconds, f"{accuracy:.1%}", "95%"])
        rows[-1].append(verdict(accuracy >= 0.95))
    columns = ["seed", "epochs", "seconds", "test accuracy", "bar", ""]
    return f"{table(columns, rows)}\n\nOne thread, last epoch. {machine()}."


def main() -> None:
    """Run what the command line asks for."""
    names = [experiment.spec for experiment in BOOK]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with the full MNIST; without it, only LeNet")
    parser.add_argument("--only", default=",".join(names), help="specs, with commas (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data:
            data = str(Path(arguments.data).resolve())
            record("full MNIST", full_mnist(Path(folder), data, arguments.only.split(",")))
        else:
            record("digits", digits(Path(folder)))


if __name__ == "__main__":
    main()
