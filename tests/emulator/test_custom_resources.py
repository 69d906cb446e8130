"""The Lambda functions of custom resources really run, against the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from tests.emulator.templates import ROLE, VPC, template

CODE = """
import json, urllib.request, boto3

def handler(event, context):
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    vpc = event["ResourceProperties"]["VpcId"]
    answer.update(Status="SUCCESS", PhysicalResourceId=event.get("PhysicalResourceId", "looked-up"))
    try:
        found = boto3.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
        answer["Data"] = {"Cidr": found["CidrBlock"], "Request": event["RequestType"]}
    except Exception as error:
        answer.update(Status="FAILED", Reason=str(error))
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"content-type": ""}, method="PUT")
    urllib.request.urlopen(request)
"""


def stack(vpc: Any) -> str:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": CODE},
    }
    lookup = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 30, "VpcId": vpc}
    return template(
        {
            "Role": ROLE,
            "Vpc": VPC,
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Lookup": {"Type": "Custom::Lookup", "Properties": lookup},
        },
        {"Cidr": {"Fn::GetAtt": ["Lookup", "Cidr"]}, "Request": {"Fn::GetAtt": ["Lookup", "Request"]}},
    )


def test_a_function_is_run_with_the_stacks_account_and_region_and_its_answer_read(
    trial: Trial, at: StackAt
) -> None:
    trial.apply(at, stack({"Ref": "Vpc"}), capabilities=["CAPABILITY_IAM"])
    assert trial.outputs(at) == {"Cidr": "10.0.0.0/16", "Request": "Create"}
    trial.delete(at)


def test_a_function_that_answers_failed_fails_the_stack(trial: Trial, at: StackAt) -> None:
    with pytest.raises(TrialFailed, match=r"Lookup: .*vpc-0nowhere"):
        trial.apply(at, stack("vpc-0nowhere"), capabilities=["CAPABILITY_IAM"])
