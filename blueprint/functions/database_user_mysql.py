"""The application's user of RDS for MySQL: SQL goes through RDS Proxy.

This function signs in as the master user with an IAM token; the proxy alone knows the password.

Environment, besides that of ``database_user``: ``PROXY`` (host) and ``MASTER`` (name of the master user).
"""

from __future__ import annotations

import os

from blueprint.functions.database_user import Refused, Run, handler_over, patient
from blueprint.functions.mysql_session import MySqlError, over_proxy

#: Too many connections; a role made a moment ago, or a master password that the proxy has not read yet; no
#: connection to lend in time (RDS Proxy's own number).
PASSING = (1040, 1045, 9501)


def as_master() -> Run:
    run = over_proxy(os.environ["PROXY"], os.environ["MASTER"])

    def says(sql: str) -> list[list[str]]:
        try:
            return run(sql)
        except MySqlError as error:
            raise Refused(str(error), passes=error.number in PASSING) from None
        except OSError as error:
            raise Refused(type(error).__name__, passes=True) from None

    return patient(says)


handler = handler_over(as_master)
