"""Write what is derived from the code, or check that it is not stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from blueprint.problems import EXIT_FINDINGS, EXIT_GOOD
from blueprint.render import writer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when one is stale")


def run(args: argparse.Namespace) -> int:
    texts = derived(args.root)
    stale = [path for path, text in texts.items() if _text(path) != text]
    if args.check:
        for path in stale:
            print(f"stale: {path} is stale; run python build.py docs", file=sys.stderr)
        return EXIT_FINDINGS if stale else EXIT_GOOD
    for path in stale:
        writer.write_file(path, texts[path].encode())
        print(f"wrote {path}")
    return EXIT_GOOD


def derived(root: Path) -> dict[Path, str]:
    """Every derived file with the text that it should have."""
    from blueprint.environment import schema

    return {
        root / "environments" / "schema.json": schema.json_schema_text(),
        root / "environments" / "account-schema.json": schema.account_schema_text(),
        root / "docs" / "environment-reference.md": schema.reference_page_text(),
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
