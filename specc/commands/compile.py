"""`specc compile`: from a spec to code."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from specc.commands.common import (
    STDIN,
    CommandOptions,
    file_argument,
    read_spec,
    reporting,
    say_written,
    spec_options,
)
from specc.commands.failure import Failure, writing
from specc.commands.targets import nets_of, parse_program, stem
from specc.files import hides_module
from specc.options import Options
from specc.targets.registry import targets

STAGES = ("code", "ast", "graph", "shapes", "grad")
BACKWARD = sorted({form for target in targets().values() for form in target.backward})


@click.command(
    "compile",
    epilog="Example:  specc compile specs/lenet.net -o lenet.py",
)
@file_argument
@spec_options
@click.option(
    "-o", "--output", metavar="PATH", type=click.Path(), help="The file to write, `-` to print."
)
@click.option(
    "--out-dir",
    metavar="DIR",
    type=click.Path(),
    help="The folder to write into; by default the working folder.",
)
@click.option(
    "--target",
    type=click.Choice(tuple(targets())),
    default="numpy",
    show_default=True,
    help="The library.",
)
@click.option("--train", metavar="NAME", help="Which `train` section is compiled in.")
@click.option("--input-gradients", is_flag=True, help="Let `backward` return them, too.")
@click.option(
    "--backward",
    type=click.Choice(BACKWARD),
    help="With PyTorch, whether gradients are left to autograd (as they are by default).",
)
@click.option("--force", is_flag=True, help="Write over a file that specc has not written.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 unless up to date.")
@click.option("--emit", type=click.Choice(STAGES), help="Write nothing; print what a stage makes.")
def command(
    file: str,
    options: CommandOptions,
    output: str | None,
    out_dir: str | None,
    force: bool,
    check: bool,
    emit: str | None,
    **chosen: Any,
) -> int:
    """Compile the nets of a spec to standalone code.

    The code of `lenet.net` goes to `lenet.py`, in PyTorch to `lenet_torch.py`; where a spec has
    several nets, each goes to a file of its own, with the net's name behind the spec's. The file
    is written as a whole or not at all, and never over one that specc did not write.
    """
    if output is not None and out_dir is not None:
        raise click.UsageError("give `-o` or `--out-dir`, not both")
    options = replace(options, **chosen)
    _check_backward(options)
    if output == STDIN and emit is None:
        output, emit = None, "code"
    if emit is not None and emit != "code":
        _print_stage(file, options, emit)
        return 0
    with reporting(options.form, to=sys.stderr if emit else None) as diagnostics:
        from specc.pipeline import generate

        source = read_spec(file)
        nets = nets_of(parse_program(source, diagnostics))
        made = []
        for net, path in _places(file, nets, options, output, out_dir):
            meant = replace(options, net=net)
            code = generate(source, meant, output=path, diagnostics=diagnostics)
            made.append((path, code.text))
    if emit is not None:
        sys.stdout.write("\n\n".join(text for _, text in made))
        return 0
    if check:
        return max(_check(path, text) for path, text in made)
    for path, text in made:
        write_code(path, text, force=force)
        if options.form == "text":
            say_written(file, path)
    return 0


def _check_backward(options: Options) -> None:
    """Refuse a form of the backward pass that the target does not have."""
    target = targets()[options.target]
    if options.backward is not None and len(target.backward) == 1:
        always = f"with the target `{target.name}` the backward pass is always {target.backward[0]}"
        raise click.UsageError(f"{always}; leave out `--backward`")


def _places(
    file: str, names: list[str], options: Options, output: str | None, out_dir: str | None
) -> list[tuple[str | None, Path]]:
    """The nets to compile, and the file of each; `None` stands for the only net."""
    if output is not None:
        if file != STDIN and os.path.realpath(output) == os.path.realpath(file):
            raise click.UsageError("`-o` is the spec itself")
        if hides_module(Path(output).stem):
            name = Path(output).stem
            raise click.UsageError(f"a script `{name}.py` would hide Python's module `{name}`")
        return [(options.net, Path(output))]
    folder, end = Path(out_dir or "."), f"{targets()[options.target].suffix}.py"
    chosen: list[str | None] = [*names] if options.net is None and names else [options.net]
    return [(n, folder / f"{stem(file, n, len(names) == 1)}{end}") for n in chosen]


def write_code(path: Path, text: str, *, force: bool = False) -> None:
    """Write generated code, unless something else lies there."""
    from specc.files import is_generated, write_atomically

    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        is_foreign = path.is_file() and path.stat().st_size > 0 and not is_generated(path)
    if is_foreign and not force:
        help = "write elsewhere with `-o`, or over it with `--force`"
        raise Failure(f"`{path}` is not a file that specc has written", help)
    with writing(path):
        write_atomically(path, text)


def _check(path: Path, text: str) -> int:
    """Say whether a file holds this code; the exit status."""
    from specc.files import fingerprint

    try:
        found = path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return _outdated(path, "is missing")
    except OSError as error:
        return _outdated(path, f"cannot be read: {(error.strerror or str(error)).lower()}")
    if found == text:
        print(f"{path}: up to date")
        return 0
    same_spec = fingerprint(found) is not None and fingerprint(found) == fingerprint(text)
    return _outdated(path, "was edited" if same_spec else "is out of date")


def _outdated(path: Path, why: str) -> int:
    print(f"error: `{path}` {why}\n  = help: `specc compile` writes it anew", file=sys.stderr)
    return 1


def _print_stage(file: str, options: CommandOptions, stage: str) -> None:
    from specc import dump

    with reporting(options.form, to=sys.stderr) as diagnostics:
        source = read_spec(file)
        program = parse_program(source, diagnostics)
        if stage == "ast":
            lines = list(dump.syntax_tree(program))
        else:
            shaped = options.analyse(source, diagnostics)
            lines = [line for model in shaped.values() for line in dump.stage(stage, model)]
    print("\n".join(lines))
