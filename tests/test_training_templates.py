"""What the templates get from a `train` section, and the declarations of settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from train_sections import (
    DIGITS,
    INDEX,
    LETTERS,
    LINE,
    MOOD,
    SERIES,
    SIDES,
    TWO,
    codes,
    section,
    training,
)

from specc.diagnostics import Diagnostics
from specc.explain import explanations
from specc.pipeline import analyse
from specc.rendering import has_template, render_some, variables
from specc.settings.contexts import contexts, network_context
from specc.settings.registry import choices, settings
from specc.source import Source
from specc.targets.registry import targets
from specc.training import train_settings

# ---------------------------------------------------------------- templates


PIECES = "piecewise([2, 0.1])"
RENDERED = [
    (DIGITS, {}),
    (DIGITS, {"data": 'idx("d/a", "d/b", "d/c", "d/e")', "optimizer": "sgd(1)", "init": "he"}),
    (DIGITS, {"data": 'idx("d/a", "d/b")', "clip": "1", "split": "validation=0.5"}),
    (LINE, {"data": 'csv("a.csv", target="y", test="b.csv")', "metric": "mae, rmse"}),
    (SIDES, {"data": "separable", "optimizer": "momentum(0.1)", "metric": "accuracy"}),
    (SIDES.replace("real[3]", "real[2]"), {"data": "xor", "schedule": PIECES}),
    (TWO, {"data": 'npz("a.npz")', "penalty": "l2(1)", "init": "normal(0.01)"}),
    (INDEX, {"data": SERIES, "optimizer": "adagrad(0.1)", "metric": "mae"}),
    (LETTERS, {"data": 'text("a.txt")', "metric": "perplexity, accuracy", "clip": "5"}),
    (LETTERS, {"data": 'text("a.txt", sampling=adjacent, letters=true)'}),
    (MOOD, {"data": 'reviews("a.tsv", vectors="v.txt", stopwords="s.txt")'}),
]


def parts(text: str, lines: dict[str, str], target: str = "numpy") -> Iterator[str]:
    """The rendered parts of a section."""
    source = Source("test.net", text + section(**lines))
    (shaped,) = analyse(source, Diagnostics()).values()
    found = train_settings(shaped, Diagnostics())
    assert found is not None
    network = network_context(shaped, found, dropout=True, buffers=False)
    written = dict.fromkeys(("stacked", "losses", "explicit", "idle", "detached", "scales"), False)
    yield render_some(target, "network", network | written | {"kernels": (), "recurrent": False})
    chosen = contexts(found, shaped, net="Net", dropout=True, spec_folder="../specs", target=target)
    names = [template for template, _ in chosen]
    assert len(set(names)) == len(names)
    assert all(has_template(target, name) for name in names)
    for template, context in chosen:
        yield render_some(target, template, context)


@pytest.mark.parametrize("target", targets())
@pytest.mark.parametrize(("text", "lines"), RENDERED)
def test_contexts_are_what_the_templates_take(
    text: str, lines: dict[str, str], target: str
) -> None:
    for part in parts(text, lines, target):
        compile(part, "part.py", "exec")


def test_every_context_is_for_some_target() -> None:
    """What no target's template takes is not in a context either."""
    lines = {"penalty": "l2(1)", "clip": "1", "split": "validation=0.5", "schedule": PIECES}
    (shaped,) = analyse(Source("test.net", DIGITS + section(**lines)), Diagnostics()).values()
    found = train_settings(shaped, Diagnostics())
    assert found is not None
    given: dict[str, set[str]] = {}
    taken: dict[str, set[str]] = {}
    for target in targets():
        network = network_context(shaped, found, dropout=True, buffers=False)
        chosen = contexts(found, shaped, net="Net", dropout=True, spec_folder=".", target=target)
        for template, context in [("network.py.j2", network), *chosen]:
            given.setdefault(template, set()).update(context)
            used = variables(target, template.removesuffix(".py.j2"))
            taken.setdefault(template, set()).update(used)
    wide = {"train/epoch.py.j2", "train/loop.py.j2", "train/command.py.j2", "train/l2.py.j2"}
    assert all(given[name] <= taken[name] for name in given.keys() - wide)
    choices = set.union(*(given[name] - taken[name] for name in wide))
    assert choices <= set.union(*taken.values())


def test_data_lie_where_the_spec_says() -> None:
    *_, command = parts(DIGITS, {})
    assert '"../specs/data/mnist"' in command
    *_, command = parts(SIDES, {"data": "separable"})
    assert "--data" not in command


def test_nothing_of_a_spec_becomes_code() -> None:
    evil = '\\")); import os #{{ x }} \'\'\' \\"\\"\\"'
    text = LINE + section(data=f'csv("{evil}.csv", target="{evil}")')
    found = training(text)
    assert found.data.context["columns"] == [evil.replace('\\"', '"')]
    for part in parts(LINE, {"data": f'csv("{evil}.csv", target="{evil}")'}):
        tree = compile(part, "part.py", "exec")
        assert "os" not in tree.co_names


def test_network_context_without_training() -> None:
    (shaped,) = analyse(Source("test.net", DIGITS), Diagnostics()).values()
    context = network_context(shaped, None, dropout=False, buffers=False)
    assert context["init"] == {"kind": "default", "size": None}
    assert (context["penalty"], context["outputs"]) == (False, 1)


# ---------------------------------------------------------------- declarations


def test_examples_of_settings_work() -> None:
    for setting in settings().values():
        words = setting.example.split(" ", 1)[1]
        assert not [c for c in codes(DIGITS + section(**{setting.name: words})) if c[0] == "E"]


def test_settings_and_choices_are_found() -> None:
    listed = "batch clip data epochs init metric optimizer penalty schedule seed split"
    assert set(settings()) >= set(listed.split())
    assert set(choices("optimizer")) >= {"adagrad", "adam", "momentum", "sgd"}
    sources = "csv idx mnist npz reviews separable series sines text xor"
    assert set(choices("data")) >= set(sources.split())


EXPLAINED = [e for code, e in explanations().items() if code[1:3] == "05" and e.broken.files]


@pytest.mark.parametrize("explanation", EXPLAINED, ids=lambda e: e.code)
def test_explanations_are_right(explanation: Any) -> None:
    broken, mended = explanation.broken.files, explanation.mended.files
    assert codes(broken["main.net"]) == [explanation.code]
    assert codes(mended["main.net"]) == []
