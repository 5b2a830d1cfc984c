"""Nets over texts, reviews, series and padded arrays, and runs of their scripts."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled import execute, network_class

from specc.diagnostics import Diagnostics
from specc.options import Options
from specc.pipeline import generate
from specc.source import Source

FORMS = {
    "numpy": Options(),
    "pytorch": Options(target="pytorch"),
    "explicit": Options(target="pytorch", backward="explicit"),
}


@cache
def code(text: str, form: str) -> str:
    """The generated file of a spec."""
    source = Source("net.net", text)
    output = Path("net.py")
    return generate(source, FORMS[form], output=output, diagnostics=Diagnostics()).text


def run(text: str, form: str, folder: Path, *options: str) -> tuple[str, str]:
    """Run the script of a spec in a folder: what it prints, and its error."""
    out = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "generated", "__file__": str(folder / "net.py")}
    exec(compile(code(text, form), "net.py", "exec"), namespace)
    error = ""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setattr(sys, "argv", ["net.py", "--threads", "1", *options])
        patch.chdir(folder)
        try:
            namespace["main"]()
        except SystemExit as stop:
            error = str(stop.code)
    return out.getvalue(), error


def scores(printed: str) -> list[dict[str, float]]:
    """The numbers of each epoch's line."""
    lines = [line for line in printed.splitlines() if line.startswith("epoch")]
    return [
        {n: float(x) for n, x in re.findall(r"([a-z]+(?: [a-z]+)?) ([\d.e+-]+)", line)}
        for line in lines
    ]


def module(spec: str, form: str, folder: Path) -> tuple[Any, Any, list[Any]]:
    """The module of a spec, its net, and vocabulary, training and test part of its text."""
    made = execute(code(spec, form))
    return made, network_class(made)(seed=1), list(made.load_data(folder))


def array(x: Any) -> Any:
    """A copy of an array or tensor, as an array."""
    return np.array(x.detach().numpy() if hasattr(x, "detach") else x)


LETTERS = """
net Letters(vocab = 28) {
  input chars: token[T] of vocab
  target next: label[T] of vocab
  embedding(vocab, 6) -> LAYERS -> dense(vocab)
  loss cross_entropy
}
train {
  data      text("a.txt", steps=7, MORE)
  epochs    2
  batch     4
  optimizer adam(lr=0.02)
  metric    perplexity, accuracy
  clip      1
}
"""


def letters(layers: str = "relu", more: str = "letters=true") -> str:
    """The spec of a net that tells letters."""
    return LETTERS.replace("LAYERS", layers).replace("MORE", more)


# ---------------------------------------------------------------- reviews and series


MOODS = """
net Moods(vocab = 30) {
  input words: token[8] of vocab PADDED
  target mood: label of 2
  LAYERS -> dense(2)
  loss cross_entropy
}
train {
  data      reviews("a.tsv", test="a.tsv", length=8, vectors="v.txt")
  epochs    8
  batch     8
  optimizer adagrad(lr=0.2)
  metric    accuracy
}
"""
INDEX = """
net Index {
  input days: real[12, 2]
  target later: real[3]
  gru(8) -> last -> dense(3)
  loss mse
}
train {
  data      series("a.csv", columns=["close", "volume"], window=12, horizon=3)
  epochs    5
  batch     16
  optimizer adam(lr=0.02)
  clip      1
  metric    mae, rmse
}
"""


# ---------------------------------------------------------------- padded, from arrays


TAGGER = """
net Tagger {
  input words: token[T] of 9 padded
  target tag: label[T] of 3
  embedding(9, 6) -> gru(6) -> dense(3)
  loss cross_entropy
}
train {
  data      npz("tags.npz")
  epochs    2
  batch     4
  optimizer adam(lr=0.02)
  metric    accuracy
}
"""


def tags(folder: Path, **changed: Any) -> dict[str, Any]:
    """Padded sentences, with a tag for each word, in a file."""
    rng = np.random.default_rng(0)
    words, lengths = rng.integers(0, 9, (30, 8)), rng.integers(1, 7, 30)
    arrays = {"words": words, "words_lengths": lengths, "tag": words % 3} | changed
    np.savez(folder / "tags.npz", **arrays)
    return arrays
