"""Bugs planted in generated code, and what `verify` says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import specc.verify
from specc.check import ShapedModel
from specc.diagnostics import Diagnostics
from specc.options import Options
from specc.pipeline import shape_one
from specc.places import places
from specc.source import Source
from specc.verification.comparison import Precision
from specc.verification.diagnosis import Comparison
from specc.verification.side import Subject
from specc.verification.sizes import choose_sizes
from specc.verify import Plan, Verification, verify


@dataclass(frozen=True)
class Mutation:
    """A bug: in the file of `target`, `old` becomes `new`.

    `path` has to be found at `line` of the spec; `words` are of the message.
    """

    spec: str
    old: str
    new: str
    path: str
    line: int
    words: str
    target: str = "numpy"


RESULT = "computes something else"
HANDS_BACK = "hands back another gradient"
TOTAL = "the gradient of the result of"
GRADIENT = "the gradient of"


def model(text: str) -> ShapedModel:
    return shape_one(Source("mutant.net", text, Path("mutant.net")), Options(), Diagnostics())


def verified(text: str) -> Verification:
    return verify(model(text), Options(), Plan(steps=2), Diagnostics())


def verified_with(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """What `verify` finds; the mutation has to apply to every file of its target."""
    original, changed = specc.verify.emit, []

    def emit(shaped: ShapedModel, options: Options, *rest: object) -> str:
        text = original(shaped, options, *rest)  # type: ignore[arg-type]
        if options.target != mutation.target:
            return text
        changed.append(mutation.old in text)
        return text.replace(mutation.old, mutation.new)

    monkeypatch.setattr(specc.verify, "emit", emit)
    found = verified(mutation.spec)
    assert changed and all(changed)
    return found


def check_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` fails, and names the tensor that is wrong first, at its line."""
    found = verified_with(mutation, monkeypatch).failure
    assert found is not None
    assert mutation.words in found.message
    assert f"`{mutation.path}`" in found.message
    assert found.primary.span.line == mutation.line


def accusations(text: str) -> list[str]:
    """What the search for the first difference says of a net whose sides agree."""
    shaped = model(text)
    found = places(shaped)
    subject = Subject(shaped, found, None)
    plan = Plan(steps=0, sizes=choose_sizes(shaped, found.values(), {}))
    run = specc.verify._Run(subject, plan, specc.verify._compile(shaped, Options(), Diagnostics()))
    sides = [run._side(name, Precision.DOUBLE) for name in ("pytorch", "numpy", "pytorch_explicit")]
    messages = []
    for batch, mode in zip(run.batches, ("training", "evaluation"), strict=True):
        for side in sides:
            side.set_numbers(run.start)
        wanted, *traces = (side.traced(batch, mode == "training") for side in sides)
        for side, trace in zip(sides[1:], traces, strict=True):
            first = Comparison(subject, trace, wanted, Precision.DOUBLE, side.name).first(mode)
            messages += [first.message] if first else []
    return messages
