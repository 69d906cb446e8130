"""Answers CloudFormation for a custom resource: always, in time, once, and without a secret.

A stack waits an hour for an answer that never comes. So a failure of any kind is an answer too, a lost answer
is sent again, and shortly before Lambda stops the function it answers that time is up. The renderer puts this
text in front of a function's own; in Lambda both are one file that needs nothing but boto3.

An event may arrive more than once (Lambda repeats it when no answer could be delivered), so what a function
does must bear repetition.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

NOT_CREATED = "not-created"  # physical id until a function has something that a delete must undo
ANSWER_BYTES = 4096  # CloudFormation reads no longer answer
REASON_CHARACTERS = 400
RESERVE_SECONDS = 12.0  # kept back from the function's time for sending an answer
PUT_SECONDS = 4.0  # for one attempt to send it
PUT_ATTEMPTS = 5
# Only CloudFormation's own buckets are answered, so that who may merely invoke a function can neither read
# what it returns nor have it send anything to an address of his. One bucket for each region, in any of S3's
# forms: <bucket>.s3.amazonaws.com, .s3-<region>., .s3.<region>., .s3.dualstack.<region>. and the like.
_ANSWERS = re.compile(
    r"https://cloudformation-custom-resource-response-[a-z0-9-]+\.s3[a-z0-9.-]*\.amazonaws\.com(:443)?/"
)
_SIGNED_HEADERS = {"Content-Type": ""}  # the address is signed for an empty one
# A role made seconds ago may still be refused, because IAM becomes consistent by and by.
REFUSALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
REFUSAL_SECONDS = 30.0
REFUSAL_PAUSE_SECONDS = 3.0

clock = time.monotonic
pause = time.sleep


class Failure(Exception):
    """Something is wrong. Its text is shown to whoever reads the stack's events: never put a secret in it."""


class Request:
    """What CloudFormation asks for.

    ``kind`` is Create, Update or Delete; ``properties`` and ``old_properties`` are the template's now and
    before. A function sets ``physical_id`` before it changes anything, so that even a create that fails half
    way is deleted with it. Another id on an update means another resource: the old id is deleted afterwards.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self.kind: str = event["RequestType"]
        self.physical_id: str = event.get("PhysicalResourceId") or NOT_CREATED
        self.properties: dict[str, Any] = event.get("ResourceProperties", {})
        self.old_properties: dict[str, Any] = event.get("OldResourceProperties", {})


Work = Callable[[Request], "dict[str, Any] | None"]  # returns the attributes that Fn::GetAtt reads
Handler = Callable[[dict[str, Any], Any], None]


def custom_resource(*, create: Work, update: Work, delete: Work) -> Handler:
    """The Lambda handler that does ``create``, ``update`` or ``delete`` and answers."""
    work = {"Create": create, "Update": update, "Delete": delete}

    def handler(event: dict[str, Any], context: Any) -> None:
        request = Request(event)
        answer = _Answer(event, request, context)
        watch = threading.Timer(answer.seconds_left(), answer.failed, ["it ran out of time"])
        watch.daemon = True
        watch.start()
        try:
            data = _done(work[request.kind], request, answer)
        except Exception as error:  # whatever it is, the stack must hear of it
            traceback.print_exc()  # to the function's own log group; the event itself is never logged
            answer.failed(_reason(error))
        else:
            answer.succeeded(data)
        finally:
            watch.cancel()

    return handler


def _done(work: Work, request: Request, answer: _Answer) -> dict[str, Any]:
    if request.kind == "Delete" and request.physical_id == NOT_CREATED:
        return {}
    refused_until = clock() + min(REFUSAL_SECONDS, answer.seconds_left())
    while True:
        try:
            return work(request) or {}
        except Exception as error:
            if _code(error) not in REFUSALS or clock() + REFUSAL_PAUSE_SECONDS > refused_until:
                raise
        pause(REFUSAL_PAUSE_SECONDS)


def _code(error: Exception) -> str:
    """The error code of an AWS API (botocore's ClientError), or nothing."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _reason(error: Exception) -> str:
    """What may be shown: messages of libraries and services may quote a secret, so only their kind is."""
    if isinstance(error, Failure):
        return str(error)
    code = _code(error)
    return f"{getattr(error, 'operation_name', 'a call')} answered {code}" if code else type(error).__name__


def _checked(url: str) -> str:
    """The address, or a refusal before anything is done; its text shows nothing of a signature.

    Besides CloudFormation's, what all calls of this function go to may be answered: an emulator's endpoint.
    Lambda sets no such thing; who could set it could change the code as well.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if _ANSWERS.match(url) or (endpoint and url.startswith(endpoint.rstrip("/") + "/")):
        return url
    raise ValueError("ResponseURL is not an address of CloudFormation")


class _Answer:
    """The one answer to an event, sent by whoever comes first: the work or the watch."""

    def __init__(self, event: dict[str, Any], request: Request, context: Any) -> None:
        self._url = _checked(event["ResponseURL"])
        self._same = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        self._request = request
        self._context = context
        self._lock = threading.Lock()
        self._given = False
        self._ends: float = clock() + context.get_remaining_time_in_millis() / 1000

    def seconds_left(self) -> float:
        """Seconds for the work: those of the function less the reserve, or half of them if they are few."""
        left = self._ends - clock()
        return max(left - RESERVE_SECONDS, left / 2, 0.0)

    def succeeded(self, data: dict[str, Any]) -> None:
        body = self._body(Status="SUCCESS", Data=data)
        if len(body) > ANSWER_BYTES:
            self.failed("its answer is longer than CloudFormation reads")
        else:
            self._give(body)

    def failed(self, why: str) -> None:
        place = f"{self._context.log_group_name} {self._context.log_stream_name}"
        reason = f"{why[:REASON_CHARACTERS]}; details are in log group {place}"
        print(f"{self._request.kind} failed: {reason}")
        self._give(self._body(Status="FAILED", Reason=reason))

    def _body(self, **outcome: Any) -> bytes:
        same = {**self._same, "PhysicalResourceId": self._request.physical_id}
        return json.dumps({**same, **outcome}, default=str).encode()

    def _give(self, body: bytes) -> None:
        with self._lock:
            if not self._given:
                self._send(body)
                self._given = True

    def _send(self, body: bytes) -> None:
        """Raises when every attempt failed: then Lambda repeats the event a minute later."""
        for attempt in range(PUT_ATTEMPTS):
            try:
                put = urllib.request.Request(self._url, body, _SIGNED_HEADERS, method="PUT")  # noqa: S310
                with urllib.request.urlopen(put, timeout=PUT_SECONDS):  # noqa: S310 (CloudFormation's URL)
                    return
            except (OSError, http.client.HTTPException) as error:  # no connection, no reply, or a refusal
                print(f"answer not delivered, attempt {attempt + 1}: {type(error).__name__}")
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                last = error
            wait = 0.5 * 2**attempt
            if attempt + 1 == PUT_ATTEMPTS or clock() + wait > self._ends:
                break
            pause(wait)
        raise last
