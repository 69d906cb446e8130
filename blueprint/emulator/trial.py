"""A trial deployment on the emulator, from a manifest's list of steps and nothing else.

This is what a person with the upload list does in the console: one change set per step, in that order. It is
deliberately not the deployer: no resuming, no stack sets, no retries; the first thing that goes wrong is
raised.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blueprint.emulator import Emulator

POLL_SECONDS = 0.01
LONGEST_SECONDS = 60.0  # for one stack; the largest takes well under a second, a custom resource about one
INLINE_BYTES = 51_200  # a longer template goes through a bucket, as the console does without a word
STAGING = "cf-templates-trial"
NO_CHANGE = "didn't contain changes"


class TrialFailed(AssertionError):
    """A stack did not become what it should; the message has the events that say why."""


@dataclass(frozen=True)
class StackAt:
    """One stack in one account and region."""

    name: str
    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.name} ({self.region}, {self.account})"


@dataclass
class Trial:
    """Deploys steps on an emulator and remembers what stands there."""

    emulator: Emulator
    deployed: list[StackAt] = field(default_factory=list)
    _made: int = 0

    def deploy(self, folder: Path, step: dict[str, Any]) -> str:
        """Carry out one step of ``folder``'s manifest; the status of its change set's execution."""
        at = StackAt(step["stack_name"], step["account"], step["region"])
        body = (folder / step["file"]).read_text(encoding="utf-8")
        parameters = {name: self.value(value, at) for name, value in step["parameters"].items()}
        return self.apply(at, body, parameters, step["capabilities"])

    def value(self, value: Any, at: StackAt) -> str:
        """A step's parameter: a literal, or the output that it is bound to."""
        if not isinstance(value, dict):
            return str(value)
        source = value["from"]
        outputs = self.outputs(StackAt(source["stack_name"], at.account, source["region"]))
        if source["output"] not in outputs:
            raise TrialFailed(
                f"{at}: {source['stack_name']} in {source['region']} has no output {source['output']}"
            )
        return outputs[source["output"]]

    def apply(
        self,
        at: StackAt,
        body: str,
        parameters: dict[str, str] | None = None,
        capabilities: Iterable[str] = (),
    ) -> str:
        """Create or update a stack by change set: ``CREATE``, ``UPDATE`` or ``UNCHANGED``."""
        known = self._description(at) is not None
        kind = "UPDATE" if known else "CREATE"
        # What a step does not set keeps its value, as the console does for an existing stack.
        kept = self._parameters(at) if known else {}
        names = json.loads(body).get("Parameters", {})
        given = {**{name: value for name, value in kept.items() if name in names}, **(parameters or {})}
        client = self._client(at)
        self._made += 1
        name = f"trial-{self._made}"  # an executed change set keeps its name
        client.create_change_set(
            StackName=at.name,
            ChangeSetName=name,
            ChangeSetType=kind,
            **self._template(at, body),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
            Capabilities=list(capabilities),
        )
        change_set = client.describe_change_set(StackName=at.name, ChangeSetName=name)
        if change_set["Status"] == "FAILED":
            client.delete_change_set(StackName=at.name, ChangeSetName=name)
            if known and NO_CHANGE in change_set["StatusReason"]:
                return "UNCHANGED"
            raise TrialFailed(f"{at}: {change_set['StatusReason']}")
        client.execute_change_set(StackName=at.name, ChangeSetName=name)
        self._finish(at, f"{kind}_COMPLETE")
        if at not in self.deployed:
            self.deployed.append(at)
        return kind

    def _template(self, at: StackAt, body: str) -> dict[str, str]:
        """The template inline, or from a bucket of the account where it is too long for that."""
        if len(body.encode()) <= INLINE_BYTES:
            return {"TemplateBody": body}
        bucket = f"{STAGING}-{at.account}-{at.region}"
        s3 = self.emulator.client("s3", at.region, at.account)
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": at.region}}
        location = {} if at.region == "us-east-1" else elsewhere  # the region that must not be named
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **location)
        s3.put_object(Bucket=bucket, Key=at.name, Body=body.encode())
        return {"TemplateURL": f"{self.emulator.endpoint}/{bucket}/{at.name}"}

    def delete(self, at: StackAt) -> None:
        """Delete a stack; one whose exports are in use is refused (botocore's ClientError)."""
        self._client(at).delete_stack(StackName=at.name)
        self._finish(at, "DELETE_COMPLETE")
        self.deployed.remove(at)

    def delete_all(self) -> None:
        """Delete in the reverse of the order of creation."""
        for at in reversed(list(self.deployed)):
            self.delete(at)

    def outputs(self, at: StackAt) -> dict[str, str]:
        description = self._description(at)
        return {o["OutputKey"]: o["OutputValue"] for o in (description or {}).get("Outputs", [])}

    def resources(self, at: StackAt) -> list[dict[str, Any]]:
        pages = self._client(at).get_paginator("list_stack_resources").paginate(StackName=at.name)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def count(self, at: StackAt) -> Counter[str]:
        """How many of a stack's resources are ``real`` and how many are ``stood in`` for."""
        is_real = self.emulator.is_real
        return Counter("real" if is_real(r["ResourceType"]) else "stood in" for r in self.resources(at))

    def _client(self, at: StackAt) -> Any:
        return self.emulator.client("cloudformation", at.region, at.account)

    def _description(self, at: StackAt) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        with suppress(ClientError):  # "does not exist"
            stack: dict[str, Any] = self._client(at).describe_stacks(StackName=at.name)["Stacks"][0]
            return stack
        return None

    def _parameters(self, at: StackAt) -> dict[str, str]:
        parameters = (self._description(at) or {}).get("Parameters", [])
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in parameters}

    def _finish(self, at: StackAt, wanted: str) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            description = self._description(at)
            status = description["StackStatus"] if description else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(POLL_SECONDS)
        if status != wanted:
            raise TrialFailed(f"{at} is {status}, not {wanted}: {'; '.join(self._failures(at))}")

    def _failures(self, at: StackAt) -> Iterator[str]:
        events = self._client(at).describe_stack_events(StackName=at.name)["StackEvents"]
        for event in reversed(events):
            if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason"):
                yield f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
