"""`specc` itself: finds the commands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from specc import __version__

COMMANDS = {
    "check": "Find every error and warning of a spec.",
    "compile": "Turn a spec into standalone code.",
    "train": "Compile a spec and train it.",
    "render": "Draw a net.",
    "verify": "Check that all targets compute the same, and gradients are right.",
    "summary": "List a net's layers, parameters and costs.",
    "fmt": "Set specs in the canonical form.",
    "explain": "Say what an error's code means.",
}
"""The commands in the order in which help lists them, and what it says."""


class _Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"specc.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_unknown(args[0]), ctx)
        return super().resolve_command(ctx, args)


def _unknown(name: str) -> str:
    from specc.suggest import closest

    if name.endswith(".net") or Path(name).is_file():
        return f"a command stands before the file: `specc check {name}`"
    guess = closest(name, COMMANDS)
    meant = f"; did you mean `{guess}`?" if guess else ""
    return f"there is no command `{name}`{meant}"


@click.group(cls=_Commands, epilog="Example:  specc check specs/lenet.net")
@click.version_option(__version__, prog_name="specc", message="%(prog)s %(version)s")
def group() -> None:
    """Compile small descriptions of neural networks to standalone training code."""
