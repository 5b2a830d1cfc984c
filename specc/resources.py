"""Where the files that ship with specc lie: grammar, templates and specs."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """The path of a shipped file or folder, such as `resource("grammar", "specc.lark")`.

    In a wheel the folders lie inside the package, in a checkout beside it.

    Raises:
        FileNotFoundError: if neither place has it, so the installation is incomplete.
    """
    for root in (_PACKAGE, _PACKAGE.parent):
        found = root.joinpath(*parts)
        if found.exists():
            return found
    raise FileNotFoundError(f"specc is incomplete: {'/'.join(parts)} is missing")
