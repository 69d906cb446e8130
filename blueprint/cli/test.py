"""Run all the tests. What follows -- goes to pytest: ``test -- tests/layers -k network``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from blueprint.problems import EXIT_FINDINGS, EXIT_GOOD, BlueprintError, Problem, Where


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full",
        action="store_true",
        help="pass every template of the combinatorial tests through cfn-lint, not only a rotating share",
    )
    parser.add_argument("pytest", nargs="*", metavar="-- ARGUMENT", help="arguments for pytest")


def run(args: argparse.Namespace) -> int:
    tests = args.root / "tests"
    if not tests.is_dir():
        raise BlueprintError(
            Problem(
                "there are no tests here",
                Where(str(tests)),
                "run this in a checkout of Blueprint",
                "CLI002",
            )
        )
    environment = {**os.environ, **({"BLUEPRINT_FULL": "1"} if args.full else {})}
    # All cores, and the tests of a file together: they share what is slow to make.
    everything = ["-n", "auto", "--dist", "loadfile", "tests"]
    command = [sys.executable, "-m", "pytest", *(args.pytest or everything)]
    result = subprocess.run(command, cwd=args.root, env=environment, check=False)
    return EXIT_GOOD if result.returncode == 0 else EXIT_FINDINGS
