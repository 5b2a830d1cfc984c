"""`specc check`: whether a spec is right."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from specc.commands.common import (
    CommandOptions,
    files_argument,
    print_report,
    read_spec,
    spec_options,
)

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.diagnostics import Diagnostics


@click.command(
    "check",
    epilog="Example:  specc check specs/lenet.net --set classes=26",
)
@files_argument
@spec_options
@click.option("--train", "section", metavar="NAME", help="Which `train` section is meant.")
@click.option("--json", "as_json", is_flag=True, help="Short for `--output-format json`.")
def command(
    files: tuple[str, ...], options: CommandOptions, section: str | None, as_json: bool
) -> int:
    """Read specs, give every tensor its shape, and report every error and warning.

    Prints a line for each net that is right. With `--output-format json`, the diagnostics and
    the nets are one document.
    """
    from specc.diagnostics import Diagnostics
    from specc.reporting.display import clean

    form = "json" if as_json else options.form
    diagnostics = Diagnostics()
    nets = [net for file in files for net in _check(file, options, section, diagnostics)]
    if form == "json":
        _print_json(diagnostics, nets)
    else:
        print_report(diagnostics, form)
    if form == "text":
        for net in nets:
            print(clean(_line(net)))
    return 1 if diagnostics.has_errors else 0


def _check(
    file: str, options: CommandOptions, section: str | None, diagnostics: Diagnostics
) -> list[dict[str, Any]]:
    """The nets of a file that are right; what is wrong goes to `diagnostics`."""
    from specc.diagnostics import CompileError, Diagnostics

    found = Diagnostics()
    try:
        shaped = options.analyse(read_spec(file), found)
        _check_training(shaped, section, found)
        found.raise_errors()
        nets = [_net(file, name, model) for name, model in shaped.items()]
        nets = nets or [{"file": file, "net": None}]
    except CompileError as error:
        nets = []
        for diagnostic in error.diagnostics:
            found.add(diagnostic)
    for diagnostic in found:
        diagnostics.add(diagnostic)
    return nets


def _check_training(
    shaped: dict[str, ShapedModel], section: str | None, diagnostics: Diagnostics
) -> None:
    """Check the `train` sections of every net."""
    from specc.training import train_settings

    for model in shaped.values():
        if model.model.trains:
            train_settings(model, diagnostics, section)


def _net(file: str, name: str, model: ShapedModel) -> dict[str, Any]:
    from specc.graph import count_layers, count_parameters

    return {
        "file": file,
        "net": name,
        "layers": count_layers(model.function),
        "parameters": count_parameters(model.function),
    }


def _line(net: dict[str, Any]) -> str:
    file = "<stdin>" if net["file"] == "-" else net["file"]
    if net["net"] is None:
        return f"{file}: no net; nothing wrong"
    layers, parameters = net["layers"], net["parameters"]
    return f"{file}: {net['net']}, {_count(layers, 'layer')}, {_count(parameters, 'parameter')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _print_json(diagnostics: Diagnostics, nets: list[dict[str, Any]]) -> None:
    from specc.reporting.machine import summary

    document = {**summary(tuple(diagnostics)), "nets": nets}
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    print()
