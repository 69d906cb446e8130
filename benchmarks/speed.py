"""How long rendering and the gate take, as ratios against a reference measured in the same run.

    .venv/bin/python benchmarks/speed.py [--runs 9] [--env prod]

Whole processes, wall time, medians of alternating runs (A B C A B C ...), so that a machine whose speed
drifts does the same to all of them. References: importing what every render must import, and the cfn-lint
command line on the same files. Templates go to a temporary folder; nothing of the checkout changes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BARE = [sys.executable, "-c", "import troposphere, yaml; from pydantic import BaseModel"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9, help="runs of each command, at least 7 (default: 9)")
    parser.add_argument("--env", default="prod", help="the environment to render (default: prod)")
    args = parser.parse_args()
    if args.runs < 7:
        parser.error("a median needs at least 7 runs")
    with tempfile.TemporaryDirectory() as folder:
        project = _copy(Path(folder))
        build = [sys.executable, str(project / "build.py"), "--env", args.env, "-q"]
        subprocess.run(build, check=True)  # fills the cache and compiles the modules
        warm = _medians(args.runs, {"bare": BARE, "render": [*build, "--no-lint"], "cached": build})
        cold = _medians(
            args.runs,
            {"gate": build, "cfn-lint": _cfn_lint(project, args.env)},
            before=lambda: shutil.rmtree(project / ".blueprint", ignore_errors=True),
        )
    print(f"medians of {args.runs} alternating runs, {os.cpu_count()} cores, {sys.version.split()[0]}")
    print(f"  bare imports                     {warm['bare'] * 1000:6.0f} ms  1.0")
    _ratio("render without the gate", warm["render"], warm["bare"], "bare imports", 3)
    _ratio("render and gate, all cached", warm["cached"], warm["bare"], "bare imports", 4)
    _ratio("render and gate, nothing cached", cold["gate"], cold["cfn-lint"], "the cfn-lint command", 1)
    return 0


def _copy(folder: Path) -> Path:
    project = folder / "project"
    ignore = shutil.ignore_patterns(".git", ".venv*", ".blueprint", "__pycache__", "tests", ".*_cache")
    shutil.copytree(ROOT, project, ignore=ignore)
    return project


def _cfn_lint(project: Path, env: str) -> list[str]:
    """The command line on the files that the gate checks, with the same regions and kinds of rule."""
    folder = project / "templates" / env
    manifest = json.loads((folder / "manifest.json").read_text())
    regions = sorted({region for stack in manifest["stacks"] for region in stack["regions"]})
    files = [str(folder / stack["file"]) for stack in manifest["stacks"]]
    command = "import sys; from cfnlint.runner import main; sys.exit(main())"
    return [sys.executable, "-c", command, "-c", "I", "-r", *regions, "--", *files]


def _medians(
    runs: int, commands: dict[str, list[str]], before: Callable[[], object] = lambda: None
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            before()
            start = time.perf_counter()
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _ratio(what: str, value: float, reference: float, name: str, goal: float) -> None:
    print(f"  {what:<32} {value * 1000:6.0f} ms  {value / reference:.2f} times {name} (at most {goal})")


if __name__ == "__main__":
    raise SystemExit(main())
