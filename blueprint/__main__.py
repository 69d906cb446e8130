"""``python -m blueprint``: the same command line as ``blueprint`` and ``python build.py``."""

from blueprint.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
