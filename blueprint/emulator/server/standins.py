"""Stand-ins: resource types that ministack lacks, made from nothing but their schema.

A stand-in has an identity, attributes and the service's rules about them (required, unknown, create-only
properties; a name is taken once). It does nothing: no packet passes a stand-in NAT gateway.
"""

from __future__ import annotations

import threading
from typing import Any

from blueprint.emulator.server.identities import REF_PART, Maker
from blueprint.emulator.server.ministack import core, provisioners
from blueprint.emulator.server.schemas import Schemas, at, paths, top_level

# Services whose names are global in an account (or in the world), whatever the region.
GLOBAL_SERVICES = {"IAM", "CloudFront", "Route53", "GlobalAccelerator", "Organizations", "Budgets"}

Made = tuple[str, dict[str, Any]]  # physical id and attributes
Handlers = dict[str, dict[str, Any]]  # ministack's functions by resource type

_names_lock = threading.Lock()
_names: set[tuple[str, str, str, str]] = set()  # account, region, type, physical id of what exists


class StandIns:
    """The handlers of every type that ministack lacks."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def install(self, handlers: Handlers, replacing: dict[str, Any], types: set[str]) -> None:
        """Add a stand-in for every one of ``types`` that ``handlers`` does not have."""
        for resource_type in types - set(handlers):
            handlers[resource_type] = self._handler(resource_type)
            replacing[resource_type] = CreateOnly(self._schemas, resource_type)

    def _handler(self, resource_type: str) -> dict[str, Any]:
        def create(logical_id: str, props: dict[str, Any], stack: str) -> Made:
            return self.create(resource_type, logical_id, props, stack)

        def update(pid: str, old: Any, new: dict[str, Any], stack: str, logical_id: str) -> Made:
            # Create-only changes never come here: ministack asks `create` for a replacement then.
            return pid, self.attributes(resource_type, logical_id, new, stack)

        def delete(pid: str, props: dict[str, Any]) -> None:
            with _names_lock:
                _names.discard(_scope(resource_type, pid))

        return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}

    def create(self, resource_type: str, logical_id: str, props: dict[str, Any], stack: str) -> Made:
        attributes = self.attributes(resource_type, logical_id, props, stack)
        schema = self._schema(resource_type)
        identifier = {
            path[-1]: attributes.get(".".join(path)) or self._given(schema, path, props, attributes)
            for path in paths(schema.get("primaryIdentifier"))
        }
        part = REF_PART.get(resource_type)
        physical_id = identifier[part] if part else "|".join(str(value) for value in identifier.values())
        with _names_lock:
            if _scope(resource_type, physical_id) in _names:
                raise ValueError(f"{physical_id} already exists ({resource_type})")
            _names.add(_scope(resource_type, physical_id))
        return physical_id, attributes

    def attributes(
        self, resource_type: str, logical_id: str, props: dict[str, Any], stack: str
    ) -> dict[str, Any]:
        """What ``Fn::GetAtt`` may read, by its dotted name."""
        schema = self._schema(resource_type)
        maker = _maker(resource_type, logical_id, stack)
        name = self._own_name(schema, props, maker)
        readable: dict[str, Any] = {}
        for path in paths(schema.get("readOnlyProperties")):
            if "*" not in path:
                self._add(readable, schema, path, maker, name)
        for path in paths(schema.get("primaryIdentifier")):
            readable.setdefault(".".join(path), _at(props, path) or maker.value(schema, path))
        return readable

    def _add(
        self, readable: dict[str, Any], schema: dict[str, Any], path: list[str], maker: Maker, name: str
    ) -> None:
        """One read-only property, and the members of it where it is an object."""
        members = at(schema, path).get("properties", {}) if len(path) < 4 else {}
        for member in members:
            self._add(readable, schema, [*path, member], maker, name)
        if not members:
            readable[".".join(path)] = maker.value(schema, path, name)

    def _own_name(self, schema: dict[str, Any], props: dict[str, Any], maker: Maker) -> str:
        read_only = paths(schema.get("readOnlyProperties"))
        for path in paths(schema.get("primaryIdentifier")):
            if path not in read_only:
                return str(_at(props, path) or maker.value(schema, path))
        return str(props.get("Name") or "")

    def _given(self, schema: dict[str, Any], path: list[str], props: Any, attributes: Any) -> Any:
        return _at(props, path) or attributes[".".join(path)]

    def _schema(self, resource_type: str) -> dict[str, Any]:
        return self._schemas.of(resource_type, core.get_region()) or {}


class CreateOnly:
    """The create-only properties of a type, read when ministack asks whether one of them changed."""

    def __init__(self, schemas: Schemas, resource_type: str) -> None:
        self._schemas = schemas
        self._type = resource_type

    def __contains__(self, name: object) -> bool:
        schema = self._schemas.of(self._type, core.get_region()) or {}
        return name in top_level(schema.get("createOnlyProperties"))


def _maker(resource_type: str, logical_id: str, stack: str) -> Maker:
    seed = provisioners._NAME_SEED.get()  # ministack draws a new one for each replacement
    return Maker(resource_type, core.get_account_id(), core.get_region(), stack, logical_id, seed)


def _scope(resource_type: str, physical_id: str) -> tuple[str, str, str, str]:
    everywhere = resource_type.split("::")[1] in GLOBAL_SERVICES
    return core.get_account_id(), "" if everywhere else core.get_region(), resource_type, physical_id


def _at(properties: Any, path: list[str]) -> Any:
    for part in path:
        properties = properties.get(part) if isinstance(properties, dict) else None
    return properties
