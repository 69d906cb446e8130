"""The command line: ``python build.py`` and ``blueprint`` are the same.

Commands are modules beside this one, each with ``HELP``, ``add_arguments(parser)`` and ``run(args)``. They
compose the rooms and compute nothing themselves, and import what is heavy only when they run.
"""

from __future__ import annotations

import argparse
import difflib
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TextIO

from blueprint import __version__
from blueprint.problems import EXIT_BAD_INPUT, BlueprintError, printable

COMMANDS = {
    "render": "render the templates of an environment, check them, say what to upload (the default)",
    "test": "run all the tests, setting up what they need",
    "docs": "write what is derived from the code: JSON Schemas and the environment reference",
}
EXIT_CLOSED_PIPE = 141  # 128 + SIGPIPE: what nobody read may have been findings
EXIT_CODES = """exit codes:
  0  good
  1  findings of a validator, stale templates, a stateful resource that would be lost, failing tests
  2  bad input or usage, or set-up that is not possible here; nothing was written"""
EXAMPLES = """examples:
  python build.py --env prod           render and check the templates of prod
  python build.py --all --check        change nothing; fail when what is committed is stale
  python build.py --env dev --layer network --no-lint
  python build.py test                 run all the tests"""


def main(argv: Sequence[str] | None = None, root: Path | None = None) -> int:
    """Run one command and return its exit code.

    ``root`` is the folder that holds ``environments/`` and ``templates/``: that of ``build.py``, or the
    current one.
    """
    _mend_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if argv is None else argv), root)
        finally:
            sys.stdout.flush()  # here, where a closed pipe or a full disk can still be told
            sys.stderr.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        _forget(sys.stdout)
        return EXIT_CLOSED_PIPE
    except OSError as error:  # of what is no output, every room tells its own
        _forget(sys.stdout)
        why = error.strerror or error
        try:
            print(f"error: cannot print: {why}; give the output another place", file=sys.stderr)
        except OSError:  # standard error is what cannot be written
            _forget(sys.stderr)
        return EXIT_BAD_INPUT


def _run(words: list[str], root: Path | None) -> int:
    args = _parse(words)
    args.root = root or Path.cwd()
    try:
        return int(args.module.run(args))
    except BlueprintError as error:
        _show(error, as_json=getattr(args, "format", "text") == "json")
        return error.exit_code


def _forget(stream: TextIO) -> None:
    """What is printed goes nowhere from here on, so that Python does not stumble over it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat what was typed as a terminal can show it."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parse(words: list[str]) -> argparse.Namespace:
    if not words:
        _overview().print_help(sys.stderr)
        raise SystemExit(EXIT_BAD_INPUT)
    if words[0] in ("-h", "--help", "--version"):
        _overview().parse_args(words[:1])  # prints and leaves
    command = words.pop(0) if words[0] in COMMANDS else "render"
    if command == "render" and words and not words[0].startswith("-"):
        _no_such_command(words[0])
    module = import_module(f"blueprint.cli.{command}")
    parser = _Parser(
        prog=f"{_program()} {command}",
        description=module.__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    args = parser.parse_args(words)
    args.module = module
    return args


def _no_such_command(word: str) -> None:
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"did you mean --env {word}?"
    print(printable(f"error: there is no command {word}; {remedy} [CLI004]"), file=sys.stderr)
    raise SystemExit(EXIT_BAD_INPUT)


def _mend_streams() -> None:
    """A stream that was closed before we began is None; letters that a terminal lacks become escapes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  for the whole run
    if isinstance(sys.stdout, io.TextIOWrapper):  # standard error does so by itself
        sys.stdout.reconfigure(errors="backslashreplace")


def _overview() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:<8} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog=_program(),
        usage="%(prog)s [command] [options]   (%(prog)s command --help explains one)",
        description="Render and check the CloudFormation templates of an environment.",
        epilog=f"commands:\n{commands}\n\n{EXAMPLES}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"blueprint {__version__}")
    return parser


def _program() -> str:
    name = Path(sys.argv[0]).name
    return f"python {name}" if name.endswith(".py") and name != "__main__.py" else "blueprint"


def _show(error: BlueprintError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"problems": [problem.as_dict() for problem in error.problems]}, indent=1))
    for problem in error.problems:
        print(f"error: {problem}", file=sys.stderr)
