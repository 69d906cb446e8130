"""Start ministack with stand-ins: ``python -m blueprint.emulator.server`` (the starter does, see ``..``).

Settings come by environment variables, because ministack reads its own from there at import:
BLUEPRINT_EMULATOR_SCHEMAS, _FAILURES and _READY are paths; the process ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path


def main() -> None:
    os.environ.pop("PYTHONPATH", None)  # Lambda functions must not see this package
    from blueprint.emulator.server import ministack

    gone = ministack.missing()
    if gone:
        sys.exit(f"this release of ministack lacks {', '.join(gone)}; the launcher fits ministack==1.5.33")
    real = _install()
    ready = Path(os.environ["BLUEPRINT_EMULATOR_READY"])
    ready.write_text(json.dumps({"real": real}), encoding="utf-8")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ministack.app.main()


def _install() -> list[str]:
    """Fill ministack's gaps; the names of the types that it makes for real."""
    from blueprint.emulator.server import beanstalk, databases, ebs, provisioning, service
    from blueprint.emulator.server.ministack import provisioners
    from blueprint.emulator.server.schemas import FALLBACK_REGION, Schemas
    from blueprint.emulator.server.standins import StandIns

    schemas = Schemas(Path(os.environ["BLUEPRINT_EMULATOR_SCHEMAS"]))
    handlers, replacing = provisioners._RESOURCE_HANDLERS, provisioners._REPLACING_PROPERTIES
    beanstalk.install(handlers)
    provisioning.complete_real_types(handlers, replacing, schemas)
    real = sorted(handlers)
    stand_ins = StandIns(schemas)
    stand_ins.install(handlers, replacing, set(schemas.in_region(FALLBACK_REGION)))
    failures = Path(os.environ["BLUEPRINT_EMULATOR_FAILURES"])
    provisioning.Provisioning(schemas, stand_ins, failures).install()
    service.install(schemas)
    ebs.install()
    databases.install()
    return real


def _end_with_parent() -> None:
    """The parent holds the other end of standard input; however it dies, that end closes."""
    while os.read(0, 1):  # unbuffered: a buffered reader's lock would upset an interpreter that exits
        pass
    work = Path(os.environ["BLUEPRINT_EMULATOR_READY"]).parent
    if work.name.startswith("blueprint-emulator-"):  # made by the starter, who can no longer remove it
        shutil.rmtree(work, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(5)  # seconds for ministack to save its state, where that was asked for
    os._exit(0)


if __name__ == "__main__":
    main()
