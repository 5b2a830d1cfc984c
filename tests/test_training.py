"""Settings of `train` sections: what they say, what is refused, what the templates get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from specc.diagnostics import Diagnostic, Diagnostics
from specc.explain import explanations
from specc.pipeline import analyse
from specc.rendering import has_template, render_some, variables
from specc.settings.contexts import contexts, network_context
from specc.settings.registry import choices, settings
from specc.source import Source
from specc.targets.registry import targets
from specc.training import Training, nothing_to_train, train_settings

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


# ---------------------------------------------------------------- what is refused


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


# ---------------------------------------------------------------- data and the net


def test_label_range_shows_both_and_the_arithmetic() -> None:
    text = DIGITS.replace("classes = 10", "classes = 5") + section()
    found = problem(text)
    assert found.code == "E0515"
    assert found.primary.span.text == 'mnist("data/mnist")'
    assert found.secondary is not None
    assert found.secondary.span.text == "digit: label of classes"
    assert "9 > 4" in found.note
    assert found.help == "`classes = 10` fits, as with `--set classes=10`"


def test_no_help_that_was_not_tried() -> None:
    text = DIGITS.replace("label of classes", "label of 5").replace("dense(classes)", "dense(5)")
    assert problem(text.replace("(classes", "(_classes") + section()).help == ""


def test_shape_shows_both_and_a_declaration_that_works() -> None:
    found = problem(DIGITS.replace("[1, 28, 28]", "[3, 32, 32]") + section())
    assert (found.code, found.help) == ("E0514", "declare `image: real[1, 28, 28]`")
    assert "real[1, 28, 28]" in found.message
    assert "real[3, 32, 32]" in found.message


def test_more_labels_than_the_data_have_are_fine() -> None:
    found = training(DIGITS.replace("classes = 10", "classes = 12") + section())
    assert found.data.context["classes"] == 12


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ("1, H, W", True),
        ("1, H, H", True),
        ("1, 14*H, 4*W", True),
        ("1, 14*H, 28*H - 28", True),
        ("1, 15*H, W", False),
        ("1, H + 28, W", False),
        ("1, 28", False),
    ],
)
def test_free_sizes_take_what_comes_if_they_can(shape: str, fits: bool) -> None:
    layers = "global_avgpool" if shape.count(",") == 2 else "flatten"
    text = DIGITS.replace("1, 28, 28", shape).replace("flatten", layers)
    assert codes(text + section()) == ([] if fits else ["E0514"])


@pytest.mark.parametrize(
    ("text", "data", "code"),
    [
        (LINE, 'mnist("d")', "E0514"),
        (LINE.replace("real[3]", "real[1, 28, 28]").replace("dense", "flatten -> dense"),
         'mnist("d")', "E0513"),
        (TWO, "xor", "E0512"),
        (DIGITS.replace("1, 28, 28", "1, H, W").replace("flatten", "global_avgpool"),
         'idx("a", "b")', "E0517"),
        (LINE.replace("input x", "input map"), 'npz("a.npz")', "E0522"),
        (LINE, 'csv("a", target=["u", "v"])', "E0518"),
        (LINE, 'csv("a", target=["u", "u"])', "E0518"),
        (LINE, 'csv("a", target=[])', "E0205"),
        (LINE, 'csv("a", target="")', "E0205"),
        (LINE, 'csv("a")', "E0204"),
        (SIDES.replace("of 2", "of 1").replace("dense(1)\n  loss hinge",
                                               "dense(1)\n  loss cross_entropy"),
         "separable", "E0515"),
    ],
)  # fmt: skip
def test_data_that_do_not_fit(text: str, data: str, code: str) -> None:
    found = problem(text + section(data=data))
    assert found.code == code
    if code.startswith("E05") and code != "E0518":
        assert found.secondary is not None


@pytest.mark.parametrize(
    "path",
    [
        "", "  ", "/srv/mnist", "//srv", "C:/mnist", "c:mnist", "a\\\\b", "x\\ny", "x\\ty",
        "../../../../etc", "a/../../../../../etc", "a" * 256,
    ],
)  # fmt: skip
def test_paths_that_are_refused(path: str) -> None:
    assert codes(DIGITS + section(data=f'mnist("{path}")')) == ["E0516"]
    assert codes(LINE + section(data=f'npz("{path}")')) == ["E0516"]


@pytest.mark.parametrize(
    ("data", "folder", "files"),
    [
        ('npz("a.npz")', ".", ("a.npz",)),
        ('npz("data/./a.npz")', "data", ("a.npz",)),
        ('npz("../data/a.npz", test="../data/b.npz")', "../data", ("a.npz", "b.npz")),
        ('npz("a/b/c.npz", test="a/d.npz")', "a", ("b/c.npz", "d.npz")),
        ('npz("../a.npz", test="b.npz")', ".", ("../a.npz", "b.npz")),
        ('npz("x/../a.npz", test="a.npz")', ".", ("a.npz", "a.npz")),
    ],
)
def test_the_folder_of_files(data: str, folder: str, files: tuple[str, ...]) -> None:
    found = training(LINE + section(data=data)).data
    assert (found.folder, found.context["files"]) == (folder, files)
    assert found.has_test is (len(files) == 2)


def test_names_are_those_of_the_code() -> None:
    text = SIDES.replace("input point", "input map") + section(data="separable")
    assert training(text).data.context["input"] == "map_"


# ---------------------------------------------------------------- metrics


def metric(text: str, words: str, data: str = 'npz("a.npz")') -> list[Any]:
    """What the metrics of a section compare: name, form, axis, output, target."""
    scores = training(text + section(data=data, metric=words)).metrics
    return [(s.name, s.form, s.axis, s.output, s.target) for s in scores]


def test_accuracy_by_the_sign() -> None:
    assert metric(SIDES, "accuracy") == [("accuracy", "binary", None, None, "side")]
    multi = LINE.replace("loss mse", "loss binary_cross_entropy")
    assert metric(multi, "accuracy") == [("accuracy", "binary", None, None, "y")]


def test_accuracy_of_steps_and_pixels() -> None:
    steps = LINE.replace("real[3]", "real[T, 3]").replace("real[1]", "label[T] of 4")
    steps = steps.replace("dense(1)", "dense(4)").replace("mse", "cross_entropy")
    assert metric(steps, "accuracy") == [("accuracy", "classes", -1, None, "y")]
    pixels = LINE.replace("real[3]", "real[3, 8, 8]").replace("real[1]", "label[8, 8] of 4")
    pixels = pixels.replace("dense(1)", "conv(4, 1)").replace("mse", "cross_entropy")
    assert metric(pixels, "accuracy") == [("accuracy", "classes", 1, None, "y")]


def test_several_outputs_and_targets() -> None:
    assert metric(TWO, "accuracy, mae, rmse") == [
        ("accuracy", "classes", 1, 0, "side"),
        ("mae", None, None, 1, "score"),
        ("rmse", None, None, 1, "score"),
    ]


def test_a_metric_that_fits_two_targets_has_to_say_which() -> None:
    text = TWO.replace("target side: label of 2", "target side: real[2]")
    text = text.replace("cross_entropy", "mse")
    lines = {"data": 'npz("a.npz")'}
    found = problem(text + section(**lines, metric="mae"))
    assert (found.code, found.help) == ("E0521", "say which: `mae(target=side)`")
    assert metric(text, "mae(target=score)") == [("mae", None, None, 1, "score")]
    both = section(**lines, metric="mae(target=side), mae(target=score)")
    assert codes(text + both) == ["E0501"]


def test_accuracy_of_a_squared_error_is_refused() -> None:
    found = problem(LINE + section(data="separable", metric="accuracy"))
    assert (found.code, found.help) == ("E0521", "`mae` fits")
    found = problem(LINE + section(data="separable", metric="perplexity"))
    assert (found.code, found.help) == ("E0521", "`mae` fits")


def test_accuracy_does_not_ignore_a_mask() -> None:
    text = """
net Masked {
  input x: real[3], m: real[1]
  target y: real[1]
  dense(1)
  loss binary_cross_entropy(mask=m)
}
"""
    lines = {"data": 'npz("a.npz")', "metric": "accuracy"}
    assert codes(text + section(**lines)) == ["E0501"]


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


def test_a_series() -> None:
    found = training(INDEX + section(data=SERIES)).data
    assert (found.folder, found.has_test, found.overlaps) == ("d", True, True)
    shown = [found.context[name] for name in ("file", "columns", "place", "features", "rows")]
    assert shown == ["a.csv", ["close", "volume"], 0, None, 84]
    other = SERIES.replace("]", ', "amount"], target="close"').replace('"close", ', "", 1)
    found = training(INDEX + section(data=other)).data
    shown = [found.context[name] for name in ("columns", "place", "features")]
    assert shown == [["volume", "amount", "close"], 2, 2]


def test_a_text() -> None:
    words = training(LETTERS + section(data='text("a.txt")')).data.words
    assert words is not None
    assert (words.sampling, words.level) == ("random", "char")
    line = 'text("a.txt", level=word, sampling=adjacent, steps=9)'
    fixed = LETTERS.replace("[T]", "[9]")
    words = training(fixed + section(data=line)).data.words
    assert words is not None
    assert (words.sampling, words.level) == ("adjacent", None)  # it takes 9 tokens and no fewer
    dense = "dense(vocab) as scores\n  output scores, hidden"
    several = LETTERS.replace(", 8)", ", 8) as hidden").replace("dense(vocab)", dense)
    several = several.replace("loss", "from scores -> loss")
    words = training(several + section(data='text("a.txt")')).data.words
    assert words is not None
    assert words.level is None


def test_the_embeddings_that_word_vectors_fill() -> None:
    data = section(data='reviews("t/a.tsv", test="t/b.tsv", vectors="v/g.txt")')
    found = training(MOOD + data).data
    assert found.folder == "."
    assert found.context["files"] == ("t/a.tsv", "t/b.tsv")
    assert found.context["tables"] == ["words1.embedding1.weight"]
    assert found.context["lengths"] is None
    padded = MOOD.replace("[400] of vocab", "[400] of vocab padded")
    assert training(padded + data).data.context["lengths"] == "text_lengths"


PART = "block part { gru(8) }\n"
ADD_UP = "cell add_up { input x; state h: [8]; from x, h -> add as state h }\n"


def letters(flow: str, made: str = "", shared: str = "") -> str:
    """`LETTERS` with more layers, after a definition, of a shared instance of the net."""
    text = LETTERS.replace("dense", f"{flow} -> dense").replace("next", "later")
    return made + text.replace("embedding", f"{shared}\n  from chars -> embedding")


@pytest.mark.parametrize("sampling", ["random", "adjacent"])
@pytest.mark.parametrize(
    ("text", "at"),
    [
        (letters("one -> one", shared="shared one = gru(8)"), "one"),
        (letters("repeat 2 { one }", shared="shared one = gru(8)"), "one"),
        (letters("one -> relu -> one", PART, "shared one = part"), "gru(8)"),
        (letters("one -> one", ADD_UP, "shared one = scan add_up"), "one"),
        (letters("gru(8, bidirectional=true)"), "gru(8, bidirectional=true)"),
        (letters("repeat 2 { rnn(4, bidirectional=true) }"), "rnn(4, bidirectional=true)"),
    ],
)
def test_a_state_that_cannot_go_on_after_a_pass(text: str, at: str, sampling: str) -> None:
    """The test part is read with carried states in any case."""
    found = problem(text + section(data=f'text("a", sampling={sampling})'))
    assert found.code == "E0525"
    assert found.secondary is not None
    assert found.secondary.span.text == at
    assert codes(text + section(data='npz("a")')) == []


@pytest.mark.parametrize(
    "text",
    [
        letters("repeat 2 { gru(8) } -> part -> part", PART),
        letters("one -> scan add_up", ADD_UP, "shared one = gru(8)"),
        letters("gru(8, layers=2) as (a, h)\n  from a -> gru(8, bidirectional=true, initial=h)"),
    ],
)
def test_states_that_go_on_after_a_pass(text: str) -> None:
    assert codes(text + section(data='text("a", sampling=adjacent)')) == []


@pytest.mark.parametrize(
    ("text", "lines", "code"),
    [
        (INDEX, {"data": SERIES.replace('"volume"', '"close"')}, "E0518"),
        (INDEX, {"data": SERIES.replace(")", ", window=32)")}, "E0514"),
        (INDEX, {"data": SERIES.replace(")", ", horizon=1)")}, "E0514"),
        (INDEX, {"data": SERIES.replace(', "volume"', "")}, "E0514"),
        (INDEX, {"data": SERIES.replace(")", ", test=1)")}, "E0205"),
        (INDEX, {"data": SERIES.replace(")", ", window=0)")}, "E0205"),
        (INDEX, {"data": SERIES, "split": "validation=0.1"}, "E0523"),
        (INDEX, {"data": "sines"}, "E0514"),
        (INDEX.replace("real[20]", "label of 2").replace("dense(20)", "dense(2)")
         .replace("mse", "cross_entropy"), {"data": SERIES}, "E0513"),
        (LETTERS, {"data": 'text("a")', "split": "validation=0.1"}, "E0523"),
        (LETTERS, {"data": 'text("a", level=letter)'}, "E0205"),
        (LETTERS, {"data": 'text("a", steps=0)'}, "E0205"),
        (LETTERS, {"data": 'text("")'}, "E0516"),
        (LETTERS.replace("[T]", "[20]"), {"data": 'text("a")'}, "E0514"),
        (LETTERS.replace("label[T] of vocab", "label[T] of 5").replace("dense(vocab)", "dense(5)"),
         {"data": 'text("a")'}, "E0515"),
        (INDEX, {"data": 'text("a")'}, "E0513"),
        (MOOD, {"data": 'text("a", steps=400)'}, "E0514"),
        (MOOD, {"data": 'reviews("a", length=20)'}, "E0514"),
        (LETTERS, {"data": 'reviews("a")'}, "E0514"),
        (INDEX, {"data": 'reviews("a")'}, "E0513"),
        (MOOD.replace("embedding(vocab, 4)", "one_hot(vocab)"),
         {"data": 'reviews("a", vectors="v")'}, "E0524"),
        (MOOD.replace("[400] of vocab", "[400] of vocab padded"), {"data": 'text("a")'}, "E0501"),
        (LINE, {"data": "separable", "metric": "perplexity"}, "E0521"),
        (TWO, {"data": 'npz("a")', "metric": "perplexity"}, "E0521"),
        (DIGITS.replace("cross_entropy", "cross_entropy(scale=2)"), {"metric": "perplexity"},
         "E0521"),
        (DIGITS.replace("cross_entropy", "cross_entropy(ignore=0)"), {"metric": "perplexity"},
         "E0501"),
    ],
)  # fmt: skip
def test_sequences_that_do_not_fit(text: str, lines: dict[str, str], code: str) -> None:
    assert codes(text + section(**lines)) == [code]


def test_a_sequence_of_another_length_shows_a_declaration_that_works() -> None:
    found = problem(MOOD + section(data='reviews("a", length=20)'))
    assert found.help == "declare `text: token[20] of 500`"
    found = problem(INDEX + section(data=SERIES.replace(")", ", horizon=5)")))
    assert found.secondary is not None
    assert found.secondary.span.text == "later: real[20]"


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
    written = dict.fromkeys(("stacked", "losses", "explicit", "idle", "detached"), False)
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
    assert " ".join(settings()) == listed
    assert list(choices("optimizer")) == ["adagrad", "adam", "momentum", "sgd"]
    sources = "csv idx mnist npz reviews separable series sines text xor"
    assert " ".join(choices("data")) == sources


EXPLAINED = [e for code, e in explanations().items() if code[1:3] == "05" and e.broken.files]


@pytest.mark.parametrize("explanation", EXPLAINED, ids=lambda e: e.code)
def test_explanations_are_right(explanation: Any) -> None:
    broken, mended = explanation.broken.files, explanation.mended.files
    assert codes(broken["main.net"]) == [explanation.code]
    assert codes(mended["main.net"]) == []
