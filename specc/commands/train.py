"""`specc train`: compile a spec, train it, and put everything into one folder."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specc.commands.common import (
    CommandOptions,
    file_argument,
    read_spec,
    reporting,
    say_written,
    spec_options,
)
from specc.commands.compile import write_code
from specc.commands.failure import Failure, writing
from specc.commands.render import Format, draw, keep_others
from specc.commands.resume import need_run_of
from specc.commands.targets import (
    has_several_sections,
    net_to_train,
    nets_of,
    parse_program,
    stem,
)
from specc.reporting.display import clean
from specc.targets.registry import targets

if TYPE_CHECKING:
    from subprocess import Popen

    from specc.check import ShapedModel

_PATIENCE = 2.0
"""Seconds in which an interrupted script ends by itself."""


@click.command(
    "train",
    epilog="Example:  specc train specs/lenet.net --epochs 3 --out runs/a",
)
@file_argument
@spec_options
@click.option("--train", "section", metavar="NAME", help="Which `train` section is meant.")
@click.option(
    "--target",
    type=click.Choice(tuple(targets())),
    default="numpy",
    show_default=True,
    help="The library.",
)
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the data.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Examples a step.")
@click.option(
    "--lr", type=click.FloatRange(min=0, min_open=True), metavar="RATE", help="Learning rate."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Of all random numbers."
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="For matrix products.")
@click.option("--data", type=click.Path(), metavar="DIR", help="Folder of the data files.")
@click.option("--out", type=click.Path(), metavar="DIR", help="Folder for the results.")
@click.option(
    "--resume", type=click.Path(), metavar="DIR", help="Go on where the run in this folder ended."
)
@click.option("--check-finite", is_flag=True, help="Find the layer where numbers overflow.")
@click.option("--device", metavar="NAME", help="With PyTorch: such as `cpu` or `cuda:0`.")
@click.option("--amp", is_flag=True, help="With PyTorch: products in bfloat16.")
@click.option("--compile", is_flag=True, help="With PyTorch: let `torch.compile` speed it up.")
def command(
    file: str,
    options: CommandOptions,
    section: str | None,
    target: str,
    out: str | None,
    **given: object,
) -> int:
    """Train a net as its spec says.

    The results go to `runs/<spec>`, with the names of the net and of `--train` behind it where the
    spec has several: the code, a diagram, the weights, the history of the run and
    a picture of it. Options set here go before those of the spec.
    """
    _check_target(target, given)
    with reporting(options.form) as diagnostics:
        from specc.diagnostics import Diagnostics
        from specc.pipeline import generate
        from specc.training import nothing_to_train, train_settings

        source = read_spec(file)
        program = parse_program(source, diagnostics)
        net = options.net or net_to_train(program, section)
        nets = nets_of(program)
        name = stem(file, net or "".join(nets[:1]), len(nets) == 1)
        run = f"{name}_{section}" if section and has_several_sections(program) else name
        folder = Path(out or str(given["resume"] or f"runs/{run}"))
        script = folder / f"{name}.py"
        code = generate(
            source,
            replace(options, net=net, train=section, target=target),
            output=script,
            diagnostics=diagnostics,
        )
        shaped = options.analyse(source, diagnostics)[code.net]
        training = train_settings(shaped, Diagnostics(), section)
        if training is None:
            diagnostics.add(nothing_to_train(shaped))
    if given["resume"] is not None and training is not None:
        need_run_of(shaped, Path(str(given["resume"])), training.optimizer.keeps[target])
    write_code(script, code.text)
    diagram = _draw(shaped, folder / name)
    if options.form == "text":
        say_written(file, script)
    before = _changed(folder / "history.csv")
    status = _run([sys.executable, str(script), "--out", str(folder), *_passed_on(given)])
    if _changed(folder / "history.csv") != before:  # else what lies there is of another run
        _show_results(folder, diagram, code.net)
    return status


def _check_target(target: str, given: dict[str, object]) -> None:
    """Refuse what the target does not have, or has not got."""
    for name in ("device", "amp", "compile"):
        if given[name] and target != "pytorch":
            raise click.UsageError(f"`--{name}` needs `--target pytorch`")
    if target == "pytorch" and find_spec("torch") is None:
        help = "`pip install torch`, or train without `--target pytorch`"
        raise Failure("PyTorch is not installed", help)


def _changed(path: Path) -> int | None:
    """When a file was last changed; `None` if it is not there."""
    return path.stat().st_mtime_ns if path.exists() else None


def _passed_on(given: dict[str, object]) -> list[str]:
    """The options that are the script's own, as it takes them."""
    words: list[str] = []
    for name, value in given.items():
        if value is not None and value is not False:
            words.append(f"--{name.replace('_', '-')}")
            words += [] if value is True else [str(value)]
    return words


def _draw(net: ShapedModel, path: Path) -> Path:
    """Write a diagram beside the code: a picture if Graphviz is there, else its source."""
    from specc.files import write_atomically

    form: Format = "svg"
    try:
        picture = draw(net, form)
    except Failure as error:
        print(clean(f"no picture of the net: {error.message}"), file=sys.stderr)
        form = "dot"
        picture = draw(net, form)
    diagram = path.with_suffix(f".{form}")
    with writing(diagram):
        keep_others(diagram)
        write_atomically(diagram, picture)
    return diagram


def _run(command: list[str]) -> int:
    """Run a script, its output passed through as it comes; its exit status, as a shell's."""
    import subprocess

    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    sys.stdout.flush()
    with subprocess.Popen(command, env=environment) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            status = _end(process)
    return status if status >= 0 else 128 - status


def _end(process: Popen[bytes]) -> int:
    """Wait for an interrupted script; the terminal has told it, too, or else we do."""
    import signal
    import subprocess

    try:
        return process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.wait()


def _show_results(folder: Path, diagram: Path, net: str) -> None:
    """Draw the run, and say which files there are besides those that the script has told of."""
    history = folder / "history.csv"
    curve = folder / "loss.svg"
    if not history.is_file():
        return
    from specc.plot import plot_history

    try:
        plot_history(history, curve, net)
    except (OSError, ValueError) as error:
        print(f"no picture of the run: {error}", file=sys.stderr)
    for path, what in ((diagram, "the diagram"), (curve, "the history as a picture")):
        if path.is_file():
            print(clean(f"{path}: {what}"))
