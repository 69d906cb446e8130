"""Small templates that tests put together; nothing here is rendered by the layers."""

from __future__ import annotations

import json
from typing import Any

KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"MultiRegion": True, "KeyPolicy": KEY_POLICY}}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {}}
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
NAT = {
    "Type": "AWS::EC2::NatGateway",
    "Properties": {"VpcId": {"Ref": "Vpc"}, "AvailabilityMode": "regional"},
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}


def template(resources: dict[str, Any], outputs: dict[str, Any] | None = None, **sections: Any) -> str:
    """A template's text; ``outputs`` are values by name, each exported as ``acme:<name>``."""
    exported = {
        name: {"Value": value, "Export": {"Name": f"acme:{name}"}} for name, value in (outputs or {}).items()
    }
    return json.dumps({"Resources": resources, **({"Outputs": exported} if exported else {}), **sections})


def parameter(value: Any) -> dict[str, Any]:
    """A resource that does nothing but hold ``value``."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def importing(name: str) -> str:
    return template({"Kept": parameter({"Fn::ImportValue": f"acme:{name}"})})
