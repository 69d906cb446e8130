"""The six EC2 actions on EBS encryption by default, which ministack lacks and a function of ours calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blueprint.emulator.server.ministack import core, ec2, kms

SERVICE_KEY = "alias/aws/ebs"  # what a region uses until it is told another

_encrypting: set[tuple[str, str]] = set()  # account and region of those that encrypt by default
_keys: dict[tuple[str, str], str] = {}

Action = Callable[[dict[str, Any]], Any]


def install() -> None:
    ec2._ACTION_MAP.update(
        {
            "GetEbsEncryptionByDefault": _switch("GetEbsEncryptionByDefault", lambda here: None),
            "EnableEbsEncryptionByDefault": _switch("EnableEbsEncryptionByDefault", _encrypting.add),
            "DisableEbsEncryptionByDefault": _switch("DisableEbsEncryptionByDefault", _encrypting.discard),
            "GetEbsDefaultKmsKeyId": _key("GetEbsDefaultKmsKeyId", lambda here, params: None),
            "ModifyEbsDefaultKmsKeyId": _key("ModifyEbsDefaultKmsKeyId", _set_key),
            "ResetEbsDefaultKmsKeyId": _key(
                "ResetEbsDefaultKmsKeyId", lambda here, params: _keys.pop(here, None)
            ),
        }
    )


def _here() -> tuple[str, str]:
    return core.get_account_id(), core.get_region()


def _switch(name: str, change: Callable[[tuple[str, str]], None]) -> Action:
    def run(params: dict[str, Any]) -> Any:
        change(_here())
        state = str(_here() in _encrypting).lower()
        return ec2._xml(200, f"{name}Response", f"<ebsEncryptionByDefault>{state}</ebsEncryptionByDefault>")

    return run


def _key(name: str, change: Callable[[tuple[str, str], dict[str, Any]], Any]) -> Action:
    def run(params: dict[str, Any]) -> Any:
        refused = change(_here(), params)
        if isinstance(refused, tuple):
            return refused
        key = _keys.get(_here(), SERVICE_KEY)
        return ec2._xml(200, f"{name}Response", f"<kmsKeyId>{key}</kmsKeyId>")

    return run


def _set_key(here: tuple[str, str], params: dict[str, Any]) -> Any:
    wanted = ec2._p(params, "KmsKeyId")
    record = kms._resolve_key(wanted)
    if not record and wanted != SERVICE_KEY:
        return ec2._error("InvalidParameterValue", f"The key {wanted} does not exist", 400)
    # The service answers with the key's ARN, whichever form it was given.
    _keys[here] = record["Arn"] if record else wanted
    return None
