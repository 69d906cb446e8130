"""Sets a region's default encryption of new EBS volumes, and gives the former one back.

Two custom resources share this code. One remembers (no ``KeyArn`` among its properties): its physical id is
the state found when it was made, and it changes nothing. The other encrypts: it has ``KeyArn`` and, as
``Before``, the first one's physical id. So a repeated or half finished create cannot mistake its own work for
the former state, and what a delete gives back is known whatever happened in between.
"""

from __future__ import annotations

from typing import Any

import boto3

from blueprint.functions.custom_resource import Failure, Request, custom_resource

ENCRYPTING = "ebs-encryption-by-default"  # the physical id: there is one such setting in a region
SERVICE_KEY = "alias/aws/ebs"  # the key of EC2's own, while nobody has chosen another


def create(request: Request) -> None:
    if "KeyArn" in request.properties:
        request.physical_id = ENCRYPTING
        encrypt(request.properties["KeyArn"])
    else:
        request.physical_id = remembered()


def update(request: Request) -> None:
    """A new key is taken over; what is remembered stays, and with it the id that CloudFormation keeps."""
    if "KeyArn" in request.properties:
        encrypt(request.properties["KeyArn"])


def delete(request: Request) -> None:
    if "KeyArn" in request.properties:
        give_back(request.properties["KeyArn"], request.properties["Before"])


def remembered() -> str:
    """The region's state as text: ``on|arn:aws:kms:...`` or ``off|alias/aws/ebs``."""
    ec2 = boto3.client("ec2")
    state = "on" if ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] else "off"
    return f"{state}|{ec2.get_ebs_default_kms_key_id()['KmsKeyId']}"


def encrypt(key: str) -> None:
    """The key first, so that nothing is encrypted with another in between."""
    wrong = _unfit(_metadata(key))
    if wrong:
        raise Failure(f"key {key} cannot encrypt disks: {wrong}")
    ec2 = boto3.client("ec2")
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    ec2.enable_ebs_encryption_by_default()


def give_back(key: str, before: str) -> None:
    """Restore ``before``, unless the region's key is not ours: never set, given back, or another's choice."""
    ec2 = boto3.client("ec2")
    if ec2.get_ebs_default_kms_key_id()["KmsKeyId"] != key:
        return
    state, former_key = before.split("|", 1)
    if state == "off":  # before the key, by which a repetition sees that this is not done
        ec2.disable_ebs_encryption_by_default()
    if _is_service_key(former_key):
        ec2.reset_ebs_default_kms_key_id()
    else:
        ec2.modify_ebs_default_kms_key_id(KmsKeyId=former_key)


def _is_service_key(key: str) -> bool:
    """Whether ``key`` is EC2's own, or must be taken for it because nothing could be encrypted with it."""
    if key.endswith(SERVICE_KEY):
        return True
    try:
        metadata = _metadata(key)
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if code == "AccessDeniedException":  # another account's: nothing speaks against it
            return False
        if code != "NotFoundException":
            raise
        return True
    return metadata.get("KeyManager") == "AWS" or bool(_unfit(metadata))


def _metadata(key: str) -> dict[str, Any]:
    return dict(boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"])


def _unfit(metadata: dict[str, Any]) -> str:
    """Why EBS could not use the key; EC2 itself would say so only when an instance starts."""
    if metadata["KeyState"] != "Enabled":
        return f"its state is {metadata['KeyState']}"
    if metadata.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        return "it is not symmetric"
    return ""


handler = custom_resource(create=create, update=update, delete=delete)
