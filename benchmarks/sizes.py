"""How long the shipped specs are, and the code that they become.

    python benchmarks/sizes.py

Counts the lines of specs/ and generated/ and the classes of blocks; writes docs/networks.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from common import NETWORKS_PAGE, ROOT, SPECS, record, table


def lines(path: Path) -> int:
    """The lines of a file."""
    return len(path.read_text("utf-8").splitlines())


def classes(path: Path) -> int:
    """The classes of the network and its blocks in a generated PyTorch file."""
    network = path.read_text("utf-8").split("- The network\n")[1].split("\n# ---")[0]
    return len(re.findall(r"^class ", network, re.MULTILINE)) - 1  # one is the frame, `Network`


def sizes() -> str:
    """The table of all specs."""
    rows = []
    for spec in SPECS:
        numpy, torch = (ROOT / "generated" / f"{spec.stem}{end}.py" for end in ("", "_torch"))
        counts = lines(spec), lines(numpy), lines(torch), classes(torch)
        rows.append([f"`{spec.stem}`", *(str(count) for count in counts)])
    return table(["spec", "lines of spec", "of NumPy", "of PyTorch", "classes"], rows)


if __name__ == "__main__":
    record("sizes", sizes(), NETWORKS_PAGE)
