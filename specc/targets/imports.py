"""The imports that a file needs: found in its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

_STANDARD = (
    "argparse", "collections", "csv", "gzip", "itertools", "json", "math", "os", "re", "sys",
    "threading", "time", "zipfile", "zlib",
)  # fmt: skip


def standard_imports(text: str) -> list[str]:
    """The modules of the standard library that a text uses, in their customary order."""
    used = set(re.findall(r"\b(\w+)\.(?=\w)", text))
    lines = [f"import {name}" for name in _STANDARD if name in used]
    return lines + imports(text, {r"\bPath\b": "from pathlib import Path"})


def imports(text: str, known: Mapping[str, str]) -> list[str]:
    """The import lines whose patterns occur in a text."""
    return [line for pattern, line in known.items() if re.search(pattern, text)]
