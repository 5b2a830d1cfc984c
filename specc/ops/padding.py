"""Padded sequences that go through a layer together."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics import Diagnostic, Label
from specc.ops.site import SiteError
from specc.source import Span
from specc.types import TensorType


def lengths_of(name: str) -> str:
    """What a body calls the lengths of its input `name`."""
    return f"lengths of {name}"


def input_of(key: str) -> str:
    """The input whose lengths these are."""
    return key.removeprefix("lengths of ")


def common_lengths(what: str, inputs: Iterable[tuple[TensorType, Span]], span: Span) -> str:
    """The lengths of those of the inputs that are padded, which `what` goes through together.

    `inputs` come with where they were made. E0309: they are padded to different lengths.
    """
    common = ""
    for type_, made in inputs:
        if type_.padded and common and type_.padded != common:
            first, other = (input_of(key) for key in (common, type_.padded))
            raise SiteError(
                Diagnostic(
                    "E0309",
                    f"`{what}` needs sequences of the same lengths, "
                    f"gets those of `{first}` and of `{other}`",
                    Label(span, "goes through all of them at once"),
                    Label(made, f"this has the lengths of `{other}`"),
                    note="they are padded, each to lengths of its own",
                )
            )
        common = common or type_.padded
    return common
