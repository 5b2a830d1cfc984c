"""Settings of `train` sections: what they say, what is refused, what the templates get."""

from __future__ import annotations

from train_sections import DIGITS, LINE, codes, problem, read, section, training

from specc.diagnostics import Diagnostics
from specc.pipeline import analyse
from specc.source import Source
from specc.training import nothing_to_train

# ---------------------------------------------------------------- what a section says


def test_a_whole_section() -> None:
    found = training(
        DIGITS
        + section(
            epochs="2 * factor",
            optimizer="momentum(_rate, gamma=0.5)",
            schedule="piecewise([1, 0.01], [3, 1])",
            penalty="l2(0.0001)",
            clip="5",
            init="xavier(gain=2)",
            split="validation=0.25",
            metric="accuracy",
            seed="7",
        )
    )
    assert (found.name, found.epochs, found.batch, found.seed) == (None, 4, 64, 7)
    assert (found.penalty, found.clip, found.split) == (0.0001, 5.0, 0.25)
    assert found.rates == ((0, 0.1), (1, 0.01), (3, 1.0))
    assert (found.optimizer.kernel, found.optimizer.context) == ("Momentum", {"gamma": 0.5})
    assert found.init is not None
    assert (found.init.kind, found.init.size) == ("xavier", 2.0)
    (score,) = found.metrics
    assert (score.name, score.form, score.axis, score.target) == ("accuracy", "classes", 1, "digit")


def test_what_is_left_out_has_a_default() -> None:
    found = training(DIGITS + section(schedule="constant"))
    assert (found.seed, found.penalty, found.clip, found.init, found.split) == (0, *[None] * 4)
    assert found.rates == ((0, 0.002),)
    assert [score.name for score in found.metrics] == ["loss"]


def test_net_without_section_has_no_training() -> None:
    assert read(DIGITS) == (None, [])


# ---------------------------------------------------------------- which section


def test_the_unnamed_section_is_the_default() -> None:
    text = DIGITS + section() + section("train quick", epochs="1")
    assert training(text).epochs == 5
    assert training(text, "quick").epochs == 1


def test_a_single_named_section_is_the_default() -> None:
    assert training(DIGITS + section("train quick")).name == "quick"


def test_sections_for_other_nets_do_not_count() -> None:
    text = DIGITS + LINE
    text += section("train a for Digits", epochs="1")
    text += section("train a for Line", data="separable", epochs="2")
    for net, epochs in (("Digits", 1), ("Line", 2)):
        found, problems = read(text, net=net)
        assert found is not None
        assert (found.epochs, problems) == (epochs, [])


def test_a_section_is_not_for_a_net_without_a_loss_unless_it_is_the_only_one() -> None:
    plain = "net Plain { input x: real[4]; dense(2) }\n"
    assert read(DIGITS + plain + section(), net="Plain") == (None, [])
    assert codes(plain + section()) == ["E0511"]


def test_several_named_sections_have_no_default() -> None:
    text = DIGITS + section("train a") + section("train b")
    found, (warning,) = read(text)
    assert found is None
    assert (warning.code, warning.help) == ("W0501", "pass `--train a`")
    assert training(text, "b").name == "b"


def test_every_section_is_checked_whichever_is_chosen() -> None:
    text = DIGITS + section() + section("train quick", epochs="0")
    assert codes(text) == ["E0205"]


def test_repeated_sections_show_both() -> None:
    for head in ("train", "train quick"):
        found = problem(DIGITS + section(head) + section(head))
        assert found.code == "E0507"
        assert found.secondary is not None
        assert found.primary.span.start > found.secondary.span.start


def test_unknown_section_and_unknown_net() -> None:
    text = DIGITS + section("train quick")
    found = problem(text, "quik")
    assert (found.code, found.help) == ("E0508", "did you mean `--train quick`?")
    found = problem(DIGITS + section("train quick for Digit"))
    assert (found.code, found.help) == ("E0509", "did you mean `Digits`?")


def test_nothing_to_train_names_the_sections_there_are() -> None:
    text = DIGITS + section("train a") + section("train b")
    (shaped,) = analyse(Source("test.net", text), Diagnostics()).values()
    found = nothing_to_train(shaped)
    assert (found.code, found.help) == ("E0510", "choose a section: `--train a`, `--train b`")
