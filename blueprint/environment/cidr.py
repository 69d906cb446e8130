"""The address plan of a VPC: which subnet gets which addresses. Pure functions; sizes in addresses.

A VPC of prefix /N is cut into eight blocks of /(N+3)::

    block  0 .. 3   application subnets of zone 1 .. 4
    block  4        four /(N+5): public subnets of zone 1 .. 4
    block  5        four /(N+5): data subnets of zone 1 .. 4
    block  6, 7     reserved

Every zone has its place whether used or not, so that one more zone adds subnets and moves none.
With 10.0.0.0/16 an application subnet has 8,192 addresses and the others 2,048 each (AWS keeps 5 of each).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

MOST_ZONES = 4
LARGEST_VPC = 16  # AWS: "The allowed block size is between a /28 netmask and /16 netmask"
SMALLEST_VPC = 22  # its public subnets are /27, the smallest that a load balancer accepts
PRIVATE_RANGES = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

_BLOCK_BITS = 3
_SMALL_BITS = 5
_PUBLIC_BLOCK = 4
_DATA_BLOCK = 5


@dataclass(frozen=True)
class AddressPlan:
    """The CIDRs of the subnets of each kind, one per zone, in the order of the zones."""

    application: tuple[str, ...]
    public: tuple[str, ...]
    data: tuple[str, ...]


def address_plan(cidr: str, zones: int) -> AddressPlan:
    """Cut ``cidr`` (a /16 to /22) for ``zones`` zones (1 to 4)."""
    network = IPv4Network(cidr)
    in_block = 1 << (_SMALL_BITS - _BLOCK_BITS)
    return AddressPlan(
        application=tuple(_part(network, _BLOCK_BITS, zone) for zone in range(zones)),
        public=tuple(_part(network, _SMALL_BITS, _PUBLIC_BLOCK * in_block + zone) for zone in range(zones)),
        data=tuple(_part(network, _SMALL_BITS, _DATA_BLOCK * in_block + zone) for zone in range(zones)),
    )


def _part(network: IPv4Network, bits: int, index: int) -> str:
    """Part ``index`` of ``network`` cut into ``2 ** bits`` equal parts."""
    prefix = network.prefixlen + bits
    return str(IPv4Network((int(network.network_address) + (index << (32 - prefix)), prefix)))
