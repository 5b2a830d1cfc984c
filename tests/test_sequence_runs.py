"""Training, scoring and writing by nets over texts, reviews and series, on both targets."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import types
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled import execute, network_class
from safetensors import safe_open

from specc.diagnostics import Diagnostics
from specc.options import Options
from specc.pipeline import generate
from specc.source import Source

ROOT = Path(__file__).resolve().parent.parent
FORMS = {
    "numpy": Options(),
    "pytorch": Options(target="pytorch"),
    "explicit": Options(target="pytorch", backward="explicit"),
}
LETTERS = """
net Letters(vocab = 28) {
  input chars: token[T] of vocab
  target next: label[T] of vocab
  embedding(vocab, 6) -> LAYERS -> dense(vocab)
  loss cross_entropy
}
train {
  data      text("a.txt", steps=7, MORE)
  epochs    2
  batch     4
  optimizer adam(lr=0.02)
  metric    perplexity, accuracy
  clip      1
}
"""
WRITTEN = "the time traveller for so it will be convenient to speak of him " * 12


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """Every target, and the explicit backward pass."""
    return str(request.param)


def code(text: str, form: str) -> str:
    """The generated file of a spec."""
    source = Source("net.net", text)
    output = Path("net.py")
    return generate(source, FORMS[form], output=output, diagnostics=Diagnostics()).text


def letters(layers: str = "relu", more: str = "letters=true") -> str:
    """The spec of a net that tells letters."""
    return LETTERS.replace("LAYERS", layers).replace("MORE", more)


def run(text: str, form: str, folder: Path, *options: str) -> tuple[str, str]:
    """Run the script of a spec in a folder: what it prints, and its error."""
    out, namespace = io.StringIO(), {"__name__": "generated", "__file__": str(folder / "net.py")}
    exec(compile(code(text, form), "net.py", "exec"), namespace)
    error = ""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setattr(sys, "argv", ["net.py", "--threads", "1", *options])
        patch.chdir(folder)
        try:
            namespace["main"]()
        except SystemExit as stop:
            error = str(stop.code)
    return out.getvalue(), error


def scores(printed: str) -> list[dict[str, float]]:
    """The numbers of each epoch's line."""
    lines = [line for line in printed.splitlines() if line.startswith("epoch")]
    return [
        {n: float(x) for n, x in re.findall(r"([a-z]+(?: [a-z]+)?) ([\d.e+-]+)", line)}
        for line in lines
    ]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A folder with a text."""
    (tmp_path / "a.txt").write_text(WRITTEN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("sampling", ["random", "adjacent"])
def test_a_run_learns_goes_on_and_writes(text: Path, form: str, sampling: str) -> None:
    spec = letters("gru(16)", f"letters=true, sampling={sampling}")
    whole, error = run(spec, form, text, "--out", "whole", "--epochs", "4")
    assert not error, whole
    first, *_, last = scores(whole)
    assert last["loss"] < first["loss"]
    assert last["test perplexity"] < first["test perplexity"] < 28
    run(spec, form, text, "--out", "parts", "--epochs", "2")
    rest, error = run(spec, form, text, "--resume", "parts", "--epochs", "4")
    assert not error, rest
    weights = [(text / name / "weights.safetensors").read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    with safe_open(text / "whole" / "weights.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["vocabulary"])[:3] == ["<unknown>", " ", "e"]
    options = ("--resume", "whole", "--generate", "the ", "--length", "20")
    written, error = run(spec, form, text, *options)
    assert not error
    assert re.fullmatch(r"the [a-z ]{20}\n", written)
    assert run(spec, form, text, *options)[0] == written
    others = {run(spec, form, text, *options, "--seed", str(seed))[0] for seed in range(1, 4)}
    assert others != {written}
    cold = {
        run(spec, form, text, *options, "--temperature", "0", "--seed", str(seed))[0]
        for seed in range(3)
    }
    assert len(cold) == 1


def module(spec: str, form: str, folder: Path) -> tuple[Any, Any, list[Any]]:
    """The module of a spec, its net, and vocabulary, training and test part of its text."""
    made = execute(code(spec, form))
    return made, network_class(made)(seed=1), list(made.load_data(folder))


def array(x: Any) -> Any:
    """A copy of an array or tensor, as an array."""
    return np.array(x.detach().numpy() if hasattr(x, "detach") else x)


def output(net: Any, tokens: Any) -> Any:
    """The scores of a net without a carried state, as an array."""
    return array(net.predict(np.asarray(tokens)))


def cross_entropy(scores: Any, labels: Any) -> float:
    """The mean of −ln softmax(scores)[label], in float64."""
    z = scores.astype(np.float64)
    z = z - z.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(z, labels[..., None], axis=-1)[..., 0]
    return float(np.mean(np.log(np.exp(z).sum(axis=-1)) - chosen))


@pytest.mark.parametrize("layers", ["gru(5)", "rnn(4, layers=2)", "lstm(3)"])
def test_the_test_part_is_scored_as_one_sequence(text: Path, form: str, layers: str) -> None:
    made, net, (_, _, test) = module(letters(layers), form, text)
    given = made.as_tensors(test) if form != "numpy" else test
    found = made.evaluate(net, given, batch=1)
    scores = output(net, test["chars"].reshape(1, -1))
    labels = test["next_"].reshape(1, -1)
    wanted = np.exp(cross_entropy(scores, labels))
    np.testing.assert_allclose(found["perplexity"], wanted, rtol=1e-5)
    assert found["accuracy"] == np.mean(scores.argmax(axis=-1) == labels)
    apart = np.exp(cross_entropy(output(net, test["chars"]), test["next_"]))
    assert abs(apart - wanted) > 1e-4  # the state does make a difference


def test_what_is_likeliest_is_written(text: Path, form: str) -> None:
    spec = letters("gru(8)")
    _, net, (vocabulary, _, _) = module(spec, form, text)
    net.vocabulary = vocabulary
    net.save(text / "weights.safetensors")
    options = ("--resume", ".", "--temperature", "0", "--length", "15", "--generate", "time")
    written, error = run(spec, form, text, *options)
    assert not error
    tokens = [vocabulary.index(letter) for letter in "time"]
    for _ in range(15):
        last = output(net, [tokens])[0, -1]
        tokens.append(1 + int(last[1 : len(vocabulary)].argmax()))
    assert written == "".join(vocabulary[i] for i in tokens) + "\n"


def test_what_a_terminal_would_obey_is_written_as_an_escape(text: Path, form: str) -> None:
    made, net, _ = module(letters("gru(8)", "test=0.1"), form, text)
    net.vocabulary = ["<unknown>", "a", "\x1b"]
    net.save(text / "weights.safetensors")
    spec, options = letters("gru(8)", "test=0.1"), ("--resume", ".", "--generate", "a\x1b")
    written, error = run(spec, form, text, *options)
    assert not error
    assert re.fullmatch(r"(a|\\x1b){102}\n", written)
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "ascii")):
        assert made.printable("a\té\r\n") == "a\t\\xe9\\r\n"
    held = net.parameters()
    for weights in held.values() if form == "numpy" else (p.data for p in held):
        weights[...] = np.nan
    net.save(text / "weights.safetensors")
    _, error = run(spec, form, text, *options)
    assert error.endswith("weights.safetensors: the scores of these weights are not finite")


CARRYING = {
    "rnn(3)": "RNN",
    "rnn(3, activation=identity, layers=2)": "IdentityRNN",
    "gru(3, layers=2, dropout=0.5)": "GRU",
    "lstm(3, layers=2)": "LSTM",
    "scan total": "Total",
}
TOTAL = """
cell total {
  state h: [6]
  from in, h -> add as state h
}
"""


@pytest.mark.parametrize("layers", CARRYING)
def test_carried_states_are_those_of_as_many_examples(text: Path, form: str, layers: str) -> None:
    head = TOTAL if "total" in layers else ""
    _, net, _ = module(head + letters(layers, "sampling=adjacent"), form, text)
    tokens = np.arange(10 * 7).reshape(10, 7) % 28
    net.carry_state(True)
    net.predict(tokens[:2])
    said = f"`{CARRYING[layers]}` carries the states of 2 examples, gets 3: see net.reset_state()"
    for count in (3, 1):
        with pytest.raises(ValueError, match=re.escape(said.replace("3:", f"{count}:"))):
            net.predict(tokens[:count])
    net.reset_state()
    with pytest.raises(ValueError, match="need a batch of all 10 examples, or of 1, each after"):
        net.predict(tokens, batch=4)
    net.carry_state(False)
    whole = output(net, tokens)
    net.carry_state(True)
    assert np.allclose(output(net, tokens[:, :4]), whole[:, :4], atol=1e-6)
    assert np.allclose(output(net, tokens[:, 4:]), whole[:, 4:], atol=1e-6)


def test_words_are_joined_by_blanks(text: Path, form: str) -> None:
    spec = letters("rnn(8)", "level=word")
    _, error = run(spec, form, text, "--epochs", "1")
    assert not error
    written, error = run(spec, form, text, "--generate", "the  time", "--length", "3")
    assert not error
    assert len(written.split(" ")) == 5
    assert "<unknown>" not in written


REFUSED = {
    "no run": (("--resume", "none", "--generate", "the"), "none: has no trained weights"),
    "empty": (("--generate", ""), "--generate needs a text to begin with"),
    "unknown": (("--generate", "the ?"), "--generate: the vocabulary has no '?'"),
    "length": (("--generate", "the", "--length", "0"), "2"),
    "temperature": (("--generate", "the", "--temperature", "-1"), "2"),
    "nan": (("--generate", "the", "--temperature", "nan"), "2"),
}


def test_what_cannot_be_written_is_refused_in_one_line(text: Path, form: str) -> None:
    spec = letters(more="test=0.2")
    assert not run(spec, form, text, "--epochs", "1")[1]
    for options, message in REFUSED.values():
        printed, error = run(spec, form, text, *options)
        assert error.removeprefix("net.py: error: ").startswith(message), error
        assert "Traceback" not in printed


def test_options_that_would_do_nothing_are_refused(text: Path, form: str) -> None:
    for options, message in {
        ("--length", "20"): "error: --length does nothing without --generate\n",
        ("--temperature", "0"): "error: --temperature does nothing without --generate\n",
        ("--generate", "the", "--lr", "7"): "error: --lr does nothing with --generate\n",
    }.items():
        printed, error = run(letters(), form, text, *options)
        assert (error, printed.endswith(message)) == ("2", True), printed
    assert not (text / "runs").exists()


def test_a_run_with_another_vocabulary_is_not_gone_on_with(text: Path, form: str) -> None:
    spec = letters()
    assert not run(spec, form, text, "--epochs", "1")[1]
    (text / "a.txt").write_text(WRITTEN.replace("t", "x"), encoding="utf-8")
    _, error = run(spec, form, text, "--resume", "runs/letters")
    assert error.endswith("checkpoint.safetensors: the run has another vocabulary than the data")
    run(spec, form, text, "--generate", "the ")  # the vocabulary is that of the run
    assert "has no 'x'" in run(spec, form, text, "--generate", "x")[1]


def test_the_vocabulary_is_loaded_with_the_weights(text: Path, form: str) -> None:
    _, net, (vocabulary, _, _) = module(letters(), form, text)
    net.save(text / "none.safetensors")
    net.vocabulary = vocabulary
    net.save(text / "all.safetensors")
    _, other, _ = module(letters(), form, text)
    assert list(other.vocabulary) == []
    other.load(text / "all.safetensors")
    assert other.vocabulary == vocabulary
    longer = json.dumps([str(i) for i in range(29)])
    same, lone, named = '["a", "a"]', r'["\ud800"]', '{"a": 1}'
    for damaged in ("[1, 2]", "5", "{", "[" * 100_000, longer, same, lone, named):
        whole = (text / "none.safetensors").read_bytes()
        length = int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8 : 8 + length])
        header["__metadata__"]["vocabulary"] = damaged
        changed = json.dumps(header).encode()
        content = len(changed).to_bytes(8, "little") + changed + whole[8 + length :]
        (text / "bad.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match="not a list of at most 28 different words"):
            other.load(text / "bad.safetensors")


def test_the_state_is_carried_in_training_and_forgotten_after(text: Path, form: str) -> None:
    made, net, (_, train, _) = module(letters("gru(4)", "sampling=adjacent"), form, text)
    states: list[Any] = []
    loss = net.loss

    def look(*arrays: Any, **named: Any) -> Any:
        states.append(net.gru1.state if net.gru1.state is None else array(net.gru1.state))
        return loss(*arrays, **named)

    net.loss = look
    args = types.SimpleNamespace(seed=0, batch=4, lr=0.01, amp=False)
    if form == "numpy":
        made.train_epoch(net, made.Adam(net), train, 0, args)
    else:
        args.device = made.torch.device("cpu")
        optimizer = made.make_optimizer(net, 0.01)
        made.train_epoch(net, optimizer, made.as_tensors(train), 0, args)
    assert states[0] is None
    assert all(state is not None for state in states[1:])
    assert len({float(state.sum()) for state in states[1:]}) == len(states) - 1 > 5
    assert net.gru1.state is None
    assert not net.gru1.carries


def test_a_gradient_is_clipped_as_a_whole(text: Path, form: str) -> None:
    spec = letters("lstm(4)").replace("clip      1", "clip      0.01")
    made, net, (_, train, _) = module(spec, form, text)
    rows = made.segments(len(train["chars"]), types.SimpleNamespace(seed=0, batch=4), 0)[:4]
    batch = {name: array[rows] for name, array in train.items()}
    net.loss(*(batch if form == "numpy" else made.as_tensors(batch)).values())
    before = {name: array(g) for name, g in net.backward().items()}
    norm = np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in before.values()))
    assert norm > 0.02
    if form == "numpy":
        made.clip(net.gradients)
        after = net.public_gradients
    else:
        made.clip([parameter.grad for parameter in net.parameters()])
        after = {name: p.grad for name, p in net.named_parameters()}
    for name, gradient in before.items():
        wanted = gradient * (0.01 / norm)
        np.testing.assert_allclose(array(after[name]), wanted, rtol=1e-5, atol=1e-9)


# ---------------------------------------------------------------- reviews and series

MOODS = """
net Moods(vocab = 30) {
  input words: token[8] of vocab PADDED
  target mood: label of 2
  LAYERS -> dense(2)
  loss cross_entropy
}
train {
  data      reviews("a.tsv", test="a.tsv", length=8, vectors="v.txt")
  epochs    8
  batch     8
  optimizer adagrad(lr=0.2)
  metric    accuracy
}
"""
INDEX = """
net Index {
  input days: real[12, 2]
  target later: real[3]
  gru(8) -> last -> dense(3)
  loss mse
}
train {
  data      series("a.csv", columns=["close", "volume"], window=12, horizon=3)
  epochs    5
  batch     16
  optimizer adam(lr=0.02)
  clip      1
  metric    mae, rmse
}
"""


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
    assert error.endswith("v.txt:1: the embedding needs 4 finite numbers, gets 3: 1 2 3")


def test_a_series_is_learned(tmp_path: Path, form: str) -> None:
    days = np.arange(200)
    close = 100 + 10 * np.sin(days / 4)
    rows = [f"{day},{c:.3f},{c + 5:.3f}" for day, c in zip(days, close, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["day,close,volume", *rows]), encoding="utf-8")
    printed, error = run(INDEX, form, tmp_path)
    assert not error, printed
    assert scores(printed)[-1]["test mae"] < 0.5 < scores(printed)[0]["test mae"] + 0.3


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
    "fixed": letters("dropout(0.1) -> rnn(4)").replace("[T]", "[7]"),
    **{n: t.replace("LAYERS", "embedding(vocab, 3) -> gru(4) -> last") for n, t in REST.items()},
}


def test_generated_files_are_clean(tmp_path: Path) -> None:
    for name, spec in WRITTEN_FILES.items():
        for form in FORMS:
            (tmp_path / f"{name}_{form}.py").write_text(code(spec, form), encoding="utf-8")
    config = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    ruff = [sys.executable, "-m", "ruff"]
    ignored = ("--per-file-ignores", "*:D102")
    for command in (("check", *config, *ignored), ("format", "--check", "--diff", *config)):
        done = subprocess.run([*ruff, *command, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr


# ---------------------------------------------------------------- padded, from arrays

TAGGER = """
net Tagger {
  input words: token[T] of 9 padded
  target tag: label[T] of 3
  embedding(9, 6) -> gru(6) -> dense(3)
  loss cross_entropy
}
train {
  data      npz("tags.npz")
  epochs    2
  batch     4
  optimizer adam(lr=0.02)
  metric    accuracy
}
"""


def tags(folder: Path, **changed: Any) -> dict[str, Any]:
    """Padded sentences, with a tag for each word, in a file."""
    rng = np.random.default_rng(0)
    words, lengths = rng.integers(0, 9, (30, 8)), rng.integers(1, 7, 30)
    arrays = {"words": words, "words_lengths": lengths, "tag": words % 3} | changed
    np.savez(folder / "tags.npz", **arrays)
    return arrays


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
    assert sorted(order.tolist()) == list(range(30))
    size = 4 if form == "numpy" else types.SimpleNamespace(batch=4)
    for batch in module.batches(tensors, order, size):
        words, lengths, tag = batch.values() if form == "numpy" else batch
        assert words.shape[1] == tag.shape[1] == lengths.max()


@pytest.mark.parametrize("lengths", [[0] * 30, [9] * 30])
def test_lengths_out_of_range_are_one_line(lengths: list[int], tmp_path: Path) -> None:
    module = execute(code(TAGGER, "numpy"))
    tags(tmp_path, words_lengths=np.array(lengths))
    with pytest.raises(module.InputError, match="words_lengths holds lengths outside 1 to 8"):
        module.load_data(tmp_path)
