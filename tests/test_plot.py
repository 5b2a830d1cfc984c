"""The picture of a training run."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from specc.plot import plot_history


def test_a_history_becomes_a_picture(tmp_path: Path) -> None:
    table = tmp_path / "history.csv"
    for rows in ("1,2.5,0.5,1\n", "1,2.5,0.5,1\n2,1.5,0.75,1\n3,1.2,0.75,1\n"):
        table.write_text("epoch,loss,test <accuracy>,seconds\n" + rows, encoding="utf-8")
        plot_history(table, tmp_path / "loss.svg", "Net & co")
        picture = ElementTree.parse(tmp_path / "loss.svg").getroot()
        texts = [element.text for element in picture.iter() if element.text]
        assert "Net & co" in texts
        assert any("test <accuracy> 0." in text for text in texts)
        assert not any("seconds" in text for text in texts)


def test_scores_of_the_last_epoch_alone_are_no_line(tmp_path: Path) -> None:
    table = tmp_path / "history.csv"
    table.write_text("epoch,loss,test accuracy,seconds\n1,2.5,,1\n2,1.5,0.75,1\n", encoding="utf-8")
    plot_history(table, tmp_path / "loss.svg")
    picture = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    assert "loss 1.5" in picture and "accuracy" not in picture


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n", "epoch,loss\n1,nan\n", "epoch,loss\n1,x\n", "epoch,loss\n1\n"]
)
def test_a_broken_history_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="not the history of a run"):
        plot_history(tmp_path / "history.csv", tmp_path / "loss.svg")
    assert not (tmp_path / "loss.svg").exists()
