"""Values that know their file, line and column: showing, finding and merging them."""

from __future__ import annotations

import re
from typing import Any

from blueprint.problems import Where


class Node:
    """A value and where it was written. ``value`` is a scalar, a list of nodes, or entries by key."""

    __slots__ = ("height", "size", "value", "where")

    def __init__(self, value: Any, where: Where) -> None:
        self.value = value
        self.where = where
        self.size = 1  # nodes in it, aliases expanded
        self.height = 1  # levels in it


class Entry:
    """A key of a mapping, and its node. The key's place is the better one to show for a whole section."""

    __slots__ = ("key", "node")

    def __init__(self, key: Where, node: Node) -> None:
        self.key = key
        self.node = node


def shown(value: object, longest: int = 60) -> str:
    """A value as an error message shows it: on one line, printable and short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = getattr(value, "text", None) or str(value)
    if len(text) > longest:
        return f"{text[: longest - 20]!r}... ({len(text)} characters)"
    return repr(text) if isinstance(value, str) else text


def shown_key(key: object) -> str:
    """A key as a field path shows it: plain where that is readable."""
    text = str(key)
    return text if re.fullmatch(r"[\w:/@+=-][\w.:/@+= -]{0,59}", text) else shown(text)


def joined(path: str, key: object) -> str:
    """``path`` extended by a key or an index."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{shown_key(key)}" if path else shown_key(key)


def merged(base: Node, over: Node) -> Node:
    """``over`` laid on ``base``: mappings merge, everything else is replaced."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    entries = dict(base.value)
    for key, entry in over.value.items():
        under = entries.get(key)
        entries[key] = Entry(entry.key, merged(under.node, entry.node)) if under else entry
    return Node(entries, over.where)


def plain(node: Node) -> Any:
    """The bare values of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def find(node: Node, path: str, of_key: bool = False) -> tuple[Where | None, bool]:
    """The place of ``recovery[0].cidr`` or the innermost one on the way there, and whether it is all of it.

    For a section, and ``of_key``, it is the place of the key, else that of the value.
    """
    where = None
    while path:
        step = _step(node, path)
        if step is None:
            return where, False
        key, node, path = step
        where = key if of_key or isinstance(node.value, (dict, list)) else node.where
    return where, True


def _step(node: Node, path: str) -> tuple[Where, Node, str] | None:
    """The place of the first key (or index) of ``path``, its value, and the rest of the path."""
    if isinstance(node.value, list):
        index = re.match(r"\[([0-9]{1,6})\]\.?", path)
        if index and int(index[1]) < len(node.value):
            item = node.value[int(index[1])]
            return item.where, item, path[index.end() :]
    elif isinstance(node.value, dict):
        names = {shown_key(key): key for key in node.value}
        fits = [name for name in names if (path + ".").startswith((name + ".", name + "["))]
        if fits:
            name = max(fits, key=len)  # keys of tags may contain dots
            entry = node.value[names[name]]
            return entry.key, entry.node, path[len(name) :].removeprefix(".")
    return None
