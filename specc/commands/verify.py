"""`specc verify`: whether the generated files compute what the spec says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import click

from specc.commands.common import (
    STDIN,
    CommandOptions,
    file_argument,
    read_spec,
    reporting,
    say_written,
    sizes_option,
    spec_options,
)
from specc.commands.compile import write_code
from specc.commands.failure import Failure
from specc.commands.targets import stem

if TYPE_CHECKING:
    from specc.check import ShapedModel
    from specc.diagnostics import Diagnostics
    from specc.verification.comparison import Check
    from specc.verify import Plan, Verification

R = TypeVar("R")


MOST = 10_000
"""Of examples, steps and seeds: a check, not a training."""


def _whole(name: str, least: int, default: int, help: str) -> Callable[[Callable[..., R]], Any]:
    """An option that takes a whole number."""
    kind = click.IntRange(least, MOST)
    return click.option(name, type=kind, default=default, show_default=True, metavar="N", help=help)


@click.command("verify", epilog="Example:  specc verify specs/lenet.net")
@file_argument
@spec_options
@click.option("--train", metavar="NAME", help="The `train` section whose optimizer takes steps.")
@sizes_option
@_whole("--batch", 1, 4, "Examples a step.")
@_whole("--steps", 0, 5, "Steps of the optimizer.")
@_whole("--seed", 0, 0, "Seed of all random numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print the proof instead of a table.")
@click.option("-o", "--output", metavar="PATH", type=click.Path(), help="The proof to write.")
@click.option("--no-proof", is_flag=True, help="Write no file.")
@click.option("--force", is_flag=True, help="Write over a file that specc has not written.")
def command(
    file: str,
    options: CommandOptions,
    train: str | None,
    as_json: bool,
    output: str | None,
    no_proof: bool,
    force: bool,
    **numbers: Any,
) -> None:
    """Compile a net for every target, and check that the files compute the same.

    The same weights, random examples and dropout masks go through both, in float64 and float32:
    outputs, loss, gradients and weights after some steps are compared; the gradients also with
    finite differences. What came out is kept as a proof, `lenet.proof.json` for `lenet.net`.
    """
    if output is not None and no_proof:
        raise click.UsageError("give `-o` or `--no-proof`, not both")
    with reporting(options.form, to=sys.stderr if as_json else None) as diagnostics:
        options = replace(options, train=train, settings=_settings(file, options.settings))
        net = options.shape_one(read_spec(file), diagnostics)
        _need_torch()
        from specc.verification.proof import document
        from specc.verify import Plan

        found = _verify(net, options, Plan(**numbers), diagnostics)
        proof = document(found, PurePath(file).name)
        text = json.dumps(proof, indent=2, ensure_ascii=False) + "\n"
        if as_json:
            sys.stdout.write(text)
        elif options.form == "text":
            _print_table(found)
        if not no_proof:
            name = stem(file, found.net, len(net.model.nets) == 1)
            path = Path(output or f"{name}.proof.json")
            write_code(path, text, force=force)
            if not as_json and options.form == "text":
                say_written(file, path)
        if found.failure is not None:
            diagnostics.add(found.failure)


def _settings(file: str, given: Sequence[str]) -> tuple[str, ...]:
    """What is given, and for shipped specs small sizes in place of the other defaults."""
    from specc.small import small_settings

    names = {text.partition("=")[0].strip() for text in given}
    small = small_settings(Path(file)) if file != STDIN else {}
    return (*given, *(f"{n}={value}" for n, value in small.items() if n not in names))


class _Missing(Failure):
    exit_code = 2


def _need_torch() -> None:
    found = find_spec("torch")
    if found is None:
        raise _Missing("PyTorch is not installed", "`pip install torch`; see https://pytorch.org")
    try:
        import_module("torch.nn")  # another module may be called `torch`, too
    except (Exception, SystemExit) as error:  # whatever a broken installation raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        help = "install it again: `pip install --force-reinstall torch`; see https://pytorch.org"
        place = found.origin or next(iter(found.submodule_search_locations or ()), "")
        message = f"PyTorch ({place}) cannot be imported: {reason}"
        raise _Missing(message, help) from None


def _verify(
    net: ShapedModel, options: CommandOptions, plan: Plan, diagnostics: Diagnostics
) -> Verification:
    from specc.verification.sizes import SizeError
    from specc.verify import verify

    try:
        return verify(net, options, plan, diagnostics)
    except SizeError as error:
        raise click.BadParameter(str(error), param_hint=f"'{error.option}'") from None


def _print_table(found: Verification) -> None:
    """A line for each quantity: the largest error of each file, and of which tensor that is."""
    print(_head(found))
    sides = list(dict.fromkeys(check.side for check in found.checks))
    head = ("quantity", "precision", *sides, "bound", "largest in")
    kinds = dict.fromkeys((check.quantity, check.precision) for check in found.checks)
    rows = []
    for quantity, precision in kinds:
        checks = [c for c in found.checks if (c.quantity, c.precision) == (quantity, precision)]
        rows.append((quantity, precision.value, *_cells(checks, sides)))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print(f"{found.net}: all agree" if found.passed else f"{found.net}: something differs")


def _cells(checks: Sequence[Check], sides: Sequence[str]) -> Iterator[str]:
    """The error of each side, the bound, and the tensor with the largest error."""
    by_side = {check.side: check for check in checks}
    for side in sides:
        check = by_side.get(side)
        yield f"{check.largest:.1e}{' !' if check.failed else ''}" if check else ""
    yield f"{checks[0].bound:.0e}"
    yield max(checks, key=lambda check: (bool(check.failed), check.largest)).worst


def _head(found: Verification) -> str:
    """`LeNet: 61,706 parameters, batch 4, seed 0, 5 steps of adam`."""
    plan = found.plan
    parts = [f"{found.parameters:,} parameters", *found.options.settings]
    parts += [f"{name}={number}" for name, number in plan.sizes.items()]
    parts += [
        f"batch {plan.batch}",
        f"seed {plan.seed}",
        f"{plan.steps} steps of {found.optimizer}",
    ]
    return f"{found.net}: {', '.join(parts)}"
