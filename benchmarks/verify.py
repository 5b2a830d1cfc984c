"""Run `specc verify` on every shipped spec.

    python benchmarks/verify.py

Writes docs/results.md. It takes some minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import SPECS, machine, record, table, verdict

KINDS = ("float64", "float32", "finite differences")


def proof(spec: Path) -> dict[str, Any]:
    """What `specc verify --json` prints."""
    command = [sys.executable, "-m", "specc", "verify", str(spec), "--json", "--no-proof"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def row(spec: Path) -> list[str]:
    """The largest error of each kind, as a part of its bound, and the verdict."""
    found = proof(spec)
    largest = dict.fromkeys(KINDS, 0.0)
    for check in found["checks"]:
        kind = check["quantity"] if check["quantity"] in KINDS else check["precision"]
        errors = [error for error in check["errors"].values() if error is not None]
        largest[kind] = max(largest[kind], *errors, 0.0)
    chosen = [*found["settings"], *(f"{n}={size}" for n, size in found["sizes"].items())]
    sizes = " ".join(f"`{choice}`" for choice in chosen)
    shown = [f"{largest[kind]:.1e}" for kind in KINDS]
    return [f"`{spec.stem}`", sizes, *shown, verdict(found["verdict"] == "passed")]


def main() -> None:
    """Measure everything."""
    rows = [row(spec) for spec in SPECS]
    columns = ["spec", "at", *KINDS, ""]
    record("verify", f"{table(columns, rows)}\n\n{machine()}.")


if __name__ == "__main__":
    main()
