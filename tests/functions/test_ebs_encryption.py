"""Default encryption of disks: set, changed and given back, whatever fails in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from .conftest import CloudFormation, Context

KEY = "arn:aws:kms:eu-west-1:111122223333:key/11111111-1111-1111-1111-111111111111"
NEW_KEY = "arn:aws:kms:eu-west-1:111122223333:key/22222222-2222-2222-2222-222222222222"
FORMER_KEY = "arn:aws:kms:eu-west-1:111122223333:key/33333333-3333-3333-3333-333333333333"
FOREIGN_KEY = "arn:aws:kms:eu-west-1:999988887777:key/44444444-4444-4444-4444-444444444444"
SERVICE_KEY = "alias/aws/ebs"

State = tuple[bool, str]
FRESH: State = (False, SERVICE_KEY)  # of a new account
STATES: list[State] = [
    FRESH,
    (True, SERVICE_KEY),
    (True, FORMER_KEY),
    (False, FORMER_KEY),
    (True, FOREIGN_KEY),
]


class Aws:
    """EC2's setting of one region, and KMS's knowledge of keys. ``fail`` makes calls fail, by name."""

    def __init__(self, encrypting: bool, key: str) -> None:
        self.state: State = (encrypting, key)
        self.keys = {name: {"KeyState": "Enabled"} for name in (KEY, NEW_KEY, FORMER_KEY)}
        self.fail: dict[str, list[str]] = {}  # codes, one for each of the next calls
        self.calls: list[str] = []

    def get_ebs_encryption_by_default(self) -> dict[str, Any]:
        self._called("get_ebs_encryption_by_default")
        return {"EbsEncryptionByDefault": self.state[0]}

    def get_ebs_default_kms_key_id(self) -> dict[str, Any]:
        self._called("get_ebs_default_kms_key_id")
        return {"KmsKeyId": self.state[1]}

    def modify_ebs_default_kms_key_id(self, KmsKeyId: str) -> dict[str, Any]:
        self._called("modify_ebs_default_kms_key_id")
        self.state = (self.state[0], KmsKeyId)
        return {"KmsKeyId": KmsKeyId}

    def reset_ebs_default_kms_key_id(self) -> dict[str, Any]:
        self._called("reset_ebs_default_kms_key_id")
        self.state = (self.state[0], SERVICE_KEY)
        return {"KmsKeyId": SERVICE_KEY}

    def enable_ebs_encryption_by_default(self) -> dict[str, Any]:
        self._called("enable_ebs_encryption_by_default")
        self.state = (True, self.state[1])
        return {"EbsEncryptionByDefault": True}

    def disable_ebs_encryption_by_default(self) -> dict[str, Any]:
        self._called("disable_ebs_encryption_by_default")
        self.state = (False, self.state[1])
        return {"EbsEncryptionByDefault": False}

    def describe_key(self, KeyId: str) -> dict[str, Any]:
        self._called("describe_key")
        if KeyId == FOREIGN_KEY:
            raise _refusal("AccessDeniedException", "describe_key")
        if KeyId not in self.keys:
            raise _refusal("NotFoundException", "describe_key")
        return {"KeyMetadata": self.keys[KeyId]}

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith(("get_", "describe_"))]

    def _called(self, name: str) -> None:
        if self.fail.get(name):
            raise _refusal(self.fail[name].pop(0), name)
        self.calls.append(name)


def _refusal(code: str, name: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "a secret in the message"}}, name)


class Stack:
    """CloudFormation's part: two resources, made in order, changed, rolled back and deleted in reverse."""

    def __init__(self, aws: Aws, handler: Callable[..., None], service: CloudFormation) -> None:
        self.aws = aws
        self.handler = handler
        self.service = service
        self.ids: dict[str, str] = {}
        self.key = KEY

    def send(self, kind: str, resource: str, **over: Any) -> dict[str, Any]:
        """One event, answered; the physical id is kept as CloudFormation keeps it."""
        event = self.event(kind, resource, **over)
        self.handler(event, Context())
        answer: dict[str, Any] = self.service.answers[-1]
        self.ids[resource] = answer["PhysicalResourceId"]
        return answer

    def event(self, kind: str, resource: str, **over: Any) -> dict[str, Any]:
        properties: dict[str, Any] = {"ServiceToken": "arn", "ServiceTimeout": "450"}
        if resource == "Encryption":
            properties.update(KeyArn=self.key, Before=self.ids["Before"])
        known = {} if kind == "Create" else {"PhysicalResourceId": self.ids[resource]}
        return self.service.event(kind, ResourceProperties=properties, **known, **over)

    def create(self) -> dict[str, Any]:
        assert self.send("Create", "Before")["Status"] == "SUCCESS"
        return self.send("Create", "Encryption")

    def delete(self) -> None:
        for resource in ("Encryption", "Before"):
            assert self.send("Delete", resource)["Status"] == "SUCCESS"


@pytest.fixture
def stack(load, cloudformation, monkeypatch) -> Callable[..., Stack]:
    def make(state: State = FRESH) -> Stack:
        aws = Aws(*state)
        monkeypatch.setattr(boto3, "client", lambda service: {"ec2": aws, "kms": aws}[service])
        return Stack(aws, load("ebs_encryption")["handler"], cloudformation)

    return make


# -- create and delete --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_disks_are_encrypted_with_our_key_and_the_former_state_comes_back(stack, state):
    made = stack(state)
    assert made.create()["Status"] == "SUCCESS"
    assert made.aws.state == (True, KEY)
    made.delete()
    assert made.aws.state == state


def test_remembering_changes_nothing(stack):
    made = stack((True, FORMER_KEY))
    made.send("Create", "Before")
    made.send("Update", "Before")
    assert made.send("Delete", "Before")["Status"] == "SUCCESS"
    assert made.aws.changes == []


def test_nothing_is_encrypted_with_another_key_in_between(stack):
    made = stack()
    made.create()
    assert made.aws.changes == ["modify_ebs_default_kms_key_id", "enable_ebs_encryption_by_default"]


def test_deleting_twice_gives_back_once(stack):
    made = stack((True, FORMER_KEY))
    made.create()
    made.send("Delete", "Encryption")
    changes = list(made.aws.changes)
    made.delete()
    assert made.aws.changes == changes
    assert made.aws.state == (True, FORMER_KEY)


def test_what_somebody_has_chosen_since_is_left_alone(stack):
    made = stack(FRESH)
    made.create()
    made.aws.state = (True, NEW_KEY)
    made.delete()
    assert made.aws.state == (True, NEW_KEY)


def test_a_key_that_was_ours_already_stays(stack):
    made = stack((True, KEY))
    made.create()
    made.delete()
    assert made.aws.state == (True, KEY)


# -- the former key -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["gone", "PendingDeletion", "Disabled"])
@pytest.mark.parametrize("encrypting", [True, False])
def test_a_former_key_that_cannot_encrypt_any_more_gives_way_to_ec2s_own(stack, trouble, encrypting):
    made = stack((encrypting, FORMER_KEY))
    made.create()
    if trouble == "gone":
        del made.aws.keys[FORMER_KEY]
    else:
        made.aws.keys[FORMER_KEY]["KeyState"] = trouble
    made.delete()
    assert made.aws.state == (encrypting, SERVICE_KEY)


def test_the_managed_key_under_its_arn_comes_back_as_the_default(stack):
    made = stack((True, FORMER_KEY))
    made.create()
    made.aws.keys[FORMER_KEY]["KeyManager"] = "AWS"
    made.delete()
    assert made.aws.state == (True, SERVICE_KEY)


def test_a_former_key_that_kms_does_not_tell_about_now_fails_the_delete_so_that_it_is_tried_again(stack):
    made = stack((False, FORMER_KEY))
    made.create()
    made.aws.fail["describe_key"] = ["KMSInternalException"]
    assert made.send("Delete", "Encryption")["Status"] == "FAILED"
    made.delete()
    assert made.aws.state == (False, FORMER_KEY)


# -- update -------------------------------------------------------------------------------------------------


def test_another_key_is_taken_over_under_the_same_id_and_the_memory_stays(stack):
    made = stack((False, FORMER_KEY))
    made.create()
    ids = dict(made.ids)
    made.key = NEW_KEY
    for resource in ("Before", "Encryption"):
        assert made.send("Update", resource)["Status"] == "SUCCESS"
    assert made.ids == ids  # another id would have CloudFormation delete the old resource
    assert made.aws.state == (True, NEW_KEY)
    made.delete()
    assert made.aws.state == (False, FORMER_KEY)


def test_an_update_that_is_rolled_back_sets_the_old_key_again(stack):
    made = stack(FRESH)
    made.create()
    made.key = NEW_KEY
    made.aws.fail["enable_ebs_encryption_by_default"] = ["InternalError"]
    assert made.send("Update", "Encryption")["Status"] == "FAILED"
    made.key = KEY
    assert made.send("Update", "Encryption")["Status"] == "SUCCESS"
    assert made.aws.state == (True, KEY)
    made.delete()
    assert made.aws.state == FRESH


# -- what fails half way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "call", ["describe_key", "modify_ebs_default_kms_key_id", "enable_ebs_encryption_by_default"]
)
def test_a_create_that_fails_is_rolled_back_to_the_former_state(stack, state, call):
    made = stack(state)
    made.aws.fail[call] = ["InternalError"]
    assert made.create()["Status"] == "FAILED"
    made.delete()
    assert made.aws.state == state


@pytest.mark.parametrize("call", ["get_ebs_encryption_by_default", "get_ebs_default_kms_key_id"])
def test_a_memory_that_could_not_be_made_leaves_nothing_behind(stack, call):
    made = stack((True, FORMER_KEY))
    made.aws.fail[call] = ["InternalError"]
    assert made.send("Create", "Before")["Status"] == "FAILED"
    assert made.send("Delete", "Before")["Status"] == "SUCCESS"
    assert made.aws.state == (True, FORMER_KEY)
    assert made.aws.changes == []


@pytest.mark.parametrize("state", STATES)
def test_a_create_that_comes_again_does_not_take_its_own_work_for_the_former_state(stack, state):
    """Lambda repeats an event whose answer was lost."""
    made = stack(state)
    made.create()
    assert made.send("Create", "Encryption")["Status"] == "SUCCESS"
    assert made.aws.state == (True, KEY)
    made.delete()
    assert made.aws.state == state


@pytest.mark.parametrize("lost", [1, 3])
@pytest.mark.parametrize("resource", ["Before", "Encryption"])
def test_a_lost_answer_is_sent_again_and_nothing_done_twice(stack, resource, lost):
    made = stack((True, FORMER_KEY))
    if resource == "Encryption":
        made.send("Create", "Before")
    made.service.refuse = made.service.attempts + lost
    made.send("Create", resource)
    assert len(made.aws.changes) == (2 if resource == "Encryption" else 0)
    if resource == "Before":
        made.send("Create", "Encryption")
    made.delete()
    assert made.aws.state == (True, FORMER_KEY)


@pytest.mark.parametrize(
    "call",
    ["disable_ebs_encryption_by_default", "modify_ebs_default_kms_key_id", "get_ebs_default_kms_key_id"],
)
def test_a_delete_that_fails_half_way_is_completed_by_the_next(stack, call):
    made = stack((False, FORMER_KEY))
    made.create()
    made.aws.fail[call] = ["InternalError"]
    assert made.send("Delete", "Encryption")["Status"] == "FAILED"
    made.delete()
    assert made.aws.state == (False, FORMER_KEY)


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(stack):
    made = stack(FRESH)
    made.aws.fail = {
        "get_ebs_encryption_by_default": ["UnauthorizedOperation"],
        "describe_key": ["AccessDeniedException", "AccessDeniedException"],
        "modify_ebs_default_kms_key_id": ["UnauthorizedOperation"],
    }
    assert made.create()["Status"] == "SUCCESS"
    assert made.aws.state == (True, KEY)
    made.delete()
    assert made.aws.state == FRESH


# -- keys that do not fit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"KeyState": "PendingDeletion"}, "PendingDeletion"),
        ({"KeyState": "Disabled"}, "Disabled"),
        ({"KeyState": "Enabled", "KeySpec": "RSA_2048"}, "not symmetric"),
    ],
)
def test_a_key_that_disks_could_not_use_is_refused_before_anything_changes(stack, metadata, words):
    """EC2 takes any key, and tells nobody until an instance does not start."""
    made = stack((True, FORMER_KEY))
    made.aws.keys[KEY] = metadata
    answer = made.create()
    assert answer["Status"] == "FAILED"
    assert words in answer["Reason"]
    assert made.aws.changes == []
    made.delete()
    assert made.aws.state == (True, FORMER_KEY)


def test_a_key_that_does_not_exist_is_refused_before_anything_changes(stack):
    made = stack(FRESH)
    del made.aws.keys[KEY]
    answer = made.create()
    assert answer["Status"] == "FAILED"
    assert "NotFoundException" in answer["Reason"]
    assert "secret" not in answer["Reason"]
    assert made.aws.changes == []
