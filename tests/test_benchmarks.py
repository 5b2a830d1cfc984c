"""The benchmark scripts: what they compile, compare and write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize("name", ["step.py", "memory.py", "reproduce.py", "sequences.py"])
def test_scripts_say_how_they_are_used(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / name), "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "usage:" in run.stdout


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize(
    "name",
    ["softmax_regression", "mlp", "lenet", "nin", "resnet18", "rnn_waves", "lstm_characters"],
)
def test_both_sides_compute_the_same(name: str, tmp_path: Path) -> None:
    import step
    from networks import NETWORKS, compile_sides

    compile_sides(NETWORKS[name], tmp_path)
    step.check(NETWORKS[name], tmp_path)  # exits where they differ


@pytest.mark.usefixtures("scripts")
def test_a_difference_stops_the_race(tmp_path: Path) -> None:
    import step
    from networks import NETWORKS, compile_sides, script

    network = NETWORKS["softmax_regression"]
    compile_sides(network, tmp_path)
    file = script(tmp_path, "numpy")
    text = file.read_text("utf-8")
    assert "np.matmul(d_rows.T, rows" in text
    file.write_text(text.replace("np.matmul(d_rows.T, rows", "np.matmul(d_rows.T, -rows"), "utf-8")
    with pytest.raises(SystemExit, match="the sides differ"):
        step.check(network, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.usefixtures("scripts")
def test_memory_counts_what_a_step_uses() -> None:
    import memory
    import numpy as np

    memory.forget_peak()
    before = memory.memory("VmRSS")
    np.ones(2**24)  # 128 MB, too much for what was freed before; freed again
    assert 120_000 < memory.memory("VmHWM") - before < 140_000


@pytest.mark.usefixtures("scripts")
def test_a_record_replaces_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import common

    page = tmp_path / "results.md"
    page.write_text("# Results\n\n<!-- a -->\nold\n<!-- end of a -->\n\nrest\n", encoding="utf-8")
    monkeypatch.setattr(common, "RESULTS", page)
    common.record("a", common.table(["x", ""], [["1", common.verdict(False)]]))
    common.record("a", common.table(["x", ""], [["2", common.verdict(True)]]))
    text = page.read_text("utf-8")
    assert "| 2 | met |" in text and "| 1 |" not in text and text.endswith("rest\n")


@pytest.mark.usefixtures("scripts")
def test_the_table_of_sizes_is_up_to_date() -> None:
    from common import NETWORKS_PAGE
    from sizes import sizes

    assert sizes() in NETWORKS_PAGE.read_text("utf-8"), "run `python benchmarks/sizes.py`"
