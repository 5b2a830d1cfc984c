"""Train the specs of sequences on real texts, reviews and series; write docs/results.md.

    python benchmarks/sequences.py --data DIR --only char_rnn,sines_rnn

DIR holds the folders `timemachine`, `hs300`, `imdb` and `wordvec`. Rows of specs that are not
run stay as they were.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from common import compile_spec, import_file, machine, record, recorded, table, train, verdict

SEEDS = (0, 1, 2)
PROMPT = "time traveller"
SENTIMENT = {
    "sentiment_gru": ("chapter 9: 75 %, and over-fitting", None),
    "sentiment_gru_dropout": ("chapter 9: above 80 %", None),
    "sentiment_bigru": ("chapter 9: above 82 %", 0.85),
    "text_cnn": ("", None),
}
"""What the book reports, and the bar."""
SINES_BAR = 0.0019
"""The book's runs end between 0.0012 and 0.0019."""

Row = list[str]


def characters(spec: str, folder: Path, data: Path) -> Row:
    """A language model: its perplexity on the last tenth of the book, and what it writes."""
    script, out = compile_spec(spec, folder), folder / spec
    history, minutes = train(script, out, "--data", str(data / "timemachine"))
    options = ["--generate", PROMPT, "--length", "150", "--temperature", "0.6"]
    command = [sys.executable, str(script), *options, "--resume", str(out)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    score = float(history[-1]["test perplexity"])
    sample = " ".join(ran.stdout.split())
    return [f"`{spec}`", str(len(history)), f"{minutes:.1f}", f"{score:.2f}", f"*{sample}*"]


def sines(spec: str, folder: Path, data: Path) -> Row:
    """The noisy sines: half the squared error on the values after the training part."""
    history, minutes = train(compile_spec(spec, folder), folder / spec)
    loss = float(history[-1]["test loss"])
    row = [f"`{spec}`", str(len(history)), f"{minutes:.1f}", f"{loss:.5f}", "0.0012 to 0.0019"]
    return [*row, verdict(loss <= SINES_BAR)]


def index(spec: str, folder: Path, data: Path) -> Row:
    """The index on days after the training days, beside the forecast that it stays as it is."""
    script, source = compile_spec(spec, folder), data / "hs300"
    history, minutes = train(script, folder / spec, "--data", str(source))
    _, test = import_file(script).load_data(source)
    error = test["days"][:, -1:, 0] - test["closes"]
    return [
        f"`{spec}`",
        str(len(history)),
        f"{minutes:.1f}",
        f"{float(history[-1]['test rmse']) ** 2:.4f}",
        f"{np.mean(error**2):.4f}",
        f"{float(history[-1]['test mae']):.4f}",
        f"{np.mean(np.abs(error)):.4f}",
    ]


def sentiment(spec: str, folder: Path, data: Path) -> Row:
    """Reviews of films: the median over the seeds of the accuracy on the published test part."""
    script = compile_spec(spec, folder)

    def run(seed: int) -> tuple[list[dict[str, str]], float]:
        options = ("--data", str(data), "--seed", str(seed))
        return train(script, folder / f"{spec}{seed}", *options)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each run is a process with one thread
        runs = list(pool.map(run, SEEDS))
    scores = [float(history[-1]["test accuracy"]) for history, _ in runs]
    median, spent = statistics.median(scores), statistics.median(minutes for _, minutes in runs)
    history = runs[0][0]
    book, bar = SENTIMENT[spec]
    row = [f"`{spec}`", str(len(history)), f"{spent:.1f}", f"{median:.1%}"]
    row += [", ".join(f"{score:.1%}" for score in scores), book]
    return [*row, f"{bar:.0%}" if bar else "", verdict(median >= bar) if bar else ""]


Section = tuple[tuple[str, ...], tuple[str, ...], Callable[[str, Path, Path], Row]]
SECTIONS: dict[str, Section] = {
    "characters": (
        ("char_rnn", "char_lstm", "char_gru"),
        ("spec", "epochs", "minutes", "test perplexity", "it writes"),
        characters,
    ),
    "sines": (
        ("sines_rnn",),
        ("spec", "epochs", "minutes", "test loss", "the book", ""),
        sines,
    ),
    "index": (
        ("index_lstm",),
        ("spec", "epochs", "minutes", "test mse", "as today", "test mae", "as today"),
        index,
    ),
    "sentiment": (
        tuple(SENTIMENT),
        ("spec", "epochs", "minutes a run", "median", "seeds 0, 1, 2", "the book", "bar", ""),
        sentiment,
    ),
}


def measure(name: str, folder: Path, data: Path, only: list[str]) -> None:
    """Run what is asked for of one section, and put its table into docs/results.md."""
    specs, columns, run = SECTIONS[name]
    if not set(specs) & set(only):
        return
    rows = {row[0]: row for row in recorded(name)}
    for spec in specs:
        if spec in only:
            rows[f"`{spec}`"] = run(spec, folder, data)
            known = [rows[f"`{s}`"] for s in specs if f"`{s}`" in rows]
            record(name, f"{table(columns, known)}\n\nOne thread. {machine()}.")


def main() -> None:
    """Run what the command line asks for."""
    names = [spec for specs, _, _ in SECTIONS.values() for spec in specs]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", default=",".join(names), help="specs, with commas (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in SECTIONS:
            measure(name, Path(folder), arguments.data.resolve(), arguments.only.split(","))


if __name__ == "__main__":
    main()
