from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import CloudFormation, Context

Load = Callable[[str], dict[str, Any]]


class Refused(Exception):
    """Looks like an error of botocore."""

    operation_name = "RevokeSecurityGroupIngress"

    def __init__(self, code: str) -> None:
        super().__init__("password=hunter2")
        self.response = {"Error": {"Code": code}}


@pytest.fixture
def skeleton(load: Load) -> dict[str, Any]:
    return load("custom_resource")


def handler(skeleton: dict[str, Any], work: Callable[[Any], Any]) -> Callable[[dict[str, Any], Any], None]:
    made: Callable[[dict[str, Any], Any], None] = skeleton["custom_resource"](
        create=work, update=work, delete=work
    )
    return made


def fail(error: Exception) -> Callable[[Any], None]:
    def work(request: Any) -> None:
        raise error

    return work


def test_success_carries_the_event_s_identity_the_physical_id_and_the_attributes(skeleton, cloudformation):
    def work(request: Any) -> dict[str, str]:
        request.physical_id = "thing-1"
        return {"Name": request.properties["Name"]}

    event = cloudformation.event("Create", ResourceProperties={"Name": "x"})
    handler(skeleton, work)(event, Context())

    (answer,) = cloudformation.answers
    assert answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "thing-1",
        "StackId": event["StackId"],
        "RequestId": "request-1",
        "LogicalResourceId": "Thing",
        "Data": {"Name": "x"},
    }
    assert cloudformation.headers[0].get("Content-Type", "") == ""  # as the address is signed


def test_an_update_keeps_the_physical_id_unless_the_function_changes_it(skeleton, cloudformation):
    event = cloudformation.event("Update", PhysicalResourceId="thing-1")
    handler(skeleton, lambda request: None)(event, Context())
    assert cloudformation.answers[0]["PhysicalResourceId"] == "thing-1"


def test_a_lost_answer_is_sent_again(skeleton, cloudformation):
    cloudformation.refuse = 3
    handler(skeleton, lambda request: None)(cloudformation.event("Create"), Context())
    assert cloudformation.attempts == 4
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_work_that_was_done_is_never_reported_as_failed_when_answers_get_lost(skeleton, cloudformation):
    cloudformation.refuse = skeleton["PUT_ATTEMPTS"]
    with pytest.raises(OSError, match="503"):  # so that Lambda repeats the event
        handler(skeleton, lambda request: None)(cloudformation.event("Create"), Context())
    assert cloudformation.attempts == skeleton["PUT_ATTEMPTS"]
    assert cloudformation.answers == []


def test_a_failure_says_why_and_where_to_read_on(skeleton, cloudformation):
    work = fail(skeleton["Failure"]("there is no such key"))
    handler(skeleton, work)(cloudformation.event("Create"), Context())
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "there is no such key; details are in log group group stream"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("password=hunter2"), "ValueError"),
        (Refused("Throttled"), "RevokeSecurityGroupIngress answered Throttled"),
    ],
)
def test_no_message_of_a_library_reaches_the_stack_s_events(skeleton, cloudformation, error, shown):
    handler(skeleton, fail(error))(cloudformation.event("Update", PhysicalResourceId="p"), Context())
    (answer,) = cloudformation.answers
    assert answer["Reason"].startswith(shown)
    assert "hunter2" not in answer["Reason"]


def test_neither_the_event_nor_its_signed_address_is_logged(skeleton, cloudformation, capsys):
    event = cloudformation.event("Create", ResourceProperties={"Token": "hunter2"})
    cloudformation.refuse = 1
    handler(skeleton, fail(ValueError("x")))(event, Context())
    logged = "".join(capsys.readouterr())
    assert "ValueError" in logged
    assert "hunter2" not in logged
    assert "secret-signature" not in logged


def test_deleting_what_was_never_created_succeeds_without_work(skeleton, cloudformation):
    create = handler(skeleton, fail(ValueError()))
    create(cloudformation.event("Create"), Context())
    left = cloudformation.answers[0]["PhysicalResourceId"]

    handler(skeleton, fail(AssertionError("worked")))(
        cloudformation.event("Delete", PhysicalResourceId=left), Context()
    )
    assert cloudformation.answers[1]["Status"] == "SUCCESS"
    assert cloudformation.answers[1]["PhysicalResourceId"] == left


def test_a_create_that_fails_half_way_leaves_an_id_to_delete(skeleton, cloudformation):
    deleted = []

    def half(request: Any) -> None:
        if request.kind == "Delete":
            deleted.append(request.physical_id)
            return
        request.physical_id = "begun"
        raise ValueError

    function = handler(skeleton, half)
    function(cloudformation.event("Create"), Context())
    left = cloudformation.answers[0]["PhysicalResourceId"]
    function(cloudformation.event("Delete", PhysicalResourceId=left), Context())
    assert deleted == ["begun"]


def test_time_that_runs_out_is_answered_before_lambda_stops_the_function(skeleton, cloudformation):
    def slow(request: Any) -> None:
        deadline = time.monotonic() + 5
        while not cloudformation.answers and time.monotonic() < deadline:
            time.sleep(0.01)

    handler(skeleton, slow)(cloudformation.event("Create"), Context(seconds=0.4))
    # Half of so little time is the reserve; the success that comes too late is not sent as well.
    assert [answer["Status"] for answer in cloudformation.answers] == ["FAILED"]
    assert "time" in cloudformation.answers[0]["Reason"]


def test_an_answer_is_never_longer_than_cloudformation_reads(skeleton, cloudformation):
    handler(skeleton, lambda request: {"Text": "x" * 5000})(cloudformation.event("Create"), Context())
    handler(skeleton, fail(skeleton["Failure"]("y" * 9000)))(cloudformation.event("Create"), Context())
    assert [answer["Status"] for answer in cloudformation.answers] == ["FAILED", "FAILED"]
    assert all(int(headers["Content-Length"]) <= 4096 for headers in cloudformation.headers)


def test_rights_that_have_not_arrived_yet_are_waited_for(skeleton, cloudformation):
    left = [Refused("UnauthorizedOperation"), Refused("AccessDenied")]

    def work(request: Any) -> None:
        if left:
            raise left.pop()

    handler(skeleton, work)(cloudformation.event("Create"), Context())
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_rights_that_never_arrive_are_a_failure(skeleton, cloudformation):
    now = [0.0]
    skeleton["clock"] = lambda: now[0]
    skeleton["pause"] = lambda seconds: now.__setitem__(0, now[0] + seconds)
    handler(skeleton, fail(Refused("AccessDenied")))(cloudformation.event("Create"), Context())
    assert "AccessDenied" in cloudformation.answers[0]["Reason"]
    assert now[0] <= skeleton["REFUSAL_SECONDS"]


def test_a_kind_of_request_that_nobody_knows_is_answered_too(skeleton, cloudformation: CloudFormation):
    handler(skeleton, lambda request: None)(cloudformation.event("Explode"), Context())
    assert cloudformation.answers[0]["Status"] == "FAILED"


BUCKET = "cloudformation-custom-resource-response-euwest1"


@pytest.mark.parametrize(
    "url",
    [
        f"https://{BUCKET}.s3.amazonaws.com/arn%3Aaws?X-Amz-Signature=1",
        f"https://{BUCKET}.s3-eu-west-1.amazonaws.com/arn%3Aaws",
        f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/arn%3Aaws",
        f"https://{BUCKET}.s3.dualstack.eu-west-1.amazonaws.com/arn%3Aaws",
        f"https://{BUCKET}.s3.eu-west-1.amazonaws.com:443/arn%3Aaws",
        "https://cloudformation-custom-resource-response-mx-central-1.s3.mx-central-1.amazonaws.com/x",
    ],
)
def test_every_form_of_cloudformation_s_address_is_answered(skeleton, monkeypatch, url):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert skeleton["_checked"](url) == url


@pytest.mark.parametrize(
    "url",
    [
        f"http://{BUCKET}.s3.amazonaws.com/x",
        f"https://{BUCKET}.s3.amazonaws.com",
        f"https://{BUCKET}.s3.amazonaws.com.example.com/x",
        f"https://{BUCKET}.s3.example.com/x.amazonaws.com/",
        f"https://{BUCKET}.s3.amazonaws.com@example.com/",
        f"https://{BUCKET}.s3.amazonaws.com:8443/x",
        f"https://{BUCKET}.execute-api.eu-west-1.amazonaws.com/x",
        f"https://mine-{BUCKET}.s3.amazonaws.com/x",
        f"https://mine.s3.amazonaws.com/{BUCKET}.s3.amazonaws.com/",
        f"https://example.com\\@{BUCKET}.s3.amazonaws.com/",
        f"https://example.com#{BUCKET}.s3.amazonaws.com/",
        f" https://{BUCKET}.s3.amazonaws.com/",
        "file:///etc/passwd",
        "http://127.0.0.1:9/x",
        "/x",
        "",
    ],
)
def test_another_address_is_refused_before_any_work_and_without_showing_it(
    skeleton, cloudformation, monkeypatch, url
):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    worked: list[Any] = []
    with pytest.raises(ValueError, match="not an address of CloudFormation") as caught:
        handler(skeleton, worked.append)(cloudformation.event("Create", ResponseURL=url), Context())
    assert worked == []
    assert not url or url not in str(caught.value)


def test_an_emulator_s_endpoint_is_answered_and_no_other_port_of_its_host(skeleton, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:80")
    assert skeleton["_checked"]("http://127.0.0.1:80/answer")
    with pytest.raises(ValueError, match="not an address"):
        skeleton["_checked"]("http://127.0.0.1:8080/answer")
