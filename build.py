"""``python build.py --env prod``: Blueprint's command line from a checkout, with nothing to install first.

Old Pythons must be able to read this file, so that they can say what is wrong in one line.
"""

import os
import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "build.py: needs Python 3.10 or newer, and this is %d.%d (%s); install one and run it with that, "
        "for instance: python3.12 build.py\n" % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)

ROOT = os.path.dirname(os.path.abspath(__file__))
if ROOT not in sys.path:  # `python -I` and PYTHONSAFEPATH leave the script's folder out
    sys.path.insert(0, ROOT)


def run():
    from blueprint import bootstrap

    argv = sys.argv[1:]
    bootstrap.ensure(ROOT, bootstrap.level_for(argv))

    from pathlib import Path

    try:
        from blueprint.cli import main

        return main(argv, root=Path(ROOT))
    except ImportError as error:
        bootstrap.stop_for_broken_package(ROOT, error)
        raise


if __name__ == "__main__":
    sys.exit(run())
