"""Laying out Python source as `ruff format` does, so that generated files are born formatted."""

from __future__ import annotations

import re
from collections.abc import Sequence

WIDTH = 100

_OPEN, _CLOSE = "([{", ")]}"
_HIDDEN = {ord(mark): 0xE000 + place for place, mark in enumerate(f"{_OPEN}{_CLOSE} ,=+*")}
_SHOWN = {private: mark for mark, private in _HIDDEN.items()}


def call(prefix: str, arguments: Sequence[str], suffix: str = ")", indent: int = 8) -> list[str]:
    """The lines of `prefix(arguments)suffix`, broken if it is too long.

    `prefix` ends with the opening bracket and `suffix` begins with the closing one. Lines come
    without the indentation that the first one stands at.
    """
    return broken(f"{prefix}{', '.join(arguments)}{suffix}", WIDTH - indent)


def commented(lines: list[str], comment: str, indent: int = 8, when: str = "") -> list[str]:
    """The lines with a comment behind the last one; sizes that make it too long become `…`.

    `when` stands before the sizes.
    """
    for candidate in (comment, _shortened(comment)):
        last = f"{lines[-1]}  # {when}{candidate}"
        if candidate and indent + len(last) <= WIDTH:
            return [*lines[:-1], last]
    return lines


def _shortened(comment: str) -> str:
    return ", ".join("…" if " " in size else size for size in comment.strip("[]").split(", ")).join(
        "[]"
    )


def indented(lines: Sequence[str], by: int = 4) -> list[str]:
    """The lines one level deeper."""
    return [" " * by + line if line else line for line in lines]


# ---------------------------------------------------------------- lines that are too long


def fit(text: str) -> str:
    """The same code with every line within the width that can be: comments stay at the end."""
    return "\n".join(part for line in text.split("\n") for part in _line(line))


def _line(line: str) -> list[str]:
    if len(line) <= WIDTH or '"""' in line:
        return [line]
    code = line.lstrip(" ")
    depth = len(line) - len(code)
    code, mark, comment = code.partition("  # ")
    lines = [" " * depth + part for part in broken(code, WIDTH - depth)]
    if mark and len(lines[-1] + mark + comment) <= WIDTH:
        lines[-1] += mark + comment
    return lines


def broken(code: str, width: int) -> list[str]:
    """The lines of one statement, or of one item of a broken list with its comma.

    What stands in a text is no code: it is hidden meanwhile.
    """
    hidden = re.sub(r'"(?:[^"\\]|\\.)*"', lambda text: text[0].translate(_HIDDEN), code)
    return [line.translate(_SHOWN) for line in _broken(hidden, width)]


def _broken(code: str, width: int) -> list[str]:
    if len(code) <= width:
        return [code]
    if code.startswith("return "):
        return _expression("return ", code.removeprefix("return "), width)
    if code.startswith(("def ", "for ")):
        return _bracket(code, width)
    targets, equals, value = code.partition(" = ")
    if equals and not set(_OPEN) & set(targets):
        return _assignment(targets, value, width)
    return _expression("", code, width)


def _assignment(targets: str, value: str, width: int) -> list[str]:
    head = value[: _last_bracket(value) + 1] if value.endswith(")") and _is_call(value) else "("
    if len(f"{targets} = {head}") <= width:
        return _expression(f"{targets} = ", value, width)
    if len(targets) + 4 <= width:
        return [f"{targets} = (", *indented(_broken(value, width - 4)), ")"]
    names = [f"    {target}," for target in items(targets)]
    return ["(", *names, *_expression(") = ", value, width)]


def _expression(head: str, value: str, width: int) -> list[str]:
    """`head` and a value: a tuple, a sum or product, or anything that ends with a bracket."""
    if len(head + value) <= width:
        return [head + value]
    if len(items(value)) > 1 and (head or value.startswith("(")):
        return [f"{head}(", *(f"    {item}," for item in items(value)), ")"]
    if value.startswith("(") and _last_bracket(value) == 0:
        return [f"{head}(", *(f"    {item}," for item in items(value[1:-1])), ")"]
    terms = _operands(value)
    if len(terms) > 1:
        one = "    " + " ".join(terms)
        inner = [one] if len(one) <= width else [f"    {term}" for term in terms]
        return [f"{head}(", *inner, ")"]
    return _bracket(head + value, width)


def _bracket(code: str, width: int) -> list[str]:
    """Broken at the last bracket: what is in it on a line of its own, else an item a line."""
    end = max(code.rfind(bracket) for bracket in _CLOSE)
    start = _last_bracket(code[: end + 1])
    inside, rest = code[start + 1 : end], code[end:]
    if start < 0 or not inside:
        return [code]
    is_list = not _is_called(code, start)
    if len(inside) + 4 <= width and not is_list:
        return [code[: start + 1], f"    {inside}", rest]
    parts = items(inside)
    comma = "" if len(parts) == 1 and parts[0][-1] in _CLOSE else ","
    lines = [line for part in parts for line in _broken(part + comma, width - 4)]
    return [code[: start + 1], *indented(lines), rest]


def items(text: str) -> list[str]:
    """What stands between the commas that are in no bracket."""
    return _split(text, ", ")


def _operands(text: str) -> list[str]:
    """The operands of a sum or product, each but the first with its sign before it."""
    for sign in ("+", "*"):
        parts = _split(text, f" {sign} ")
        if len(parts) > 1:
            return [parts[0], *(f"{sign} {part}" for part in parts[1:])]
    return [text]


def _split(text: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in _OPEN) - (character in _CLOSE)
        if depth == 0 and text.startswith(separator, place):
            parts.append(text[start:place])
            start = place + len(separator)
    return [*parts, text[start:]]


def _last_bracket(text: str) -> int:
    """Where the bracket opens that closes at the end of a text; -1 if none does."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += (text[place] in _CLOSE) - (text[place] in _OPEN)
        if depth == 0:
            return place if text[place] in _OPEN else -1
    return -1


def _is_call(value: str) -> bool:
    return re.match(r"[\w.\[\]]+\(", value) is not None and len(_operands(value)) == 1


def _is_called(code: str, start: int) -> bool:
    return code[start] == "(" and re.search(r"[\w\])]$", code[:start]) is not None
