"""Render the templates of an environment, check them with both validators, and say what to upload."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from blueprint.cli import summary
from blueprint.cli.terminal import Progress
from blueprint.environment import Account, Environment, environment_names, load_account, load_environment
from blueprint.gate import Finding, GateInput, check
from blueprint.layers import layers_for
from blueprint.problems import EXIT_FINDINGS, EXIT_GOOD, BlueprintError, Problem
from blueprint.render import Rendered, ledger, manifest, render, writer

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
        "--layer", action="append", default=[], metavar="NAME", help="write and check these layers only"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write to DIR/NAME/ instead of templates/NAME/"
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


def run(args: argparse.Namespace) -> int:
    started = time.perf_counter()
    _check_usage(args)
    everything = [render(subject, layers_for(subject)) for subject in _with_layers(args, _subjects(args))]
    ledgers = {item.subject.name: _ledger(args, item) for item in everything}
    stale = _stale(args, everything, ledgers) if args.check else []
    if not args.check:
        _write(args, everything, ledgers)
    rendered_in = time.perf_counter() - started
    findings = None if args.no_lint else _gate(args, everything)
    _report(args, everything, findings, stale, (rendered_in, time.perf_counter() - started))
    counts = summary.count(findings or [])
    return EXIT_FINDINGS if stale or counts["error"] or counts["warning"] else EXIT_GOOD


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


def _chosen(args: argparse.Namespace, item: Rendered) -> list[str]:
    """The names of the stacks that ``--layer`` leaves, all without it."""
    return [name for name, stack in item.plan.stacks.items() if not args.layer or stack.layer in args.layer]


# -- files ---------------------------------------------------------------------------------------------


def _folder(args: argparse.Namespace, item: Rendered) -> Path:
    return Path(args.out or args.root / "templates") / item.subject.name


def _ledger_path(args: argparse.Namespace, item: Rendered) -> Path:
    return Path(args.root) / "ledger" / f"{item.subject.name}.json"


def _ledger(args: argparse.Namespace, item: Rendered) -> ledger.Ledger:
    path = _ledger_path(args, item)
    return ledger.reconcile(ledger.read(path), item.subject, item.plan.stacks.values(), path)


def _files(args: argparse.Namespace, item: Rendered) -> dict[str, bytes]:
    """What the folder should hold. With ``--layer``, templates of other layers stay as they are there."""
    files = item.files
    if not args.layer:
        return files
    now = writer.current(_folder(args, item))
    chosen = {item.plan.file_name(name) for name in _chosen(args, item)} | {manifest.FILE_NAME}
    others = {name: body for name, body in now.items() if name in files and name not in chosen}
    for name, body in others.items():
        if body != files[name]:
            print(
                f"warning: {name} is stale too, and was not asked for: render without --layer",
                file=sys.stderr,
            )
    return {**others, **{name: files[name] for name in chosen}}


def _write(
    args: argparse.Namespace, everything: Sequence[Rendered], ledgers: dict[str, ledger.Ledger]
) -> None:
    for item in everything:
        writer.write(_folder(args, item), _files(args, item))
        if not args.out:
            writer.write_file(_ledger_path(args, item), ledger.to_bytes(ledgers[item.subject.name]))


def _stale(
    args: argparse.Namespace, everything: Sequence[Rendered], ledgers: dict[str, ledger.Ledger]
) -> list[Problem]:
    problems = []
    for item in everything:
        folder = _folder(args, item)
        wanted, now = _files(args, item), writer.current(folder)
        remedy = f"run python build.py --env {item.subject.name} and commit what it writes"
        for name in sorted(wanted.keys() | now.keys()):
            if wanted.get(name) != now.get(name):
                state = "is missing" if name not in now else "is stale" if name in wanted else "is left over"
                problems.append(Problem(f"{_shown(folder / name)} {state}", remedy=remedy, code="OUT002"))
        path = _ledger_path(args, item)
        if not path.is_file() or path.read_bytes() != ledger.to_bytes(ledgers[item.subject.name]):
            problems.append(Problem(f"{_shown(path)} is stale", remedy=remedy, code="OUT002"))
    return problems


def _shown(path: Path) -> str:
    """A path as a person would type it from where he is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


# -- gate and report -----------------------------------------------------------------------------------


def _gate(args: argparse.Namespace, everything: Sequence[Rendered]) -> list[Finding]:
    cache = args.root / ".blueprint" / "cache"
    inputs = _gate_inputs(args, everything)
    return check(inputs, cache_dir=cache, progress=Progress(quiet=args.quiet))


def _gate_inputs(args: argparse.Namespace, everything: Sequence[Rendered]) -> list[GateInput]:
    return [
        GateInput(
            name=f"{item.subject.name}/{item.plan.file_name(name)}",
            body=item.bodies[name],
            regions=item.plan.stacks[name].regions,
            path=_shown(_folder(args, item) / item.plan.file_name(name)),
        )
        for item in everything
        for name in _chosen(args, item)
    ]


def _report(
    args: argparse.Namespace,
    everything: Sequence[Rendered],
    findings: Sequence[Finding] | None,
    stale: Sequence[Problem],
    seconds: tuple[float, float],
) -> None:
    for problem in stale:
        print(f"stale: {problem}", file=sys.stderr)
    if args.format == "text":
        _report_text(args, everything, findings, seconds)
    elif args.format == "json":
        print(json.dumps(_as_json(everything, findings, stale), indent=1))
    else:
        formats = import_module("blueprint.gate.formats")
        linted = [] if findings is None else [item.path for item in _gate_inputs(args, everything)]
        sarif = args.format == "sarif"
        print(formats.to_sarif(findings or []) if sarif else formats.to_junit(findings or [], linted))


def _report_text(
    args: argparse.Namespace,
    everything: Sequence[Rendered],
    findings: Sequence[Finding] | None,
    seconds: tuple[float, float],
) -> None:
    serious = [finding for finding in findings or () if finding.severity != "info"]
    if serious:
        formats = import_module("blueprint.gate.formats")
        print(formats.to_table(serious))
    if args.quiet:
        return
    for item in everything:
        print(summary.text(item, findings, _shown(_folder(args, item))) + "\n")
    total = sum(len(item.bodies) for item in everything)
    verb = "Rendered" if args.check else "Rendered and wrote"
    checked = "not checked" if findings is None else f"{len(serious)} errors and warnings"
    print(f"{verb} {total} templates in {seconds[0]:.2f} s, {checked}; {seconds[1]:.2f} s in all.")


def _as_json(
    everything: Sequence[Rendered], findings: Sequence[Finding] | None, stale: Sequence[Problem]
) -> dict[str, object]:
    return {
        "environments": [item.manifest for item in everything],
        "findings": None if findings is None else [asdict(finding) for finding in findings],
        "stale": [problem.as_dict() for problem in stale],
    }
