"""A working folder with a few specs, and `specc` run there as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import specc as package

TINY = """\
net Tiny(classes = 2) {
  input  x: real[4]
  target y: label of classes
  dense(8) -> relu -> dense(classes)
  loss cross_entropy
}
"""
XOR = """\
net Xor {
  input point: real[2]
  target side: label of 2
  dense(8) -> tanh -> dense(1)
  loss binary_cross_entropy
}

train {
  data xor
  epochs 2
  batch 32
  optimizer adam(lr=0.01)
  metric accuracy
}
"""
TWO = "net First { input x: real[4]; dense(2) }\nnet DeepSecond { input x: real[4]; dense(3) }\n"
BROKEN = "net Tiny {\n  input x: real[4]\n  linear(2)\n}\n"
SPECS = {"tiny.net": TINY, "xor.net": XOR, "two.net": TWO, "broken.net": BROKEN}


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """Run `specc` as a process of its own."""
    command = [sys.executable, "-m", "specc", *arguments]
    root = str(Path(package.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command, capture_output=True, text=True, env=environment, timeout=120, **more
    )
