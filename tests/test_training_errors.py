"""What a `train` section may not say."""

from __future__ import annotations

import pytest
from train_sections import DIGITS, codes, problem, read, section, training


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ({"epoch": "5"}, "E0502"),
        ({"learning": "5"}, "E0502"),
        ({"epochs": None}, "E0504"),
        ({"data": None, "batch": None, "optimizer": None}, "E0504"),
        ({"epochs": "0"}, "E0205"),
        ({"epochs": "2.5"}, "E0205"),
        ({"epochs": "true"}, "E0205"),
        ({"epochs": "1, 2"}, "E0505"),
        ({"epochs": "many=1"}, "E0505"),
        ({"epochs": ""}, "E0505"),
        ({"epochs": "unknown"}, "E0101"),
        ({"epochs": "in.channels"}, "E0110"),
        ({"epochs": "adam(5)"}, "E0101"),
        ({"optimizer": "adam(lr=-[max(1, sgd(2))][0])"}, "E0101"),
        ({"epochs": "10 ** 30"}, "E0615"),
        ({"epochs": "5 // 0"}, "E0209"),
        ({"batch": "0"}, "E0205"),
        ({"seed": "-1"}, "E0205"),
        ({"clip": "0"}, "E0205"),
        ({"clip": '"much"'}, "E0205"),
        ({"split": "validation=1"}, "E0205"),
        ({"split": "test=0.5, validation=0.5"}, "E0201"),
        ({"split": ""}, "E0204"),
        ({"optimizer": "adam(lr=0)"}, "E0205"),
        ({"optimizer": "adam(beta1=1)"}, "E0205"),
        ({"optimizer": "adam(rate=1)"}, "E0201"),
        ({"optimizer": "adam(0.1, lr=0.2)"}, "E0202"),
        ({"optimizer": "sgd(1, 2)"}, "E0203"),
        ({"optimizer": "sgd"}, "E0204"),
        ({"optimizer": "adamm"}, "E0506"),
        ({"optimizer": '"adam"'}, "E0505"),
        ({"optimizer": "[adam]"}, "E0101"),
        ({"optimizer": "sgd, adam"}, "E0505"),
        ({"schedule": "piecewise"}, "E0519"),
        ({"schedule": "piecewise(1, 2)"}, "E0519"),
        ({"schedule": "piecewise([1, 0.1], [1, 0.2])"}, "E0519"),
        ({"schedule": "piecewise([1, 0])"}, "E0519"),
        ({"schedule": "piecewise([-1, 0.1])"}, "E0519"),
        ({"schedule": "piecewise(pieces=[1, 1])"}, "E0201"),
        ({"schedule": "piecewise([0, 0.1])"}, "E0520"),
        ({"schedule": "constant(1)"}, "E0203"),
        ({"penalty": "l2"}, "E0204"),
        ({"penalty": "l2(-1)"}, "E0205"),
        ({"init": "normal"}, "E0204"),
        ({"init": "he(1)"}, "E0203"),
        ({"init": "uniform(-1)"}, "E0205"),
        ({"metric": "mae"}, "E0521"),
        ({"metric": "accuracy(target=image)"}, "E0521"),
        ({"metric": "accuracy, accuracy"}, "E0503"),
        ({"metric": "5"}, "E0505"),
        ({"metric": ""}, "E0505"),
        ({"data": "mnist"}, "E0204"),
        ({"data": "mnist(5)"}, "E0205"),
        ({"data": '"data/mnist"'}, "E0505"),
        ({"data": 'mnst("data")'}, "E0506"),
        ({"data": 'idx("a", "b", test_labels="c")'}, "E0518"),
        ({"data": 'idx("a/", "b")'}, "E0516"),
        ({"data": 'csv("a", target="b")'}, "E0514"),
        ({"data": "xor"}, "E0514"),
        ({"data": "separable(points=0)"}, "E0205"),
    ],
)
def test_refused(lines: dict[str, str | None], code: str) -> None:
    assert codes(DIGITS + section(**lines)) == [code]


UNBUILT = [
    *(("optimizer", word) for word in ("nesterov(1)", "rmsprop(0.1)", "adadelta")),
    *(("schedule", word) for word in ("step(2, 0.1)", "exponential(0.9)", "cosine", "warmup(5)")),
    *(("data", word) for word in ("digits", 'images("a")')),
    ("penalty", "l1(0.1)"),
    *(("early_stop", "5"), ("augment", "flip"), ("standardize", "true")),
]


@pytest.mark.parametrize(("name", "value"), UNBUILT)
def test_what_is_not_built_yet_is_refused_by_name(name: str, value: str) -> None:
    found = problem(DIGITS + section(**{name: value}))
    assert found.code == "E0501"
    assert found.message.endswith("is not built yet")


def test_all_problems_of_a_section_are_reported() -> None:
    lines = {"epochs": "0", "batch": "none", "optimizer": "sdg(1)", "metrics": "accuracy"}
    assert codes(DIGITS + section(**lines)) == ["E0205", "E0205", "E0506", "E0502"]


def test_a_repeated_setting_shows_both() -> None:
    text = DIGITS + section().replace("}", "  epochs 6\n}")
    found = problem(text)
    assert found.secondary is not None
    assert (found.primary.span.text, found.secondary.span.text) == ("epochs 6", "epochs 5")


def test_did_you_mean() -> None:
    for lines, guess in (
        ({"metrics": "accuracy"}, "metric"),
        ({"batch_size": "4"}, "batch"),
        ({"optimizer": "Adam"}, "adam"),
        ({"metric": "acc"}, "accuracy"),
        ({"data": 'MNIST("d")'}, "mnist"),
    ):
        assert problem(DIGITS + section(**lines)).help == f"did you mean `{guess}`?"


@pytest.mark.parametrize(
    ("optimizer", "line", "call"),
    [
        ("sgd", ("lr", "0.1"), "sgd(lr=0.1)"),
        (None, ("lr", "0.1"), "sgd(lr=0.1)"),
        ("adam", ("learning_rate", "0.01"), "adam(lr=0.01)"),
        ("adam(lr=0.01)", ("beta1", "0.8"), "adam(lr=0.01, beta1=0.8)"),
    ],
)
def test_arguments_of_the_optimizer_are_no_settings(
    optimizer: str | None, line: tuple[str, str], call: str
) -> None:
    _, found = read(DIGITS + section(optimizer=optimizer, **dict([line])))
    assert any(d.help.endswith(f"of the optimizer: `optimizer {call}`") for d in found)
    training(DIGITS + section(optimizer=call))


def test_settings_that_are_no_argument_either() -> None:
    assert problem(DIGITS + section(optimizer="adam(0.1)", lr="0.1")).help == ""
    assert problem(DIGITS + section(optimizer="sgd(lr=0.1)", lr="0.1")).help == ""


def test_a_late_piece_warns_and_counts() -> None:
    found, (warning,) = read(DIGITS + section(schedule="piecewise([5, 0.1])"))
    assert warning.code == "W0502"
    assert found is not None
    assert found.rates == ((0, 0.002), (5, 0.1))


def test_a_schedule_from_epoch_0_gives_the_rate() -> None:
    for optimizer in ("sgd", "adam", "adam(lr=0.5)"):
        text = section(optimizer=optimizer, schedule="piecewise([0, 0.5], [2, 0.1])")
        assert training(DIGITS + text).rates == ((0, 0.5), (2, 0.1))
