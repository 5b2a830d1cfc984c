"""The command line: runs a command, and turns whatever happens into an exit status.

0 is fine, 1 an error in the spec (or something that could not be read or written), 2 wrong
usage, 70 a bug in specc, 130 an interruption. The commands are in `specc.commands`, a module
each, and are imported only when they run: `specc --version` imports nothing at all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141
"""Exit statuses; the last two are those that a shell gives for the signals."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `specc` with these arguments (by default the process's own), and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        from specc import __version__

        print(f"specc {__version__}")
        sys.exit(0)
    _show_everything()
    try:
        status = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        status = BROKEN_PIPE
    except OSError as error:
        _close_stdout()
        print(f"error: {error.strerror or error}", file=sys.stderr)
        status = 1
    except Exception as error:
        status = _bug(error)
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    import click

    from specc.commands.group import group

    if "_SPECC_COMPLETE" in os.environ:  # a shell asks for completions
        group.main(prog_name="specc")
    try:
        with group.make_context("specc", arguments) as context:
            result = group.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except click.ClickException as error:
        error.show() if _speaks_for_itself(error) else _say_usage(error)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED


def _speaks_for_itself(error: Exception) -> bool:
    from specc.commands.failure import Failure

    return isinstance(error, Failure)


def _say_usage(error: Exception) -> None:
    """Wrong usage in one line, as all other errors are."""
    import click

    assert isinstance(error, click.ClickException)
    message = error.format_message().strip().removesuffix(".")
    if message.startswith("Usage:"):  # a command without anything shows its help
        print(message, file=sys.stderr)
        return
    if message[:1].isupper() and not message[1:2].isupper():
        message = message[0].lower() + message[1:]
    context = getattr(error, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context is not None else ""
    print(f"error: {message}{hint}", file=sys.stderr)


def _bug(error: Exception) -> int:
    """Say that this is our fault, and what we need to know."""
    from specc import __version__

    if os.environ.get("SPECC_DEBUG"):
        import traceback

        traceback.print_exc()
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    print(
        f"error: internal error in specc {__version__} (Python {sys.version.split()[0]}): {text}\n"
        "This is a bug in specc, not in your spec. Please report it with the command, the spec,\n"
        "and what the same command prints with SPECC_DEBUG=1 in the environment.",
        file=sys.stderr,
    )
    return BUG


def _show_everything() -> None:
    """No character of a spec or file name is one that the terminal's encoding cannot write.

    A stream that is closed from the start is taken to be an empty one.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _close_stdout() -> None:
    """Whoever read our output has gone: what is left in the buffer must not be tried again."""
    with suppress(OSError), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
