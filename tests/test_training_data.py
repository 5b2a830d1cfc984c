"""Data and metrics of `train` sections: whether they fit the net."""

from __future__ import annotations

from typing import Any

import pytest
from train_sections import DIGITS, LINE, SIDES, TWO, codes, problem, section, training

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


def test_no_metric_counts_padding() -> None:
    """Those that cannot leave it out are refused, also where no loss compares the output."""
    text = """
net Twice {
  input x: real[T, 3] padded
  target y: real[T, 2]
  dense(2) as z
  loss mse
  from z -> relu as shown
  output shown
}
"""
    lines = {"data": 'npz("a.npz")', "metric": "rmse"}
    compared = text.replace("from z -> relu as shown\n  output shown", "output z")
    for spec in (text, compared):
        assert codes(spec + section(**lines)) == ["E0501"]
        assert codes(spec.replace(" padded", "") + section(**lines)) == []


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
