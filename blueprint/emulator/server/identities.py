"""Values that a service makes up when it creates something: ids, ARNs, addresses.

They are derived from account, region, stack and logical id, so that two runs agree, and have the form that
the type's schema asks for, so that another template's pattern accepts them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from blueprint.emulator.server.schemas import at

# EC2's ids: the prefix by (type, property). Others derive their form from the schema's pattern.
PREFIXES = {
    ("AWS::EC2::NatGateway", "NatGatewayId"): "nat-",
    ("AWS::EC2::NatGateway", "EniId"): "eni-",
    ("AWS::EC2::NatGateway", "RouteTableId"): "rtb-",
    ("AWS::EC2::EIP", "AllocationId"): "eipalloc-",
    ("AWS::EC2::EIPAssociation", "Id"): "eipassoc-",
    ("AWS::EC2::EgressOnlyInternetGateway", "Id"): "eigw-",
    ("AWS::EC2::SecurityGroupIngress", "Id"): "sgr-",
    ("AWS::EC2::SecurityGroupEgress", "Id"): "sgr-",
    ("AWS::EC2::FlowLog", "Id"): "fl-",
    ("AWS::EC2::VPCCidrBlock", "Id"): "vpc-cidr-assoc-",
    ("AWS::EC2::SubnetCidrBlock", "Id"): "subnet-cidr-assoc-",
    ("AWS::EC2::NetworkAcl", "Id"): "acl-",
    ("AWS::EC2::NetworkInterface", "Id"): "eni-",
    ("AWS::EC2::DHCPOptions", "DhcpOptionsId"): "dopt-",
    ("AWS::EC2::PrefixList", "PrefixListId"): "pl-",
    ("AWS::EC2::VPCEndpointService", "ServiceId"): "vpce-svc-",
    ("AWS::EC2::VPCPeeringConnection", "Id"): "pcx-",
}

# `Ref` gives one part of a compound identifier for these; for other types, the parts joined by "|".
REF_PART = {"AWS::EC2::EIP": "PublicIp", "AWS::EC2::VPCCidrBlock": "Id"}

# ARNs whose form is not service:region:account:type/name.
ARNS = {
    "AWS::CloudTrail::Trail": "arn:aws:cloudtrail:{region}:{account}:trail/{name}",
    "AWS::IAM::Group": "arn:aws:iam::{account}:group/{name}",
    "AWS::RDS::DBProxy": "arn:aws:rds:{region}:{account}:db-proxy:prx-{name}",
    "AWS::IAM::OIDCProvider": "arn:aws:iam::{account}:oidc-provider/{name}",
}


@dataclass(frozen=True)
class Maker:
    """Makes the values of one resource."""

    resource_type: str
    account: str
    region: str
    stack: str
    logical_id: str
    seed: str = ""  # changes when the resource is replaced

    @property
    def digest(self) -> str:
        key = "|".join(
            (self.resource_type, self.account, self.region, self.stack, self.logical_id, self.seed)
        )
        return hashlib.sha256(key.encode()).hexdigest()

    def value(self, schema: dict[str, Any], path: list[str], name: str = "") -> Any:
        """A plausible value of the property at ``path``; ``name`` is the resource's own, if it has one."""
        node = at(schema, path)
        kind = node.get("type", "string")
        kind = kind if isinstance(kind, str) else kind[0]
        if kind in ("integer", "number"):
            return node.get("minimum", 1)
        if kind == "boolean":
            return False
        if kind == "object":
            return {}
        if kind == "array":
            return self._list(schema, path, name)
        return self._string(node, path, name)

    def _list(self, schema: dict[str, Any], path: list[str], name: str) -> list[Any]:
        if path == ["Ipv6CidrBlocks"]:
            return [f"2600:1f18:{self.digest[:4]}:{self.digest[4:6]}00::/56"]
        item = self.value(schema, [*path, "*"], name)
        return [] if item == {} else [item]

    def _string(self, node: dict[str, Any], path: list[str], name: str) -> str:
        prefix = PREFIXES.get((self.resource_type, path[-1]))
        if prefix:
            return prefix + self.digest[:17]
        for candidate in self._candidates(node, path[-1], name):
            if _fits(node, candidate):
                return candidate
        return name or self._name()

    def _candidates(self, node: dict[str, Any], attribute: str, name: str) -> list[str]:
        plain = self._name(node.get("maxLength", 255))
        number = int(self.digest[:8], 16)
        candidates = [*node.get("enum", [])[:1]]
        if attribute.lower().endswith("arn"):
            candidates.append(self._arn(name or plain))
        if attribute.endswith("Ip"):
            candidates.append(f"203.0.113.{number % 254 + 1}")  # TEST-NET-3, nobody's
        uuid = re.sub(r"(.{8})(.{4})(.{3})(.{3})(.{12}).*", r"\1-\2-4\3-8\4-\5", self.digest)
        digits = str(int(self.digest, 16))[:12]
        candidates += [name, plain, plain.lower(), uuid, self.digest[:32], self.digest[:10].upper(), digits]
        candidates += [f"a{self.digest[:9]}", self._arn(name or plain)]
        return [candidate for candidate in candidates if candidate]

    def _name(self, longest: int = 255) -> str:
        suffix = self.digest[:12].upper()
        return f"{self.stack}-{self.logical_id}-"[: max(longest - len(suffix), 0)] + suffix[:longest]

    def _arn(self, name: str) -> str:
        service, kind = self.resource_type.lower().split("::")[1:3]
        form = ARNS.get(self.resource_type, f"arn:aws:{service}:{{region}}:{{account}}:{kind}/{{name}}")
        return form.format(region=self.region, account=self.account, name=name)


def _fits(node: dict[str, Any], value: str) -> bool:
    if len(value) < node.get("minLength", 0) or len(value) > node.get("maxLength", len(value)):
        return False
    if "enum" in node and value not in node["enum"]:
        return False
    try:
        return re.search(node.get("pattern", ""), value) is not None
    except re.error:
        return True
