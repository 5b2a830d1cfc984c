"""Training, scoring and writing by nets over texts, reviews and series, on both targets."""

from __future__ import annotations

import json
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from compiled import execute, network_class
from safetensors import safe_open
from sequence_scripts import (
    FORMS,
    INDEX,
    MOODS,
    TAGGER,
    code,
    letters,
    run,
    scores,
    tags,
)
from style import check_style

# ---------------------------------------------------------------- reviews and series


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A folder with reviews that a word decides, and word vectors."""
    rng = np.random.default_rng(0)
    words = ["film", "actor", "plot", "scene", "music"]
    lines = ["label\ttext"]
    for i in range(96):
        said = [*rng.choice(words, rng.integers(1, 10)), "good" if i % 2 else "bad"]
        lines.append(f"{i % 2}\t{' '.join(rng.permutation(said[-8:]))}")
    (tmp_path / "a.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    vectors = ["good 1 2 3", "bad -1 -2 -3", "unseen 0 0 0"]
    (tmp_path / "v.txt").write_text("\n".join(vectors) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("padded", ["padded", ""])
@pytest.mark.parametrize("frozen", ["true", "false"])
def test_reviews_are_learned(reviews: Path, form: str, padded: str, frozen: str) -> None:
    layers = f"embedding(vocab, 3, frozen={frozen}) -> gru(6) -> last"
    spec = MOODS.replace("PADDED", padded).replace("LAYERS", layers)
    printed, error = run(spec, form, reviews)
    assert not error, printed
    assert "embedding1.weight: vectors for 2 of 7 words" in printed
    assert scores(printed)[-1]["test accuracy"] > 0.8
    with safe_open(reviews / "runs/moods/weights.safetensors", "numpy") as file:
        vocabulary = json.loads(file.metadata()["vocabulary"])
        table = file.get_tensor("embedding1.weight")
    assert vocabulary[:2] == ["<padding>", "<unknown>"]
    is_kept = table[vocabulary.index("good")].tolist() == [1, 2, 3]
    assert is_kept is (frozen == "true")


def test_vectors_of_another_size_are_refused(reviews: Path, form: str) -> None:
    layers = "embedding(vocab, 4) -> last"
    spec = MOODS.replace("PADDED", "").replace("LAYERS", layers)
    _, error = run(spec, form, reviews)
    assert error.endswith("v.txt:1: needs a word and 4 finite numbers, gets 3 in 'good 1 2 3'")


def test_a_series_is_learned(tmp_path: Path, form: str) -> None:
    days = np.arange(200)
    close = 100 + 10 * np.sin(days / 4)
    rows = [f"{day},{c:.3f},{c + 5:.3f}" for day, c in zip(days, close, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["day,close,volume", *rows]), encoding="utf-8")
    printed, error = run(INDEX, form, tmp_path)
    assert not error, printed
    first, *_, last = scores(printed)
    assert last["test mae"] < 0.5 * first["test mae"]


# ---------------------------------------------------------------- the text of the files


WAVE = """
net Wave {
  input wave: real[10, 1]
  target value: real[1]
  rnn(4) -> last -> dense(1)
  loss mse
}
train { data sines; epochs 1; batch 32; optimizer adagrad(lr=0.01); metric rmse }
"""
PERPLEXED = TAGGER.replace("accuracy", "accuracy, perplexity").replace(
    "dense(3)\n  loss cross_entropy",
    "dense(3) as scores\n  loss cross_entropy\n  from scores -> softmax as p\n  output p",
)
SEEN = 'columns=["close", "volume"]'
REST = {
    "plain": MOODS.replace("PADDED", "").replace(', vectors="v.txt"', ""),
    "alone": MOODS.replace("PADDED", "padded").replace('test="a.tsv"', 'stopwords="s.txt"'),
    "split": MOODS.replace("PADDED", "padded").replace("metric", "split validation=0.2\n  metric"),
}
WRITTEN_FILES = {
    "sines": WAVE,
    "series": INDEX,
    "other_target": INDEX.replace(SEEN, f'{SEEN}, target="amount"'),
    "next_day": INDEX.replace("horizon=3", "horizon=1")
    .replace("[3]", "[1]")
    .replace("e(3)", "e(1)"),
    "random": letters("gru(4)", "letters=true"),
    "adjacent": letters("lstm(4)", "sampling=adjacent, level=word"),
    "long_text": letters("gru(4)", "sampling=adjacent, test=0.123456789")
    .replace("s=7", "s=90000")
    .replace("next", "n" * 16)
    .replace("chars", "c" * 16),
    "long_words": letters("gru(4)", "letters=true, level=word")
    .replace("s=7", "s=90000")
    .replace("chars", "c" * 16),
    "long_series": INDEX.replace("12", "90000")
    .replace("3]", "90000]")
    .replace("=3", "=90000")
    .replace("(3)", "(90000)")
    .replace("days", "d" * 16)
    .replace("volume", "v" * 80),
    "long_waves": WAVE.replace("data sines", "data sines(points=1000000, test=1000000)").replace(
        "wave:", "w" * 16 + ":"
    ),
    "long_reviews": MOODS.replace("PADDED", "padded")
    .replace("8]", "90000]")
    .replace("=8", "=90000")
    .replace("LAYERS", "embedding(vocab, 3) -> last")
    .replace("length", 'stopwords="s.txt", length')
    .replace("words", "w" * 16, 1)
    .replace("label of 2", "label of 90000")
    .replace("dense(2)", "dense(90000)"),
    "chosen": PERPLEXED,
    "long_padded": PERPLEXED.replace("words", "w" * 16).replace("tag:", "t" * 16 + ":"),
    "fixed": letters("dropout(0.1) -> rnn(4)").replace("[T]", "[7]"),
    **{n: t.replace("LAYERS", "embedding(vocab, 3) -> gru(4) -> last") for n, t in REST.items()},
}


def test_generated_files_are_clean(tmp_path: Path) -> None:
    for name, spec in WRITTEN_FILES.items():
        for form in FORMS:
            (tmp_path / f"{name}_{form}.py").write_text(code(spec, form), encoding="utf-8")
    check_style(tmp_path)


# ---------------------------------------------------------------- padded, from arrays


def test_arrays_can_be_padded(form: str, tmp_path: Path) -> None:
    """Accuracy counts the steps before each length, and batches lose the padding they share."""
    module = execute(code(TAGGER, form))
    arrays = tags(tmp_path)
    data = module.load_data(tmp_path)
    assert {name: array.shape for name, array in data.items()} == {
        "words": (30, 8), "words_lengths": (30,), "tag": (30, 8)
    }  # fmt: skip
    net = network_class(module)(seed=0)
    tensors = data if form == "numpy" else module.as_tensors(data)
    own = np.arange(8) < arrays["words_lengths"][:, None]
    chosen = np.asarray(net.predict(arrays["words"], arrays["words_lengths"])).argmax(axis=-1)
    found = module.evaluate(net, tensors, 7)["accuracy"]
    assert found == pytest.approx((chosen == arrays["tag"])[own].mean())
    order = module.together(np.arange(30), arrays["words_lengths"], 4, np.random.default_rng(0))
    size = 4 if form == "numpy" else types.SimpleNamespace(batch=4)
    for batch in module.batches(tensors, order, size):
        words, lengths, tag = batch.values() if form == "numpy" else batch
        assert words.shape[1] == tag.shape[1] == lengths.max()


def test_sequences_of_similar_lengths_are_batched_together(form: str) -> None:
    """Each 50 batches lie apart in length, and come in an order that the generator draws."""
    module = execute(code(TAGGER, form))
    lengths = np.random.default_rng(0).integers(1, 100, 230)
    orders = [
        module.together(np.arange(230), lengths, 4, np.random.default_rng(seed)) for seed in (0, 1)
    ]
    assert orders[0].tolist() != orders[1].tolist()
    for order in orders:
        assert sorted(order.tolist()) == list(range(230))
        batches = order[:228].reshape(57, 4)
        pools = batches // 200
        assert (pools == pools[:, :1]).all()
        for pool in (0, 1):
            found = lengths[batches[pools[:, 0] == pool]]
            lows, highs = found.min(axis=1), found.max(axis=1)
            assert (np.diff(lows) < 0).any()
            by_length = lows.argsort(kind="stable")
            assert (highs[by_length][:-1] <= lows[by_length][1:]).all()


def test_padding_changes_no_score(form: str, tmp_path: Path) -> None:
    """Also where the output is not what the loss compares; by any batch, a mean over own steps."""
    module = execute(code(PERPLEXED, form))
    arrays = tags(tmp_path)
    own = np.arange(8) < arrays["words_lengths"][:, None]
    net = network_class(module)(seed=0)
    p = np.asarray(net.predict(arrays["words"], arrays["words_lengths"]), np.float64)
    chosen = np.take_along_axis(p, arrays["tag"][..., None], axis=-1)[..., 0]
    accuracy = (p.argmax(axis=-1) == arrays["tag"])[own].mean()
    perplexity = np.exp(-np.log(chosen[own]).mean())
    for padding in (0, 1, 2):
        tags(tmp_path, tag=np.where(own, arrays["tag"], padding))
        data = module.load_data(tmp_path)
        tensors = data if form == "numpy" else module.as_tensors(data)
        for batch in (1, 7, 30):
            found = module.evaluate(net, tensors, batch)
            assert found["accuracy"] == pytest.approx(accuracy)
            assert found["perplexity"] == pytest.approx(perplexity, rel=1e-5)


@pytest.mark.parametrize("error", ["mse", "l1"])
def test_the_loss_of_an_epoch_is_a_mean_over_own_steps(
    form: str, tmp_path: Path, error: str
) -> None:
    """At a rate of 0 it does not depend on the size of a batch, nor does that of evaluation."""
    spec = TAGGER.replace("label[T] of 3", "real[T, 2]").replace("  metric    accuracy\n", "")
    spec = spec.replace("dense(3)", "dense(2)")
    spec = spec.replace("cross_entropy", error).replace("adam(lr=0.02)", "sgd(lr=0.1)")
    wanted = np.random.default_rng(1).standard_normal((30, 8, 2))
    arrays = tags(tmp_path, tag=wanted)
    module = execute(code(spec, form))
    net, data = network_class(module)(seed=0), module.load_data(tmp_path)
    y = np.asarray(net.predict(arrays["words"], arrays["words_lengths"]))
    own = np.arange(8) < arrays["words_lengths"][:, None]
    difference = (y - wanted)[own]
    mean = np.mean(difference**2 if error == "mse" else np.abs(difference))
    if form == "numpy":
        optimizer = module.SGD(net)
    else:
        optimizer, data = module.make_optimizer(net, 0.0), module.as_tensors(data)
    for batch in (1, 7, 30):
        args = types.SimpleNamespace(seed=0, batch=batch, lr=0.0, amp=False)
        args.device = torch.device("cpu")
        assert module.evaluate(net, data, batch)["loss"] == pytest.approx(mean, rel=1e-5)
        loss = module.train_epoch(net, optimizer, data, 0, args)
        assert loss == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("lengths", [[0] * 30, [9] * 30])
def test_lengths_out_of_range_are_one_line(lengths: list[int], tmp_path: Path) -> None:
    module = execute(code(TAGGER, "numpy"))
    tags(tmp_path, words_lengths=np.array(lengths))
    with pytest.raises(module.InputError, match="words_lengths holds lengths outside 1 to 8"):
        module.load_data(tmp_path)


def test_lengths_of_a_sequence_that_is_not_padded_are_refused(tmp_path: Path) -> None:
    module = execute(code(TAGGER.replace(" padded", ""), "numpy"))
    tags(tmp_path)
    with pytest.raises(module.InputError, match="has 'words_lengths', but 'words' is not `padded`"):
        module.load_data(tmp_path)
