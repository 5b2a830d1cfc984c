"""Small sizes of the large specs that ship with specc, for checks that run them."""

from __future__ import annotations

import json
from pathlib import Path

from specc.resources import resource


def small_settings(spec: Path) -> dict[str, str]:
    """Values for parameters of a spec's net, as `--set` takes them, by parameter.

    They are in `specs/small.json`; a spec that does not ship, or is small as it is, has none.
    """
    table = resource("specs", "small.json")
    if spec.resolve().parent != table.parent.resolve():
        return {}
    settings = json.loads(table.read_text(encoding="utf-8")).get(spec.stem, {})
    return {name: json.dumps(value) for name, value in settings.items()}
