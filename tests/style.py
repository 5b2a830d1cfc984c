"""Ruff on files that are generated, with the settings of the project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUFF = (sys.executable, "-m", "ruff")


def ruff(*arguments: str) -> None:
    """Run ruff with the settings of the project; its report is the failure."""
    done = subprocess.run([*RUFF, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr


def check_style(folder: Path) -> None:
    """The files of a folder that is not the project's are clean, too."""
    config = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    ruff("check", *config, "--per-file-ignores", "*:D102", str(folder))
    ruff("format", "--check", "--diff", *config, str(folder))
