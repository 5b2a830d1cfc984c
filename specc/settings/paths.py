"""Paths of data files: relative to the spec, so that none of the compiling machine's get out."""

from __future__ import annotations

import posixpath
import re

from specc.evaluate import EvaluationError
from specc.settings.base import Use
from specc.signature import Kind

OPTIONAL = Kind("a string or `none`", lambda v: v.plain is None or isinstance(v.plain, str))
"""A path that may be left out."""
HIGHEST = 3
"""How many folders a path may climb above that of the spec."""
LONGEST = 255
"""How many characters a path may have."""


def relative_path(use: Use, name: str) -> str:
    """The path in argument `name`, in its shortest posix form; raises E0516 if it is not fit."""
    path = use.text(name)
    if not path.strip():
        raise _unfit(use, name, "is empty", "needs a path")
    if len(path) > LONGEST or not path.isprintable():
        limit = f"needs printable characters, at most {LONGEST}"
        raise _unfit(use, name, "cannot be a path", limit)
    if "\\" in path:
        fixed = path.replace("\\", "/")
        help_ = f'write `"{fixed}"`' if _is_relative(fixed) else ""
        raise _unfit(use, name, "has a backslash", "needs forward slashes", help_)
    if not _is_relative(path):
        raise _unfit(
            use,
            name,
            "is absolute",
            "has to be relative to the spec",
            "the generated script takes any folder as `--data DIR`",
        )
    shortest = posixpath.normpath(path)
    if shortest.split("/").count("..") > HIGHEST:
        label = f"climbs more than {HIGHEST} folders"
        help_ = "the generated script takes any folder as `--data DIR`"
        raise _unfit(use, name, "leads too far from the spec", label, help_)
    return shortest


def file_path(use: Use, name: str) -> str:
    """As `relative_path`, for a file: a path that ends in a folder is not fit."""
    path = relative_path(use, name)
    if path.split("/")[-1] in (".", "..") or use.text(name).endswith("/"):
        raise _unfit(use, name, "is a folder", "needs a file")
    return path


def common_folder(paths: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The folder that files have in common, and their paths from there."""
    parts = [path.split("/") for path in paths]
    depth = 0
    while all(len(p) > depth + 1 and p[depth] == parts[0][depth] for p in parts):
        depth += 1
    return "/".join(parts[0][:depth]) or ".", tuple("/".join(p[depth:]) for p in parts)


def _is_relative(path: str) -> bool:
    return not path.startswith("/") and re.match("[A-Za-z]:", path) is None


def _unfit(use: Use, name: str, problem: str, label: str, help: str = "") -> EvaluationError:
    message = f"the path `{name}` of `{use.choice}` {problem}"
    return use.fail("E0516", message, label, at=name, help=help)
