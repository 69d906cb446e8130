"""Network: a VPC in each region, with subnets that reach out only as far as they must. Promises R2 and R11.

Public subnets hold load balancers and NAT gateways; application subnets instances, which reach out but cannot
be reached; data subnets databases, which do neither. Which addresses a subnet gets stands in
``environment/cidr.py``: every zone has its place, so one more zone adds subnets and changes none.

Each subnet and address has an export of its own: an export that others import cannot change, so a list of
all of them would forbid adding a zone.
"""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import AWSHelperFn, Cidr, GetAtt, Ref, Select, Tags
from troposphere.ec2 import (
    EIP,
    VPC,
    EgressOnlyInternetGateway,
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    Subnet,
    SubnetRouteTableAssociation,
    VPCCidrBlock,
    VPCGatewayAttachment,
)

from blueprint.environment import Environment
from blueprint.environment.cidr import MOST_ZONES, AddressPlan, address_plan
from blueprint.layers import _network_endpoints as endpoints
from blueprint.layers import _network_groups as groups
from blueprint.layers import _network_logs as logs
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

ANYWHERE = "0.0.0.0/0"
ANYWHERE_V6 = "::/0"

# Which of the VPC's IPv6 /64 ranges the subnet of the first zone gets; the other zones' follow.
_V6_SLOTS = {"Application": 0, "Public": MOST_ZONES, "Data": 2 * MOST_ZONES}
_V6_RANGES = 16  # cut once and for all: another number here would still give the same ranges
_V6_BITS = 64


def stacks(env: Environment) -> list[Stack]:
    stack = Stack(
        "network",
        env,
        Place.PRIMARY,
        Place.RECOVERY,
        purpose="VPC with public, application and data subnets, ways out, endpoints and security groups.",
    )
    logs_key = stack.output_of("security", "LogsKeyArn")

    vpc = stack.add(
        VPC(
            "Vpc",
            CidrBlock=stack.by_region("VpcCidr", {region: env.cidr(region) for region in env.regions}),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,  # interface endpoints answer to the services' usual names
            Tags=Tags(Name=f"{env.project}-{env.name}"),
        ),
        setting="network.cidr",
    )
    v6_range = _v6_range(stack, vpc) if env.network.dual_stack else None
    public, application, data = (
        _subnets(stack, env, vpc, v6_range, kind) for kind in ("Public", "Application", "Data")
    )

    attachment = _internet(stack, env, vpc, public)
    tables = _application_routes(stack, env, vpc, application)
    _ways_out(stack, env, vpc, attachment, public, tables)
    _no_way_out(stack, vpc, data)

    security = groups.add(stack, env, vpc)
    endpoints.add_gateways(stack, env, vpc, tables)
    logs.add_flow_logs(stack, env, vpc, logs_key)
    groups.close_default(stack, vpc, logs_key)

    stack.output("VpcId", Ref(vpc), "Id of the VPC")
    for subnet in (*public, *application, *data):
        stack.output(f"{subnet.title}Id", Ref(subnet), f"Id of subnet {subnet.title}")
    for name, group in security.items():
        stack.output(f"{name}SecurityGroupId", GetAtt(group, "GroupId"), group.GroupDescription)
    return [stack, endpoints.interface_stack(env)] if endpoints.services(env) else [stack]


# -- subnets -------------------------------------------------------------------------------------------


def _v6_range(stack: Stack, vpc: VPC) -> VPCCidrBlock:
    return stack.add(
        VPCCidrBlock("VpcCidrV6", VpcId=Ref(vpc), AmazonProvidedIpv6CidrBlock=True),
        setting="network.dual_stack",
    )


def _subnets(
    stack: Stack, env: Environment, vpc: VPC, v6_range: VPCCidrBlock | None, kind: str
) -> list[Subnet]:
    """One subnet of a kind in each zone."""
    plans = {region: address_plan(env.cidr(region), env.network.zones) for region in env.regions}
    subnets = []
    for index in range(env.network.zones):
        title = f"{kind}Subnet{index + 1}"
        zones = {region: env.zone_ids(region)[index] for region in env.regions}
        cidrs = {region: _cidrs(plan, kind)[index] for region, plan in plans.items()}
        subnet = Subnet(
            title,
            VpcId=Ref(vpc),
            AvailabilityZoneId=stack.by_region(f"Zone{index + 1}", zones),
            CidrBlock=stack.by_region(f"{title}Cidr", cidrs),
            MapPublicIpOnLaunch=False,  # load balancers and NAT gateways bring their own addresses
            Tags=Tags(Name=f"{env.project}-{env.name}-{kind.lower()}-{index + 1}"),
        )
        if v6_range:
            subnet.DependsOn = v6_range.title  # the range is an attribute of the VPC, which knows it late
            subnet.Ipv6CidrBlock = _v6_part(vpc, _V6_SLOTS[kind] + index)
            subnet.AssignIpv6AddressOnCreation = kind == "Application" and _has_v6_way_out(env)
        subnets.append(stack.add(subnet, setting="network.zones"))
    return subnets


def _cidrs(plan: AddressPlan, kind: str) -> Sequence[str]:
    return {"Public": plan.public, "Application": plan.application, "Data": plan.data}[kind]


def _v6_part(vpc: VPC, slot: int) -> AWSHelperFn:
    return Select(slot, Cidr(Select(0, GetAtt(vpc, "Ipv6CidrBlocks")), _V6_RANGES, _V6_BITS))


def _has_v6_way_out(env: Environment) -> bool:
    """``nat: none`` means no way out at all: an IPv6 address without one would make calls wait in vain."""
    return env.network.dual_stack and env.network.nat != "none"


# -- routes --------------------------------------------------------------------------------------------


def _table(stack: Stack, vpc: VPC, title: str, subnets: Sequence[Subnet]) -> RouteTable:
    """A route table for ``subnets``. Its own route to the VPC is always there."""
    name = f"{stack.subject.project}-{stack.subject.name}-{title}"
    table = stack.add(RouteTable(title, VpcId=Ref(vpc), Tags=Tags(Name=name)))
    for subnet in subnets:
        stack.add(
            SubnetRouteTableAssociation(
                f"{subnet.title}Routes", SubnetId=Ref(subnet), RouteTableId=Ref(table)
            )
        )
    return table


def _internet(stack: Stack, env: Environment, vpc: VPC, public: Sequence[Subnet]) -> VPCGatewayAttachment:
    """The internet gateway and the public subnets' routes through it."""
    gateway = stack.add(InternetGateway("InternetGateway"))
    attachment = stack.add(
        VPCGatewayAttachment("InternetAttachment", VpcId=Ref(vpc), InternetGatewayId=Ref(gateway))
    )
    table = _table(stack, vpc, "PublicRouteTable", public)
    through = {"GatewayId": Ref(gateway), "DependsOn": attachment.title}
    stack.add(Route("PublicRoute", RouteTableId=Ref(table), DestinationCidrBlock=ANYWHERE, **through))
    if env.network.dual_stack:
        stack.add(
            Route("PublicRouteV6", RouteTableId=Ref(table), DestinationIpv6CidrBlock=ANYWHERE_V6, **through),
            setting="network.dual_stack",
        )
    return attachment


def _application_routes(
    stack: Stack, env: Environment, vpc: VPC, application: Sequence[Subnet]
) -> list[RouteTable]:
    """A table for each zone, also where they route alike: so another NAT mode changes nothing but routes."""
    return [
        _table(stack, vpc, f"ApplicationRouteTable{number}", [subnet])
        for number, subnet in enumerate(application, start=1)
    ]


def _no_way_out(stack: Stack, vpc: VPC, data: Sequence[Subnet]) -> None:
    """Databases answer to what is in the VPC; this table never gets a route, nor an endpoint."""
    _table(stack, vpc, "DataRouteTable", data)


def _ways_out(
    stack: Stack,
    env: Environment,
    vpc: VPC,
    attachment: VPCGatewayAttachment,
    public: Sequence[Subnet],
    tables: Sequence[RouteTable],
) -> None:
    """The application subnets' routes to the internet, by NAT for IPv4 and without it for IPv6."""
    gateways = _nat_gateways(stack, env, vpc, attachment, public)
    for number, (table, gateway) in enumerate(zip(tables, gateways, strict=False), start=1):
        stack.add(
            Route(
                f"ApplicationRoute{number}",
                RouteTableId=Ref(table),
                DestinationCidrBlock=ANYWHERE,
                NatGatewayId=Ref(gateway),
            ),
            setting="network.nat",
        )
    if _has_v6_way_out(env):
        _v6_ways_out(stack, vpc, tables)


def _nat_gateways(
    stack: Stack, env: Environment, vpc: VPC, attachment: VPCGatewayAttachment, public: Sequence[Subnet]
) -> list[NatGateway]:
    """The gateway of each zone; none where there shall be none."""
    if env.network.nat == "regional":
        return [_regional_nat(stack, vpc, attachment)] * len(public)
    if env.network.nat == "per-zone":
        return [_zonal_nat(stack, subnet, zone, attachment) for zone, subnet in enumerate(public, start=1)]
    if env.network.nat == "single":
        return [_zonal_nat(stack, public[0], 1, attachment)] * len(public)
    return []


def _regional_nat(stack: Stack, vpc: VPC, attachment: VPCGatewayAttachment) -> NatGateway:
    """One gateway that AWS extends to each zone where instances appear, with addresses of its own choice."""
    return stack.add(
        NatGateway(
            "RegionalNatGateway",
            AvailabilityMode="regional",
            ConnectivityType="public",
            VpcId=Ref(vpc),  # and no subnet: the gateway has a route table of its own
            DependsOn=attachment.title,
            Tags=Tags(Name=f"{stack.subject.project}-{stack.subject.name}"),
        ),
        setting="network.nat",
    )


def _zonal_nat(stack: Stack, subnet: Subnet, number: int, attachment: VPCGatewayAttachment) -> NatGateway:
    address = stack.add(
        EIP(f"NatAddress{number}", Domain="vpc", DependsOn=attachment.title), setting="network.nat"
    )
    stack.output(f"NatAddress{number}", Ref(address), f"Address that calls from zone {number} come from")
    return stack.add(
        NatGateway(
            f"NatGateway{number}",
            AllocationId=GetAtt(address, "AllocationId"),
            SubnetId=Ref(subnet),
            DependsOn=attachment.title,
            Tags=Tags(Name=f"{stack.subject.project}-{stack.subject.name}-{number}"),
        ),
        setting="network.nat",
    )


def _v6_ways_out(stack: Stack, vpc: VPC, tables: Sequence[RouteTable]) -> None:
    gateway = stack.add(
        EgressOnlyInternetGateway("EgressOnlyGateway", VpcId=Ref(vpc)), setting="network.dual_stack"
    )
    for number, table in enumerate(tables, start=1):
        stack.add(
            Route(
                f"ApplicationRouteV6{number}",
                RouteTableId=Ref(table),
                DestinationIpv6CidrBlock=ANYWHERE_V6,
                EgressOnlyInternetGatewayId=Ref(gateway),
            ),
            setting="network.dual_stack",
        )
