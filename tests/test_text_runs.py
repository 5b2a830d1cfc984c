"""Nets that learn texts and write, on both targets."""

from __future__ import annotations

import io
import json
import re
import types
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compiled import execute
from safetensors import safe_open
from sequence_scripts import array, code, letters, module, run, scores

WRITTEN = "the time traveller for so it will be convenient to speak of him " * 12


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A folder with a text."""
    (tmp_path / "a.txt").write_text(WRITTEN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("sampling", ["random", "adjacent"])
def test_a_run_learns_goes_on_and_writes(text: Path, form: str, sampling: str) -> None:
    spec = letters("gru(16)", f"letters=true, sampling={sampling}")
    whole, error = run(spec, form, text, "--out", "whole", "--epochs", "3")
    assert not error, whole
    first, *_, last = scores(whole)
    assert last["loss"] < first["loss"]
    assert last["test perplexity"] < first["test perplexity"] < 28
    run(spec, form, text, "--out", "parts", "--epochs", "2")
    rest, error = run(spec, form, text, "--resume", "parts", "--epochs", "3")
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
    others = {run(spec, form, text, *options, "--seed", str(seed))[0] for seed in (1, 2)}
    assert others != {written}
    cold = {
        run(spec, form, text, *options, "--temperature", "0", "--seed", str(seed))[0]
        for seed in (0, 1)
    }
    assert len(cold) == 1
    assert {run(spec, form, text, *options, "--temperature", "1e-6")[0]} == cold


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


CARRYING_WORDS = ("carry_state", "reset_state", "expect_examples", "carries")


@pytest.mark.parametrize("sampling", ["random", "adjacent"])
def test_a_net_without_states_carries_none(text: Path, form: str, sampling: str) -> None:
    """Nothing in its file is about states; with one recurrent layer, all of it is there."""
    spec = letters("relu", f"letters=true, sampling={sampling}")
    assert not [word for word in CARRYING_WORDS if word in code(spec, form)]
    carrying = code(spec.replace("relu", "gru(4)"), form)
    assert all(word in carrying for word in CARRYING_WORDS)
    printed, error = run(spec, form, text)
    assert not error, printed
    assert scores(printed)[-1]["test perplexity"] < 28
    written, error = run(spec, form, text, "--generate", "the ", "--length", "5")
    assert not error
    assert re.fullmatch(r"the [a-z ]{5}\n", written)
    made, net, (_, _, test) = module(spec, form, text)
    given = made.as_tensors(test) if form != "numpy" else test
    wanted = np.exp(cross_entropy(output(net, test["chars"]), test["next_"]))
    for batch in (1, len(test["chars"])):
        np.testing.assert_allclose(
            made.evaluate(net, given, batch)["perplexity"], wanted, rtol=1e-5
        )


TOTAL = """
cell total {
  state h: [6]
  from in, h -> add as state h
}
"""


@pytest.mark.parametrize("layers", ["lstm(8, layers=2)", "scan total"])
def test_what_is_likeliest_is_written(text: Path, form: str, layers: str) -> None:
    """By the state that the prompt left, and then that of token after token."""
    spec = TOTAL + letters(layers) if "total" in layers else letters(layers)
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


def test_a_text_that_is_not_there_is_one_line(tmp_path: Path, form: str) -> None:
    _, error = run(letters(), form, tmp_path)
    text = tmp_path.resolve() / "a.txt"
    assert error == f"net.py: error: {text}: no such file; --data names the folder"
    _, error = run(letters(), form, tmp_path, "--data", "elsewhere")
    assert error == "net.py: error: elsewhere/a.txt: no such file; --data names the folder"


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


def hand_made(net: Any) -> list[torch.nn.Module]:
    """Embedding, GRU and dense layer in PyTorch, with the weights of a net."""
    held = net.parameters() if isinstance(net.parameters(), dict) else dict(net.named_parameters())
    embedding = torch.nn.Embedding(28, 6)
    layers = [embedding, torch.nn.GRU(6, 4, batch_first=True), torch.nn.Linear(4, 28)]
    for layer, name in zip(layers, ("embedding1", "gru1", "dense1"), strict=True):
        own = {n: torch.tensor(array(held[f"{name}.{n}"])) for n in layer.state_dict()}
        layer.double().load_state_dict(own)
    return layers


def epoch_by_hand(
    layers: list[torch.nn.Module], batches: list[dict[str, Any]], carries: bool, limit: float
) -> list[float]:
    """Steps of SGD at a rate of 0.5; returns the losses."""
    embedding, gru, dense = layers
    weights = [p for layer in layers for p in layer.parameters()]
    state, losses = None, []
    for batch in batches:
        y, state = gru(embedding(torch.tensor(batch["chars"])), state)
        labels = torch.tensor(batch["next_"]).flatten()
        loss = torch.nn.functional.cross_entropy(dense(y).flatten(0, 1), labels)
        gradients = torch.autograd.grad(loss, weights)
        norm = sum(g.square().sum() for g in gradients) ** 0.5
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.data -= 0.5 * min(1, limit / norm) * gradient
        state = state.detach() if carries else None
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("limit", [0.2, 100])
@pytest.mark.parametrize("sampling", ["random", "adjacent"])
def test_an_epoch_is_that_of_a_loop_in_pytorch(
    text: Path, form: str, sampling: str, limit: float
) -> None:
    """States go on or begin anew, their gradients end at the segment; clipping; the steps.

    What follows begins with zeros again.
    """
    spec = letters("gru(4)", f"letters=true, sampling={sampling}")
    spec = spec.replace("adam(lr=0.02)", "sgd(lr=0.5)").replace("clip      1", f"clip {limit}")
    made, net, (_, train, _) = module(spec, form, text)
    net = net.astype(np.float64) if form == "numpy" else net.double()
    args = types.SimpleNamespace(seed=0, batch=4, lr=0.5, amp=False, device="cpu")
    rows = made.segments(len(train["chars"]), args, 0)
    batches = [
        {name: values[rows[i : i + 4]] for name, values in train.items()}
        for i in range(0, len(rows), 4)
    ]
    layers = hand_made(net)
    losses = epoch_by_hand(layers, batches, sampling == "adjacent", limit)
    if form == "numpy":
        loss = made.train_epoch(net, made.SGD(net), train, 0, args)
    else:
        args.device = torch.device("cpu")
        loss = made.train_epoch(net, made.make_optimizer(net, 0.5), made.as_tensors(train), 0, args)
    counts = [len(batch["chars"]) for batch in batches]
    assert loss == pytest.approx(np.average(losses, weights=counts), rel=1e-9)
    for found, wanted in zip(hand_made(net), layers, strict=True):
        for name, weight in found.state_dict().items():
            torch.testing.assert_close(weight, wanted.state_dict()[name], rtol=1e-7, atol=1e-12)
    embedding, gru, dense = layers
    tokens = batches[0]["chars"]
    wanted = dense(gru(embedding(torch.tensor(tokens)))[0])
    np.testing.assert_allclose(output(net, tokens), wanted.detach(), rtol=1e-7)


def test_tokens_are_drawn_from_the_softmax_at_a_temperature(form: str) -> None:
    made = execute(code(letters(), form))
    scores, rng = np.array([2, 0, 1, -1], np.float32), np.random.default_rng(0)
    for temperature in (0.5, 1, 4):
        wanted = np.exp(scores / temperature) / np.exp(scores / temperature).sum()
        drawn = [made.draw_token(scores + 1000, temperature, rng) for _ in range(4000)]
        np.testing.assert_allclose(np.bincount(drawn) / 4000, wanted, atol=0.03)


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
