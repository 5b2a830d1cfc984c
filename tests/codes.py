"""The codes of all diagnostics that specc can make, as its source has them."""

from __future__ import annotations

import re
from pathlib import Path

import specc

_CODE = re.compile(r'"([EW]\d{4})"')

CODES = frozenset(
    code
    for path in Path(specc.__file__).parent.rglob("*.py")
    for code in _CODE.findall(path.read_text(encoding="utf-8"))
)
