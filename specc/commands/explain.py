"""`specc explain`: what a code means."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from specc.commands.common import wants_colour

if TYPE_CHECKING:
    from specc.explain import Explanation


@click.command("explain", epilog="Example:  specc explain E0301")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(code: str | None, as_json: bool) -> None:
    """Say what the code of an error or warning means, with a broken and a mended example.

    Without a code, list all of them.
    """
    from specc.explain import explanations

    known = explanations()
    if code is None:
        found = list(known.values())
    elif code.upper() in known:
        found = [known[code.upper()]]
    else:
        raise click.UsageError(_unknown(code, list(known)))
    if as_json:
        entries = [_entry(explanation) for explanation in found]
        print(json.dumps(entries if code is None else entries[0], indent=2, ensure_ascii=False))
    elif code is None:
        for explanation in found:
            print(f"{explanation.code}  {explanation.title}")
    else:
        _print(found[0])


def _unknown(code: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(code.upper(), known, n=3, cutoff=0.7)
    if near:
        return f"there is no code `{code}`; did you mean {' or '.join(f'`{n}`' for n in near)}?"
    return f"there is no code `{code}`; `specc explain` lists all"


def _entry(explanation: Explanation) -> dict[str, object]:
    return {
        "code": explanation.code,
        "title": explanation.title,
        "text": explanation.text,
        "broken": explanation.broken.files,
        "mended": explanation.mended.files,
    }


def _print(explanation: Explanation) -> None:
    head = f"{explanation.code}: {explanation.title}"
    if not wants_colour(sys.stdout):
        print(f"{head}\n\n{explanation.text}", end="")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    text = explanation.text.replace("```net ", "```text ").replace("```net\n", "```text\n")
    Console(width=min(Console().width, 88)).print(Markdown(f"# {head}\n\n{text}"))
