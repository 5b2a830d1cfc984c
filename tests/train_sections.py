"""`train` sections for tests, and what is read from them."""

from __future__ import annotations

from specc.diagnostics import Diagnostic, Diagnostics
from specc.pipeline import analyse
from specc.source import Source
from specc.training import Training, train_settings

DIGITS = """
let factor = 2
net Digits(classes = 10, _rate = 0.1) {
  input image: real[1, 28, 28]
  target digit: label of classes
  flatten -> dense(classes)
  loss cross_entropy
}
"""
LINE = """
net Line {
  input x: real[3]
  target y: real[1]
  dense(1)
  loss mse
}
"""
SIDES = """
net Sides {
  input point: real[3]
  target side: label of 2
  dense(1)
  loss hinge
}
"""
TWO = """
net Two {
  input left: real[2], right: real[2]
  target side: label of 2
  target score: real[1]
  from left, right -> concat as both
  dense(2) as sides -> loss cross_entropy(target=side)
  from both -> dense(1) as scores -> loss mse(target=score)
  output sides, scores
}
"""
BASE = {
    "data": 'mnist("data/mnist")',
    "epochs": "5",
    "batch": "64",
    "optimizer": "adam(lr=0.002)",
}


def section(head: str = "train", **lines: str | None) -> str:
    """A `train` section of the base's lines and others; `None` leaves one out."""
    chosen = {name: value for name, value in (BASE | lines).items() if value is not None}
    return head + " {\n" + "".join(f"  {name} {value}\n" for name, value in chosen.items()) + "}\n"


def read(
    text: str, name: str | None = None, net: str | None = None
) -> tuple[Training | None, list[Diagnostic]]:
    """The training of a spec's net, and every diagnostic about it."""
    found = Diagnostics()
    (shaped,) = analyse(Source("test.net", text), Diagnostics(), net=net).values()
    return train_settings(shaped, found, name), list(found)


def training(text: str, name: str | None = None) -> Training:
    """The training of a spec without errors or warnings."""
    result, problems = read(text, name)
    assert not problems
    assert result is not None
    return result


def codes(text: str, name: str | None = None) -> list[str]:
    """The codes of all problems; with an error there is no training."""
    result, problems = read(text, name)
    if any(p.code.startswith("E") for p in problems):
        assert result is None
    return [p.code for p in problems]


def problem(text: str, name: str | None = None) -> Diagnostic:
    """The only problem of a spec."""
    _, (found,) = read(text, name)
    return found


# ---------------------------------------------------------------- series, texts, reviews


INDEX = """
net Index {
  input days: real[64, 2]
  target later: real[20]
  flatten -> dense(20)
  loss mse
}
"""
LETTERS = """
net Letters(vocab = 28) {
  input chars: token[T] of vocab
  target next: label[T] of vocab
  embedding(vocab, 8) -> dense(vocab)
  loss cross_entropy
}
"""
MOOD = """
block words(vocab) { embedding(vocab, 4) -> global_avgpool }
net Mood(vocab = 500) {
  input text: token[400] of vocab
  target mood: label of 2
  words(vocab) -> dense(2)
  loss cross_entropy
}
"""
SERIES = 'series("d/a.csv", columns=["close", "volume"])'
