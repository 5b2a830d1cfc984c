"""Generated files: series, texts and reviews, whole and broken; what is trained and written."""

from __future__ import annotations

import gzip
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runtime_parts import check_refused, frame, load, loader, part

# ---------------------------------------------------------------- series


def write_series(path: Path, rows: int = 40) -> np.ndarray:
    """Write a table whose `close` and `volume` are random; returns these."""
    table = np.random.default_rng(0).normal(5, 2, (rows, 2))
    lines = [
        "day,volume,close",
        *(f"day {i},{v!r},{c!r}" for i, (c, v) in enumerate(table.tolist())),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def test_windows_of_a_series_are_standardised_by_its_training_part(tmp_path: Path) -> None:
    raw = write_series(tmp_path / "a.csv")
    train, test = loader("data/series")(tmp_path)
    known, new = raw[:30], raw[30:]
    known, new = ((x - raw[:30].mean(axis=0)) / raw[:30].std(axis=0) for x in (known, new))
    for found, rows in ((train, known), (test, new)):
        assert found["days"].dtype == found["later"].dtype == np.float32
        assert len(found["days"]) == len(found["later"]) == len(rows) - 6
        for i in range(len(rows) - 6):  # so no window has a row of the other part
            np.testing.assert_allclose(found["days"][i], rows[i : i + 5], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(
                found["later"][i], rows[i + 5 : i + 7, 0], rtol=1e-5, atol=1e-6
            )


def test_standardised_numbers_go_back_to_those_of_the_file(tmp_path: Path) -> None:
    raw = write_series(tmp_path / "a.csv")
    script = load(*frame(), part("data/series"))
    rows, cut, mean, spread = script.read_series(tmp_path)
    np.testing.assert_array_equal(rows, raw)
    assert cut == 30
    _, test = script.load_data(tmp_path)
    np.testing.assert_allclose(test["days"][2] * spread + mean, raw[32:37], rtol=1e-5)
    np.testing.assert_allclose(test["later"][2] * spread[0] + mean[0], raw[37:39, 0], rtol=1e-5)


def test_the_target_may_be_a_column_that_the_net_does_not_see(tmp_path: Path) -> None:
    write_series(tmp_path / "a.csv")
    usual, _ = loader("data/series")(tmp_path)
    other, _ = loader("data/series", columns=["volume", "close"], features=1, place=1)(tmp_path)
    np.testing.assert_array_equal(other["days"], usual["days"][:, :, 1:])
    np.testing.assert_array_equal(other["later"], usual["later"])


HEAD = "day,volume,close\n"
ROWS = "".join(f"1,{i},{i}\n" for i in range(17))
CONSTANT = HEAD + "".join(f"1,7,{i}\n" for i in range(40))
BROKEN_SERIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ": has no column 'close' in []"),
    "column": (b"day,volume\n1,2\n", ": has no column 'close' in ['day', 'volume']"),
    "twice": (b"volume,close,close\n", ": needs one column 'close', has 2"),
    "header alone": (
        HEAD.encode(),
        ": 0 rows for training and 0 for the test are too few, each needs 7",
    ),
    "short": (
        (HEAD + ROWS).encode(),
        ": 13 rows for training and 4 for the test are too few, each needs 7",
    ),
    "text": ((HEAD + "1,2,high\n").encode(), ":2: 'close' holds 'high', not a finite number"),
    "nan": ((HEAD + "1,nan,3\n").encode(), ":2: 'volume' holds 'nan', not a finite number"),
    "missing": ((HEAD + "1,,3\n").encode(), ":2: 'volume' holds '', not a finite number"),
    "decimal comma": ((HEAD + "1,2,3,5\n").encode(), ":2: 4 cells, the header has 3"),
    "constant": (
        CONSTANT.encode(),
        ": 'volume' hardly varies in the training part, its standard deviation is 0",
    ),
    "rounded": (
        CONSTANT.replace("7,", "0.1,").encode(),
        ": 'volume' hardly varies in the training part, its standard deviation is 4.2e-17",
    ),
    "underflow": (
        HEAD.encode() + b"".join(b"1,%de-200,%d\n" % (i, i) for i in range(40)),
        ": 'volume' hardly varies in the training part, its standard deviation is 0",
    ),
    "leap": (
        HEAD.encode() + b"".join(b"1,%d,%de-30\n" % (i, i) for i in range(30)) + b"1,2,3e30\n" * 10,
        ": 'close' hardly varies in the training part, its standard deviation is 8.7e-30",
    ),
    "encoding": ((HEAD + "1,2,\xff\n").encode("latin-1"), ": not a table: 'utf-8' codec can't"),
}


@pytest.mark.parametrize("name", BROKEN_SERIES)
def test_a_broken_series_is_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN_SERIES[name]
    (tmp_path / "a.csv").write_bytes(content)
    read = loader("data/series")
    check_refused(lambda: read(tmp_path), f"{tmp_path / 'a.csv'}{reason}")


def test_windows_that_would_not_fit_into_memory_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a.csv", 2000)
    read = loader("data/series", rows=900, columns=["close"] * 300, test=0.5)
    with pytest.raises(ValueError, match="2000 windows would take more than 2 GiB"):
        read(tmp_path)


def test_the_sines_of_the_book() -> None:
    train, test = loader("data/sines")()
    assert (train["wave"].shape, train["value"].shape) == ((100, 10, 1), (100, 1))
    assert (test["wave"].shape, test["value"].shape) == ((20, 10, 1), (20, 1))
    for half, begin, count in ((train, 0, 110), (test, 110, 30)):  # no window has values of both
        series = np.r_[half["wave"][:, 0, 0], half["wave"][-1, 1:, 0], half["value"][-1]]
        np.testing.assert_array_equal(half["wave"][7, :, 0], series[7:17])
        np.testing.assert_array_equal(half["value"][7], series[17:18])
        x = 0.01 * np.arange(begin, begin + count)
        waves = np.sin(np.pi * x / 3) + np.cos(np.pi * x / 3) + np.sin(np.pi * x / 1.5)
        assert 0.045 < np.abs(series - waves).max() < 0.05001
    again, _ = loader("data/sines")()
    np.testing.assert_array_equal(again["wave"], train["wave"])


# ---------------------------------------------------------------- texts

TEXT = "abracadabra, abracadabra! " * 8


def text_of(tmp_path: Path, text: str = TEXT, **changes: Any) -> Any:
    """What `load_data` makes of a text."""
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    return loader("data/text", **changes)(tmp_path)


def test_a_text_becomes_tokens_by_frequency(tmp_path: Path) -> None:
    vocabulary, train, test = text_of(tmp_path)
    assert vocabulary == ["<unknown>", "a", "b", "r", " ", "c"]  # then d, both as often as c
    written = "".join(vocabulary[i] if i else "?" for i in train["chars"])
    cut = len(TEXT) - round(len(TEXT) / 4)
    assert written == TEXT[: cut - 1].replace("d", "?").replace(",", "?").replace("!", "?")
    np.testing.assert_array_equal(train["next"][:-1], train["chars"][1:])
    end = "".join(vocabulary[i] if i else "?" for i in test["chars"].ravel())
    known = re.sub("[^abrc ]", "?", TEXT[cut:])
    assert known.startswith(end)
    assert len(known) - 1 - len(end) < 5
    assert test["chars"].shape[1:] == (5,)
    np.testing.assert_array_equal(test["next"].ravel()[:-1], test["chars"].ravel()[1:])


def test_packed_texts_letters_and_words(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    packed = loader("data/text", file="a.txt.gz")(tmp_path)
    plain = text_of(tmp_path)
    assert packed[0] == plain[0]
    np.testing.assert_array_equal(packed[1]["chars"], plain[1]["chars"])
    text = "The\r\nTIME — 3 travellers'\ttime! " * 20
    letters, _, _ = text_of(tmp_path, text, letters=True, size=28)
    assert set(letters) == {"<unknown>", " ", *"thetimetravellerstime"}
    words, train, _ = text_of(tmp_path, text, level="word", size=28)
    assert words == ["<unknown>", "3", "TIME", "The", "time!", "travellers'", "—"]
    assert train["chars"][:6].tolist() == [3, 2, 6, 1, 5, 4]
    words, _, _ = text_of(tmp_path, text, level="word", letters=True, size=3)
    assert words == ["<unknown>", "time", "the"]


def test_what_is_never_in_a_vocabulary(tmp_path: Path) -> None:
    words, _, _ = text_of(tmp_path, f"<unknown> a {'b' * 10_000} " * 20, level="word")
    assert words == ["<unknown>", "a"]


def cut(size: int, epoch: int = 0, batch: int = 4, adjacent: bool = False) -> np.ndarray:
    """The positions of an epoch's segments of 5 tokens."""
    defined = load(*frame(), part("data/text", adjacent=adjacent))
    args = types.SimpleNamespace(seed=3, batch=batch)
    return np.asarray(defined.segments(size, args, epoch))


@given(st.integers(10, 200), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_random_segments_follow_each_other_in_any_order(size: int, epoch: int) -> None:
    rows = cut(size, epoch)
    places = np.sort(rows, axis=0).ravel()
    np.testing.assert_array_equal(places, np.arange(len(places)) + places[0])
    assert 0 <= places[0] < 5
    assert places[-1] < size
    assert size - len(places) < 10  # what is left out at both ends
    np.testing.assert_array_equal(rows, cut(size, epoch))


def test_segments_differ_from_epoch_to_epoch() -> None:
    orders = {tuple(cut(200, epoch)[:, 0].tolist()) for epoch in range(8)}
    assert len(orders) == 8
    assert len({min(order) for order in orders}) > 2
    assert any(list(order) != sorted(order) for order in orders)


@given(st.integers(24, 200), st.integers(1, 4), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_adjacent_batches_go_on_in_every_row(size: int, batch: int, epoch: int) -> None:
    rows = cut(size, epoch, batch, adjacent=True).reshape(-1, batch, 5)
    np.testing.assert_array_equal(rows[1:, :, 0], rows[:-1, :, -1] + 1)
    assert rows.min() >= 0
    assert rows.max() < size
    assert len(set(rows.ravel().tolist())) == rows.size  # no token twice
    assert size - rows.size < 5 * batch + 5


def test_a_batch_of_more_rows_than_the_text_has_is_refused() -> None:
    with pytest.raises(ValueError, match="24 tokens are too few for a batch of 5 times 5"):
        cut(24, batch=5, adjacent=True)


BROKEN_TEXTS: dict[str, tuple[str, bytes | None, str]] = {
    "empty": ("a.txt", b"", "0 tokens for training and 0 for the test are too few for segments"),
    "short": ("a.txt", b"abcdefgh" * 2, "12 tokens for training and 4 for the test are too few"),
    "latin": ("a.txt", b"caf\xe9 " * 50, "not a text in UTF-8, see byte 3"),
    "cut": ("a.txt.gz", gzip.compress(TEXT.encode())[:-9], "damaged: "),
    "not packed": ("a.txt.gz", TEXT.encode(), "damaged: Not a gzipped file"),
    "flipped": ("a.txt.gz", gzip.compress(TEXT.encode())[:12] + b"\xff" * 30, "damaged: "),
    "bomb": ("a.txt.gz", gzip.compress(bytes(2**28 + 2), 1), "more than 256 MiB"),
}


@pytest.mark.parametrize("name", BROKEN_TEXTS)
def test_a_broken_text_is_one_clear_line(name: str, tmp_path: Path) -> None:
    file, content, reason = BROKEN_TEXTS[name]
    (tmp_path / file).write_bytes(content or b"")
    read = loader("data/text", file=file)
    check_refused(lambda: read(tmp_path), f"{tmp_path / file}: {reason}")


# ---------------------------------------------------------------- reviews

REVIEWS = "label\ttext\n1\tGood, good film!\n0\tIt's<br />BAD: 2 of 10\n\n1\t\n"


def reviews_of(tmp_path: Path, text: str = REVIEWS, test: str = "0\tgood\n", **changes: Any) -> Any:
    """What `load_data` makes of reviews."""
    (tmp_path / "a.tsv").write_text(text, encoding="utf-8")
    (tmp_path / "b.tsv").write_text(test, encoding="utf-8")
    return loader("data/reviews", **changes)(tmp_path)


def test_reviews_become_words_by_frequency(tmp_path: Path) -> None:
    vocabulary, train, test = reviews_of(tmp_path)
    assert vocabulary == ["<padding>", "<unknown>", "good", "10", "2", "bad", "film", "it's"]
    assert train["mood"].tolist() == [1, 0, 1]
    assert train["words"].tolist() == [
        [0, 0, 0, 2, 2, 6],
        [0, 7, 5, 4, 1, 3],
        [0, 0, 0, 0, 0, 1],  # a text without words
    ]
    assert test["words"].tolist() == [[0, 0, 0, 0, 0, 2]]
    assert list(train) == ["words", "mood"]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_as_on_any_system(end: str, tmp_path: Path) -> None:
    vocabulary, train, _ = reviews_of(tmp_path)
    found, others, _ = reviews_of(tmp_path, "\ufeff" + REVIEWS.replace("\n", end))
    assert found == vocabulary
    assert all((others[name] == train[name]).all() for name in train)


def test_reviews_with_lengths_are_padded_behind(tmp_path: Path) -> None:
    _, train, _ = reviews_of(tmp_path, lengths="words_lengths", length=4)
    assert list(train) == ["words", "words_lengths", "mood"]  # as `loss` takes them
    assert train["words"].tolist() == [[2, 2, 6, 0], [7, 5, 4, 1], [1, 0, 0, 0]]
    assert train["words_lengths"].tolist() == [3, 4, 1]


def test_reviews_without_header_test_or_stopwords(tmp_path: Path) -> None:
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(b"1\ta good\tfilm\n0\tbad\n"))
    (tmp_path / "stop.txt").write_text("a\nbad\n", encoding="utf-8")
    read = loader("data/reviews", files=("a.tsv.gz",), stopwords="stop.txt", length=2)
    vocabulary, data = read(tmp_path)
    assert vocabulary[2:] == ["film", "good"]
    assert data["words"].tolist() == [[3, 2], [0, 1]]


BROKEN_REVIEWS = {
    "empty": ("", ": holds no texts"),
    "header alone": ("label\ttext\n", ": holds no texts"),
    "no tab": ("1 good\n", ":1: needs a label from 0 to 1, a tab and a text, gets '1 good'"),
    "label": ("1\tgood\n2\tbad\n", ":2: needs a label from 0 to 1, a tab and a text, gets '2"),
    "negative": ("-1\tgood\n", ":1: needs a label from 0 to 1, a tab and a text, gets '-1"),
    "leading zeros": ("0000000001\tgood\n", ":1: needs a label from 0 to 1, a tab and a text"),
    "text label": ("1\tgood\npositive\tgood\n", ":2: needs a label from 0 to 1, a tab and a text"),
    "long label": ("1" * 5000 + "\tgood\n", ":1: needs a label from 0 to 1, a tab and a text"),
}


@pytest.mark.parametrize("name", BROKEN_REVIEWS)
def test_broken_reviews_are_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN_REVIEWS[name]
    check_refused(lambda: reviews_of(tmp_path, content), f"{tmp_path / 'a.tsv'}{reason}")


def vectors_of(tmp_path: Path, content: bytes, name: str = "v.txt") -> tuple[Any, np.ndarray]:
    """The drawn rows of an embedding for 4 words, and what a file of vectors makes of them."""
    (tmp_path / name).write_bytes(content)
    defined = load(*frame(), part("data/reviews", vectors=name, tables=["e.weight"]))
    drawn = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    table = drawn.copy()
    words = ["<padding>", "<unknown>", "good", "bad"]
    defined.set_vectors(tmp_path, words, {"e.weight": table, "other": np.zeros(3)})
    return drawn, table


def test_vectors_replace_the_rows_of_their_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b"the 9 9\nbad 1 -3\n\xc2\xa0 1 2\n"
    for name, content in {
        "v.txt": lines,
        "v.txt.gz": gzip.compress(lines),
        "word2vec.txt": b"3 2\n" + lines,
        "mark.txt": b"\xef\xbb\xbf" + lines.replace(b"the 9 9\n", b"").replace(b"\n", b"\r\n"),
    }.items():
        drawn, table = vectors_of(tmp_path, content, name)
        assert table[3].tolist() == [1, -3]
        np.testing.assert_allclose(table[:3], 2 * drawn[:3])  # their standard deviation is 2
        assert capsys.readouterr().out == "e.weight: vectors for 1 of 2 words\n"


NEEDS = "needs a word and 2 finite numbers, gets"
BROKEN_VECTORS = {
    "empty": (b"", ": has no vector for any of 4 words"),
    "other words": (b"the 1 2\n", ": has no vector for any of 4 words"),
    "ragged": (b"the 1 2\nfilm 1\n", f":2: {NEEDS} 1 in 'film 1'"),
    "size": (b"the 1 2 3\n", f":1: {NEEDS} 3 in 'the 1 2 3'"),
    "tabs": (b"the\t1\t2\n", rf":1: {NEEDS} 0 in 'the\t1\t2'"),
    "other header": (b"3 50\n", f":1: {NEEDS} 1 in '3 50'"),
    "late header": (b"the 1 2\n3 2\n", f":2: {NEEDS} 1 in '3 2'"),
    "text": (b"bad 1 x\n", f":1: {NEEDS} 2 in 'bad 1 x'"),
    "nan": (b"bad 1 nan\n", f":1: {NEEDS} 2 in 'bad 1 nan'"),
    "huge": (b"bad 1 1e39\n", f":1: {NEEDS} 2 in 'bad 1 1e39'"),
    "controls": (b"bad \0\x1b[2J 1\n", rf":1: {NEEDS} 2 in 'bad \x00\x1b[2J 1'"),
    "alike": (b"bad .1 .1\n", ": the vectors have a standard deviation of 0"),
    "zeros": (b"bad 0 0\n", ": the vectors have a standard deviation of 0"),
    "underflow": (b"bad 1e-30 2e-30\n", ": the vectors have a standard deviation of"),
    "overflow": (b"bad 1e30 2e30\n", ": the vectors have a standard deviation of inf"),
    "latin": (b"caf\xe9 1 2\n", ": damaged: 'utf-8' codec can't decode byte"),
    "endless line": (b"1 " * 2**20, f":1: {NEEDS} 32767 in '1 1"),
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("name", BROKEN_VECTORS)
def test_broken_vectors_are_one_clear_line(name: str, tmp_path: Path) -> None:
    content, reason = BROKEN_VECTORS[name]
    check_refused(lambda: vectors_of(tmp_path, content), f"{tmp_path / 'v.txt'}{reason}")
