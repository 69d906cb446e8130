"""Render the templates of an environment, check them with both validators, and say what to upload."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from blueprint import seconds_since_start
from blueprint.cli import summary
from blueprint.cli.output import Output
from blueprint.cli.terminal import Progress
from blueprint.environment import Account, Environment, environment_names, load_account, load_environment
from blueprint.gate import Finding, GateInput, check
from blueprint.layers import layers_for
from blueprint.problems import EXIT_FINDINGS, EXIT_GOOD, BlueprintError, Problem, shown_path
from blueprint.render import Rendered, ledger, render

ACCOUNT = "account"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--env",
        action="append",
        metavar="NAME",
        help="an environment (environments/NAME.yaml), or 'account' for what exists once per account",
    )
    which.add_argument("--all", action="store_true", help="the account and every environment")
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="NAME",
        help="write and check the templates of these layers only; others stay as they are",
    )
    parser.add_argument(
        "--out", type=_folder, metavar="DIR", help="write to DIR/NAME/ instead of templates/NAME/"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 when what is committed is stale"
    )
    parser.add_argument("--no-lint", action="store_true", help="skip the validators")
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "junit"),
        default="text",
        help="what standard output gets (default: text)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print findings only, no summary")


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no folder")
    return Path(text)


def run(args: argparse.Namespace) -> int:
    _check_usage(args)
    output = Output(args.root, args.out, args.layer)
    subjects = _subjects(args)
    everything = [render(subject, layers_for(subject)) for subject in _with_layers(args, subjects)]
    ledgers = [_ledger(output, item) for item in everything]
    stale: list[Problem] = []
    for item, guarded in zip(everything, ledgers, strict=True):
        if args.check:
            stale += output.stale(item, guarded)
        else:
            output.write(item, guarded)
    if args.all and args.check:
        stale += output.left_over([subject.name for subject in subjects])
    rendered_in = seconds_since_start()
    outcome = Outcome(everything, stale, output)
    if not args.no_lint:
        outcome.inputs = list(_gate_inputs(outcome))
        cache = args.root / ".blueprint" / "cache"
        outcome.findings = check(outcome.inputs, cache_dir=cache, progress=Progress(quiet=args.quiet))
    _report(args, outcome, rendered_in)
    return EXIT_FINDINGS if stale or outcome.serious else EXIT_GOOD


@dataclass
class Outcome:
    """What a run found out; ``findings`` is None when the gate was skipped."""

    everything: Sequence[Rendered]
    stale: Sequence[Problem]
    output: Output
    inputs: Sequence[GateInput] = ()
    findings: Sequence[Finding] | None = None

    @property
    def serious(self) -> list[Finding]:
        return [finding for finding in self.findings or () if finding.fails]


# -- loading and rendering -----------------------------------------------------------------------------


def _subjects(args: argparse.Namespace) -> list[Environment | Account]:
    """Load everything that was asked for; problems of all files are shown together."""
    folder = args.root / "environments"
    names = [ACCOUNT, *environment_names(folder)] if args.all else list(dict.fromkeys(args.env))
    subjects: list[Environment | Account] = []
    problems: dict[Problem, None] = {}
    for name in names:
        try:
            subjects.append(load_account(folder) if name == ACCOUNT else load_environment(folder, name))
        except BlueprintError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise BlueprintError(problems)
    return subjects


def _check_usage(args: argparse.Namespace) -> None:
    if args.no_lint and args.format in ("sarif", "junit"):
        raise BlueprintError(
            Problem(
                f"--format {args.format} reports what the validators find, and --no-lint skips them",
                remedy="leave one of the two out",
                code="CLI003",
            )
        )


def _with_layers(
    args: argparse.Namespace, subjects: Sequence[Environment | Account]
) -> list[Environment | Account]:
    """Those that have one of the layers of ``--layer``, all without it; an unknown layer is a problem."""
    known = {subject.name: layers_for(subject) for subject in subjects}
    everywhere = list(dict.fromkeys(layer for layers in known.values() for layer in layers))
    problems = []
    for name in args.layer:
        if name not in everywhere:
            near = difflib.get_close_matches(name, everywhere, n=1)
            problems.append(
                Problem(
                    f"there is no layer {name} in {', '.join(known)}",
                    remedy=f"did you mean {near[0]}?" if near else f"layers are: {', '.join(everywhere)}",
                    code="CLI001",
                )
            )
    if problems:
        raise BlueprintError(problems)
    return [subject for subject in subjects if not args.layer or known[subject.name].keys() & set(args.layer)]


def _ledger(output: Output, item: Rendered) -> ledger.Ledger:
    path = output.ledger_path(item)
    old = ledger.read(path)
    if old is None and output.is_committed(item):
        raise BlueprintError(
            Problem(
                f"{shown_path(path)} is gone, and templates/{item.subject.name} is there",
                remedy="restore it from version control; or, if nothing was deployed from them, delete "
                "those templates too",
                code="LED005",
            ),
            EXIT_FINDINGS,
        )
    return ledger.reconcile(old, item.subject, item.plan.stacks.values(), path)


# -- gate and report -----------------------------------------------------------------------------------


def _gate_inputs(outcome: Outcome) -> Iterator[GateInput]:
    for item in outcome.everything:
        for name in outcome.output.chosen(item):
            yield GateInput(
                name=item.plan.file_name(name),
                body=item.bodies[name],
                regions=item.plan.stacks[name].regions,
                path=outcome.output.path(item, name),
            )


def _report(args: argparse.Namespace, outcome: Outcome, rendered_in: float) -> None:
    for problem in outcome.stale:
        print(f"stale: {problem}", file=sys.stderr)
    if args.format == "text":
        _report_text(args, outcome, rendered_in)
    elif args.format == "json":
        print(json.dumps(_as_json(outcome), indent=1))
    else:
        formats = import_module("blueprint.gate.formats")
        findings, paths = outcome.findings or [], [item.path for item in outcome.inputs]
        print(formats.to_sarif(findings) if args.format == "sarif" else formats.to_junit(findings, paths))


def _report_text(args: argparse.Namespace, outcome: Outcome, rendered_in: float) -> None:
    if outcome.serious:
        print(import_module("blueprint.gate.formats").to_table(outcome.serious))
    if args.quiet:
        return
    for item in outcome.everything:
        print(summary.text(item, outcome.output, outcome.findings) + "\n")
    total = sum(len(outcome.output.chosen(item)) for item in outcome.everything)
    verb = "Rendered" if args.check else "Rendered and wrote"
    checked = "not checked" if outcome.findings is None else f"{len(outcome.serious)} errors and warnings"
    if hints := len(outcome.findings or ()) - len(outcome.serious):
        checked += f" and {hints} hints, which fail nothing (--format json lists them)"
    in_all = f"{seconds_since_start():.2f} s in all"
    print(f"{verb} {total} templates in {rendered_in:.2f} s, {checked}; {in_all}.")


def _as_json(outcome: Outcome) -> dict[str, object]:
    findings = outcome.findings
    return {
        "environments": [item.manifest for item in outcome.everything],
        "findings": None if findings is None else [asdict(finding) for finding in findings],
        "stale": [problem.as_dict() for problem in outcome.stale],
    }
