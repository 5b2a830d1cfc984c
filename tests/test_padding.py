"""Padding of sequences: whose lengths a result has, and which layers take it for values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from compiled import Batch, Compiled, compile_text, freeze_masks
from diagnosed import diagnosed
from pytorch_files import FORMS, pytorch_code, pytorch_net
from test_ops_rules import show, spec_of

from specc.ops.base import LossOp, Op, Sample
from specc.ops.registry import ops
from specc.types import Content

UNUSED = ("E0405", "W0101", "W0102")
CLASSES = """
cell pair(units) {
  input a, b
  state h: [units]
  from a, b, h -> concat -> dense(units) -> tanh as state h
}
block join {
  input a, b
  from a, b -> add
}
"""


def said(text: str) -> list[str]:
    """Codes and messages, but for what a net leaves unused."""
    return [f"{d.code}: {d.message}" for d in diagnosed(text) if d.code not in UNUSED]


def net(flow: str, declared: str = "") -> str:
    """A net over two sequences, each padded to lengths of its own."""
    return f"""{CLASSES}
net N {{
  input x: real[4, 3] padded, z: real[4, 3] padded, p: real[4, 3], l: label[4] of 3 padded
  {declared}
  {flow}
}}
"""


@pytest.mark.parametrize(
    "flow",
    [
        "from x, z -> add",
        "from p, x, z -> multiply",
        "from x, z -> concat -> gru(3)",
        "from x, z -> join",
        "from x, z -> scan pair(3)",
        "from x -> add { path { dense(3) } path { from z } }",
        "from x -> repeat 2 { dense(3) as a ; from a, z -> add }",
        "from x -> loss mse(target=z)",
        "from x -> loss cross_entropy(target=l)",
        "from p -> loss mse(target=x, mask=z)",
    ],
)
def test_sequences_of_different_lengths_do_not_meet(flow: str) -> None:
    (message,) = said(net(flow))
    assert message.startswith("E0309")
    assert "needs sequences of the same lengths, gets those of `" in message


@pytest.mark.parametrize(
    "flow", ["from x, p, x -> add", "from p, x -> join", "from x, z -> concat(axis=0)"]
)
def test_sequences_that_may_meet(flow: str) -> None:
    """One of them is not padded, or each is taken for values."""
    assert [line[:5] for line in said(net(flow))] in ([], ["W0302"])


@pytest.mark.parametrize(
    ("declared", "flow", "wanted"),
    [
        ("input s: real[1, 3] padded", "from p -> gru(3, initial=s)", "E0322: `initial` of `gru`"),
        ("input s: real[1, 3] padded", "from x -> gru(3, initial=s)", "E0322: `initial` of `gru`"),
        ("target t: real[4, 3] padded", "from p -> loss mse", "E0212: `padded` is for inputs"),
    ],
)
def test_what_is_never_padded(declared: str, flow: str, wanted: str) -> None:
    (message,) = said(net(flow, declared))
    assert message.startswith(wanted)


@pytest.mark.parametrize("flow", ["mse(target=z)", "mse(target=q, mask=z)"])
def test_a_loss_runs_over_the_own_steps_of_any_of_its_tensors(flow: str) -> None:
    text = f"""
net N {{
  input p: real[4, 3], q: real[4, 3], z: real[4, 3] padded
  from z -> last as own
  from p -> loss {flow}
  output q, own
}}
"""
    compiled = compile_text(text)
    batch = compiled.batch()
    loss, lengths = compiled.loss(batch), batch["z_lengths"]
    change_padding(compiled, batch, lengths)
    assert compiled.loss(batch) == loss


@pytest.mark.parametrize("form", FORMS)
def test_lengths_of_any_whole_type(form: str) -> None:
    """Small ones are lengths, not masks; truth values are refused."""
    text = """
net N {
  input x: real[4, 3] padded
  target t: real[2]
  gru(2, bidirectional=true) -> reverse -> last -> dense(3) as a
  from x -> last as b
  from x -> global_avgpool as c
  from a, b, c -> add -> dense(2)
  loss mse
}
"""
    compiled = compile_text(text)
    net, batch = pytorch_net(pytorch_code(text, backward=form)), compiled.batch()
    for run, make in ((net.loss, torch.tensor), (compiled.net.loss, np.array)):
        whole = {name: make(array) for name, array in batch.items()}
        wanted, lengths = torch.as_tensor(run(**whole)).item(), whole.pop("x_lengths")
        for kind in ("uint8", "int16", "int32"):
            small = make(np.asarray(lengths).astype(kind))
            loss = torch.as_tensor(run(**whole, x_lengths=small))
            assert loss.item() == pytest.approx(wanted)
        with pytest.raises(ValueError, match=r"`x_lengths` .* needs whole numbers .* gets .*bool"):
            run(**whole, x_lengths=make(np.asarray(lengths) > 0))


def test_labels_of_small_types_know_their_padding() -> None:
    """No label is taken for the mark of padding, and the mark for no label."""
    text = """
net N {
  input x: real[4, 3] padded
  target t: label[4] of 200
  dense(200)
  loss cross_entropy
}
"""
    compiled = compile_text(text)
    batch = compiled.batch()
    wanted = compiled.loss(batch)
    for kind in ("uint8", "uint16", "int32"):
        assert compiled.loss(batch | {"t": batch["t"].astype(kind)}) == wanted


# ---------------------------------------------------------------- what padding counts for


def samples() -> list[tuple[Op, Sample]]:
    """All samples on sequences of several steps, with each of the sequences padded in turn."""
    found = []
    for op in ops().values():
        for sample in op.samples:
            inputs = [declared.removesuffix(" padded") for declared in sample.inputs]
            for position in range(len(inputs) if op.input_count is None else 1):
                if is_sequence(inputs[position]):
                    padded = [*inputs]
                    padded[position] += " padded"
                    found.append((op, Sample(sample.call, *padded, target=sample.target)))
    return found


def is_sequence(declared: str) -> bool:
    """Whether that is a type of several steps."""
    sizes = declared.partition("[")[2].partition("]")[0].split(",")
    return len(sizes) == (1 if declared.startswith("token") else 2) and sizes[0] not in ("", "1")


def name_of(value: Op | Sample) -> str:
    """How a case is called."""
    return value.name if isinstance(value, Op) else show(value)


@pytest.mark.parametrize(("op", "sample"), samples(), ids=name_of)
def test_padding_counts_for_nothing_or_is_warned_of(op: Op, sample: Sample) -> None:
    """Other numbers there change no own step, and no loss, unless W0302 says so; then they do."""
    text = read_by_last(op, sample)
    compiled = compile_text(text)
    batch = compiled.batch()
    lengths = next(values for name, values in batch.items() if name.endswith("_lengths"))
    lengths[0] = 1
    first = results(compiled, batch, lengths)
    change_padding(compiled, batch, lengths)
    second = results(compiled, batch, lengths)
    is_changed = any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert [line[:5] for line in said(text) if "W0302" in line] == ["W0302"] * is_changed


def read_by_last(op: Op, sample: Sample) -> str:
    """A net of one layer or loss, and a second layer that needs the lengths in any case."""
    first = 0 if "padded" in sample.inputs[0] else 1
    source = "x" if isinstance(op, LossOp) else f"x{first}"
    if sample.inputs[first].startswith("token"):
        source = "y"  # vectors, and padded
    flow = spec_of(op, sample).rstrip("}\n")
    return f"{flow} -> dropout(0) as y\n from {source} -> last as own\n output y, own\n}}\n"


def results(compiled: Compiled, batch: Batch, lengths: Any) -> list[Any]:
    """In training mode: the loss, or the result, of padded sequences their own steps."""
    if compiled.shaped.losses:
        return [compiled.loss(batch)]
    freeze_masks(compiled.net)
    result, _ = compiled.net.run(*batch.values(), training=True)
    if not compiled.shaped.outputs[0].type.padded:
        return [result.copy()]
    return [row[:own].copy() for row, own in zip(result, lengths, strict=True)]


def change_padding(compiled: Compiled, batch: Batch, lengths: Any) -> None:
    """Other numbers behind the ends of the sequences, and in what is compared with them."""
    padded = next(t.type for t in compiled.shaped.inputs.values() if t.type.padded)
    tensors = {**compiled.shaped.inputs, **compiled.shaped.targets}
    for name, tensor in tensors.items():
        is_alike = compiled.shaped.losses and tensor.type.content is not Content.LENGTHS
        if is_alike or (tensor.type.padded and tensor.type.content is not Content.LENGTHS):
            values = batch[name]
            padding = np.arange(padded.shape[0].number) >= lengths[:, None]
            if tensor.type.content is Content.REAL:
                values[padding] = 10 - values[padding]
            else:
                values[padding] = (values[padding] + 1) % tensor.type.classes.number
