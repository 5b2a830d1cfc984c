"""The explanations of the codes: one Markdown file each, with examples that are tested.

    # E0301: the kernel is larger than the image
    What is wrong, in a few sentences.
    ## Broken
    ```net
    …
    ```
    ## Mended
    ```net
    …
    ```

An example may need several files, each in a block of its own with its name behind the word
`net`, and options, in a block of `sh`: `specc check main.net --net Tiny`. What cannot be shown (a
file of a million lines) is said in words, without a block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from specc.resources import resource

MAIN = "main.net"
"""The name of a file that is given none."""

_TITLE = re.compile(r"# ([EW]\d{4}): (.+)\n")
_BLOCK = re.compile(r"^```net(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^specc (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """Texts of files by name, and the words behind `specc`.

    Both are empty where there is nothing to try.
    """

    files: dict[str, str]
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means; `text` is its file without the title."""

    code: str
    title: str
    text: str
    broken: Example
    mended: Example


@cache
def explanations() -> dict[str, Explanation]:
    """Every explanation, by code, in order."""
    files = sorted(resource("explanations").glob("[EW]*.md"))
    found = (parse_explanation(path.read_text(encoding="utf-8"), path.name) for path in files)
    return {explanation.code: explanation for explanation in found}


def parse_explanation(text: str, name: str) -> Explanation:
    """The parts of an explanation; `name` is that of its file.

    Raises:
        ValueError: if it is not in the form above.
    """
    title = _TITLE.match(text)
    if title is None or name != f"{title[1]}.md":
        raise ValueError(f"{name}: needs a first line such as `# E0301: title`")
    body = text[title.end() :].strip() + "\n"
    _, broken, rest = body.partition("\n## Broken\n")
    shown, mended, after = rest.partition("\n## Mended\n")
    if not broken or not mended:
        raise ValueError(f"{name}: needs `## Broken` and then `## Mended`")
    return Explanation(title[1], title[2], body, _example(shown), _example(after))


def _example(section: str) -> Example:
    files = {name or MAIN: text for name, text in _BLOCK.findall(section)}
    command = _COMMAND.search(section)
    arguments = command[1].split() if command else ["check", *list(files)[:1]] if files else []
    return Example(files, tuple(arguments))
