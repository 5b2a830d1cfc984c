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
`net`: the first is the one that is compiled. What makes a file that cannot be shown (it is
missing, or of a million lines) is said in words, without a block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from specc.resources import resource

MAIN = "main.net"
"""The name of the file of an example that has only one."""

_TITLE = re.compile(r"# ([EW]\d{4}): (.+)\n")
_BLOCK = re.compile(r"^```net(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means.

    `text` is the file without its title; `broken` and `mended` hold the texts of the examples
    by file name, the file to compile first; both are empty where an example cannot be shown.
    """

    code: str
    title: str
    text: str
    broken: dict[str, str]
    mended: dict[str, str]


@cache
def explanations() -> dict[str, Explanation]:
    """Every explanation, by code, in order."""
    files = sorted(resource("explanations").glob("[EW]*.md"))
    found = (parse_explanation(path.read_text(encoding="utf-8"), path.name) for path in files)
    return {explanation.code: explanation for explanation in found}


def parse_explanation(text: str, name: str = "") -> Explanation:
    """The parts of an explanation.

    Raises:
        ValueError: if it is not in the form above; `name` says of which file.
    """
    title = _TITLE.match(text)
    if title is None or (name and name != f"{title[1]}.md"):
        raise ValueError(f"{name}: needs a first line such as `# E0301: title`")
    body = text[title.end() :].strip() + "\n"
    _, broken, rest = body.partition("\n## Broken\n")
    shown, mended, after = rest.partition("\n## Mended\n")
    if not broken or not mended:
        raise ValueError(f"{name}: needs `## Broken` and then `## Mended`")
    return Explanation(title[1], title[2], body, _files(shown), _files(after))


def _files(section: str) -> dict[str, str]:
    return {name or MAIN: text for name, text in _BLOCK.findall(section)}
