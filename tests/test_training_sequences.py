"""Series, texts and reviews in `train` sections, and states that go on."""

from __future__ import annotations

import pytest
from train_sections import (
    DIGITS,
    INDEX,
    LETTERS,
    LINE,
    MOOD,
    SERIES,
    TWO,
    codes,
    problem,
    section,
    training,
)


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
        (letters("gru(8) -> reverse -> gru(8)"), "reverse"),
        (letters("part -> gru(8)", "block part { reverse }\n"), "reverse"),
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
        letters("reverse -> dense(3) -> reverse"),
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
        (MOOD.replace("[400] of vocab", "[400] of vocab padded"), {"data": 'text("a")'}, "E0514"),
        (LETTERS.replace("token[T] of vocab", "token[T] of vocab padded"),
         {"data": 'csv("a", target="y")'}, "E0513"),
        (LETTERS.replace("of vocab\n  t", "of vocab padded\n  t"), {"data": 'text("a")'}, "E0501"),
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


PIXELS = """
net Pixels {
  input x: real[T, 28]
  target y: label of 10
  gru(3) -> last -> dense(10)
  loss cross_entropy
}
"""


@pytest.mark.parametrize(
    ("text", "data", "help", "changes"),
    [
        (LETTERS.replace("[T]", "[20]"), 'text("a")', "`steps=20` fits",
         {'text("a")': 'text("a", steps=20)'}),
        (MOOD.replace("[400]", "[30]"), 'reviews("a")', "`length=30` fits",
         {'reviews("a")': 'reviews("a", length=30)'}),
        (MOOD.replace("[400] of vocab", "[400] of vocab padded"), 'reviews("a", length=20)',
         "declare `text: token[20] of 500 padded`",
         {"text: token[400] of vocab padded": "text: token[20] of 500 padded"}),
        (LETTERS.replace("token[T] of vocab", "real[T, 28] padded").replace("label[T]", "label")
         .replace("embedding(vocab, 8)", "global_avgpool"), 'reviews("a")',
         "declare `chars: token[T] of 28 padded`, and put `one_hot(28)` before what takes it",
         {"chars: real[T, 28]": "chars: token[T] of 28", "global": "one_hot(28) -> global"}),
        (INDEX.replace("64", "24").replace("20", "6"), SERIES, "`window=24, horizon=6` fits",
         {'"volume"]': '"volume"], window=24, horizon=6'}),
        (INDEX.replace("20", "6"), SERIES.replace(")", ", horizon=1)"), "`horizon=6` fits",
         {"horizon=1": "horizon=6"}),
        (INDEX.replace("64, 2", "64, 1").replace("20", "6"), SERIES, "declare `days: real[64, 2]`",
         {"64, 1": "64, 2", '"volume"]': '"volume"], horizon=6'}),
        (MOOD, 'reviews("a", length=20)', "declare `text: token[20] of 500`",
         {"text: token[400] of vocab": "text: token[20] of 500"}),
        (LETTERS.replace("of vocab\n  t", "of vocab padded\n  t"), 'text("a")',
         "remove `padded`, and all steps count", {" padded": ""}),
        (LETTERS.replace("token[T] of vocab", "real[T, 28]").replace("embedding(vocab, 8) -> ", ""),
         'text("a")', "declare `chars: token[T] of 28`, and put `one_hot(28)` before what takes it",
         {"chars: real[T, 28]": "chars: token[T] of 28", "dense": "one_hot(28) -> dense"}),
        (PIXELS, 'mnist("a")',
         "declare `x: real[1, 28, 28]`, and put `reshape([28, 28])` before what takes it",
         {"x: real[T, 28]": "x: real[1, 28, 28]", "gru": "reshape([28, 28]) -> gru"}),
        (PIXELS.replace("real[T, 28]", "real[784]").replace("gru(3) -> last ->", ""), 'mnist("a")',
         "declare `x: real[1, 28, 28]`, and put `flatten` before what takes it",
         {"x: real[784]": "x: real[1, 28, 28]", "dense": "flatten -> dense"}),
    ],
)  # fmt: skip
def test_helps_that_work(text: str, data: str, help: str, changes: dict[str, str]) -> None:
    whole = text + section(data=data)
    assert problem(whole).help == help
    for old, new in changes.items():
        assert old in whole
        whole = whole.replace(old, new)
    assert codes(whole) == []


def test_what_is_padded_is_called_so() -> None:
    padded = MOOD.replace("[400] of vocab", "[400] of vocab padded")
    found = problem(padded + section(data='reviews("a", length=20)'))
    assert found.message.endswith("the input `text` is token[400] of 500 padded")
    assert found.secondary is not None
    assert found.secondary.text == "the input is token[400] of 500 padded"


def test_a_sequence_of_another_length_shows_a_declaration_that_works() -> None:
    found = problem(MOOD + section(data='reviews("a", length=20)'))
    assert found.help == "declare `text: token[20] of 500`"
    found = problem(INDEX + section(data=SERIES.replace(")", ", horizon=5)")))
    assert found.secondary is not None
    assert found.secondary.span.text == "later: real[20]"
