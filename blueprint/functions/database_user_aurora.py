"""The application's user of an Aurora database: SQL goes through the RDS Data API.

It takes the cluster and the master user's secret by name, and reads the secret itself: with this function's
rights, but without this function.

Environment, besides that of ``database_user``: ``CLUSTER`` and ``MASTER_SECRET`` (ARNs).
"""

from __future__ import annotations

import os

import boto3

from blueprint.functions.database_user import Refused, Run, handler_over, patient

#: The database wakes up or fails over, its endpoint is a moment old, the secret could not be read in time.
PASSING = (
    *("DatabaseResumingException", "DatabaseUnavailableException", "HttpEndpointNotEnabledException"),
    *("InternalServerErrorException", "InvalidResourceStateException", "SecretsErrorException"),
    *("ServiceUnavailableError", "StatementTimeoutException", "ThrottlingException"),
)


def as_master() -> Run:
    return patient(_over_data_api)


def _over_data_api(sql: str) -> list[list[str]]:
    try:
        answer = boto3.client("rds-data").execute_statement(
            resourceArn=os.environ["CLUSTER"],
            secretArn=os.environ["MASTER_SECRET"],
            sql=sql,
            continueAfterTimeout=True,  # a definition must not be cut off half way
        )
    except Exception as error:
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
        if code.startswith("AccessDenied"):
            raise  # a role made a moment ago: the skeleton of custom resources waits for it
        raise Refused(code or type(error).__name__, passes=code in PASSING) from None
    rows = answer.get("records", [])
    return [[str(value.get("stringValue", "")) for value in row] for row in rows]


handler = handler_over(as_master)
