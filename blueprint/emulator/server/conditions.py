"""Conditions as the service evaluates them.

ministack resolves only ``Ref`` to a parameter in a condition. The templates here compare a mapping on the
region (``Fn::FindInMap`` with ``AWS::Region``), so that every condition on the origin would be false.
"""

from __future__ import annotations

from typing import Any

from blueprint.emulator.server.ministack import engine


def evaluate(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
    """The value of every condition of ``template``, by name."""
    return _Conditions(template, params).all()


class _Conditions:
    def __init__(self, template: dict[str, Any], params: dict[str, Any]) -> None:
        self._definitions: dict[str, Any] = template.get("Conditions") or {}
        self._mappings: dict[str, Any] = template.get("Mappings") or {}
        self._params = params
        self._known: dict[str, bool] = {}

    def all(self) -> dict[str, bool]:
        return {name: self._named(name) for name in self._definitions}

    def _named(self, name: str) -> bool:
        if name not in self._definitions:
            raise ValueError(f"Template format error: Unresolved condition dependency {name}")
        if name not in self._known:
            self._known[name] = self._holds(self._definitions[name])
        return self._known[name]

    def _holds(self, node: Any) -> bool:
        function, argument = next(iter(node.items()))
        if function == "Condition":
            return self._named(argument)
        if function == "Fn::And":
            return all(self._holds(member) for member in argument)
        if function == "Fn::Or":
            return any(self._holds(member) for member in argument)
        if function == "Fn::Not":
            return not self._holds(argument[0])
        if function == "Fn::Equals":
            left, right = (self._text(member) for member in argument)
            return left == right
        raise ValueError(f"Template format error: {function} is not a condition function")

    def _text(self, node: Any) -> str:
        value = engine._resolve_refs(node, {}, self._params, {}, self._mappings, "", "")
        return str(value).lower() if isinstance(value, bool) else str(value)
