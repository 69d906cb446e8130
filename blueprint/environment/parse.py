"""From the text of one YAML file to a tree of values, each of which knows its file, line and column.

The tree is built from the parser's events, without recursion, so that neither nesting nor aliases can
exhaust memory or stack. Scalars follow YAML 1.2: ``true``, ``false``, ``null`` and plain decimal numbers;
``no``, ``off``, ``12:30`` and ``0123`` stay text. Not supported, because nobody needs them here: merge keys
(``extends`` does that job), tags (``!x``), several documents, keys that are not text.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, NoReturn

import yaml

from blueprint.environment.formats import WrittenFloat, WrittenInt
from blueprint.environment.tree import Entry, Node, joined, shown
from blueprint.problems import BlueprintError, Problem, Where, printable

EXTENDS = "extends"  # the one key that is the loader's, not the model's
MOST_BYTES = 262_144  # a long environment file has some 5,000
MOST_VALUES = 10_000  # with aliases expanded
MOST_LEVELS = 32

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
# C0, DEL, C1 except NEL, surrogates, byte order mark, non-characters: no file of ours holds any. Patterns are
# compiled where text is not printable, which is hardly ever.
_CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
_NOT_IN_VALUES = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"


def read(data: bytes, file: str, problems: list[Problem]) -> Node:
    """The tree of a file. What is wrong is added to ``problems``, or raised where it ends the reading."""
    text = _text(data, file)
    builder = _Builder(file, problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        builder.fail(_syntax_problem(error, text, file))
    if builder.root is None or builder.root.value is None:
        builder.fail(
            Problem(
                "the file is empty",
                Where(file, 1, 1),
                "write at least one key, such as region: eu-west-1",
                "ENV005",
            )
        )
    if not isinstance(builder.root.value, dict):
        builder.fail(
            Problem(
                f"the file holds {_kind(builder.root.value)}, not keys and values",
                builder.root.where,
                "write key: value pairs",
                "ENV005",
            )
        )
    return builder.root


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"


# -- bytes to text -----------------------------------------------------------------------------------------


def _text(data: bytes, file: str) -> str:
    if len(data) > MOST_BYTES:
        raise BlueprintError(
            Problem(
                f"the file has more than {MOST_BYTES:,} bytes, which no environment needs",
                Where(file),
                "shorten it",
                "ENV009",
            )
        )
    try:
        text = data.decode("utf-8-sig")  # editors on Windows begin files with a byte order mark
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise BlueprintError(
            Problem(
                f"the file is not UTF-8: byte 0x{data[error.start]:02x}",
                _place(file, before),
                "save it as UTF-8",
                "ENV002",
            )
        ) from None
    if not text.replace("\n", "").isprintable() and (bad := re.search(_CONTROL, text)):
        raise BlueprintError(
            Problem(
                f"the file contains the control character U+{ord(bad[0]):04X}",
                _place(file, text[: bad.start()]),
                "remove it; the file must be plain text",
                "ENV004",
            )
        )
    return text


def _place(file: str, before: str) -> Where:
    """The place just after the text ``before``."""
    return Where(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


# -- syntax errors in plain words --------------------------------------------------------------------------

#: What the parser says, what it means, and what helps.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a colon stands where no key is expected",
        "check the indentation, and put quotes around a value that contains ': '",
    ),
    (
        "did not find expected key",
        "a key is expected here",
        "indent keys of one level alike, and close quotes",
    ),
    ("did not find expected '-' indicator", "a list item is expected here", "indent items of a list alike"),
    ("did not find expected ',' or ']'", "a list in [ ] is not finished", "add the missing , or ]"),
    ("did not find expected ',' or '}'", "a mapping in { } is not finished", "add the missing , or }"),
    ("unexpected end of stream", "a quoted text is not closed", "add the missing quote"),
    (
        "did not find expected node content",
        "a value is missing, or a bracket is not closed",
        "finish the value",
    ),
    ("invalid Unicode character", "an escape in double quotes stands for no character", "use single quotes"),
    ("incompatible YAML document", "lines that begin with % are not supported", "remove the line"),
    ("unknown directive", "lines that begin with % are not supported", "remove the line"),
    ("could not find expected ':'", "a key has no colon", "write key: value"),
    ("undefined tag handle", "a tag (!name) stands here", "put quotes around text that begins with !"),
    (
        "alphabetic or numeric",
        "a name is missing after & or *",
        "put quotes around text that begins with & or *",
    ),
    ("cannot start any token", "a value cannot begin with this character", "put quotes around the value"),
    ("escape character", "an unknown escape stands in double quotes", "use single quotes, or double the \\"),
)


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
    lines = text.split("\n")
    if mark and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        return Problem("a tab stands where YAML wants spaces", where, "replace tabs by spaces", "ENV003")
    for sign, what, remedy in _SYNTAX:
        if sign in said:
            return Problem(f"not valid YAML: {what}", where, remedy, "ENV003")
    return Problem(
        f"not valid YAML: {printable(said[:100])}", where, "mend the line, or the one above it", "ENV003"
    )


# -- events to tree ----------------------------------------------------------------------------------------


class _Open:
    """A mapping or list that is being read."""

    __slots__ = ("anchor", "key", "node", "skips", "wants_key")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, Where] | None = None  # of the value that comes next
        self.wants_key = True
        self.skips = False  # the value that comes next belongs to a refused key


class _Builder:
    """Takes the parser's events one by one; ``root`` is the tree when all are taken."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}  # None while it is being read

    def fail(self, problem: Problem) -> NoReturn:
        raise BlueprintError(problem)

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event), event.anchor, event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin({}, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            self._add(done.node, done.anchor, event)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event), None, event)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.fail(
                Problem(
                    "a second document begins (---)",
                    self._where(event),
                    "keep one document in a file",
                    "ENV005",
                )
            )

    def _where(self, event: Any) -> Where:
        return Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1, self._path())

    def _path(self) -> str:
        path = ""
        for level in self.open:
            if isinstance(level.node.value, list):
                path = joined(path, len(level.node.value))
            elif level.key:
                path = joined(path, level.key[0])
        return path

    def _scalar(self, event: Any) -> Node:
        self._refuse_tag(event)
        where = self._where(event)
        if not event.implicit[0]:  # quoted, or a block of text
            value: Any = event.value
        else:
            value = _plain(event.value)
        if isinstance(value, str) and not value.isprintable() and (bad := re.search(_NOT_IN_VALUES, value)):
            what = "line break" if bad[0] in "\n\r\u2028\u2029" else f"control character U+{ord(bad[0]):04X}"
            self.problems.append(
                Problem(f"{shown(value)} contains a {what}", where, "write it on one line, without", "ENV004")
            )
            value = ""
        return Node(value, where)

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            self.fail(
                Problem(
                    f"the alias *{event.anchor[:40]} has no anchor before it",
                    self._where(event),
                    "put quotes around text that begins with *",
                    "ENV003",
                )
            )
        node = self.anchors[event.anchor]
        if node is None:
            self.fail(
                Problem(
                    f"the alias *{event.anchor[:40]} stands inside its own anchor",
                    self._where(event),
                    "write the value out",
                    "ENV009",
                )
            )
        return node

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self.problems.append(
                Problem(
                    "YAML tags (!name) are not supported",
                    self._where(event),
                    "remove the tag, or put quotes around text that begins with !",
                    "ENV008",
                )
            )

    def _begin(self, value: Any, event: Any) -> None:
        self._refuse_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if len(self.open) >= MOST_LEVELS:
            self._too_deep(event)
        self.open.append(_Open(Node(value, self._where(event)), event.anchor))

    def _too_deep(self, event: Any) -> NoReturn:
        self.fail(
            Problem(
                f"values are nested more than {MOST_LEVELS} levels deep",
                Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1),
                "the deepest setting has four levels",
                "ENV009",
            )
        )

    def _add(self, node: Node, anchor: str | None, event: Any) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        level = self.open[-1]
        if isinstance(level.node.value, dict) and level.wants_key:
            self._take_key(level, node)
            return
        level.node.size += node.size
        level.node.height = max(level.node.height, node.height + 1)
        if len(self.open) + node.height > MOST_LEVELS:
            self._too_deep(event)
        if level.node.size > MOST_VALUES:
            self.fail(
                Problem(
                    f"the file holds more than {MOST_VALUES:,} values once its aliases are written out",
                    Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1),
                    "write the values out instead of aliasing aliases",
                    "ENV009",
                )
            )
        if isinstance(level.node.value, list):
            level.node.value.append(node)
            return
        level.wants_key = True
        if level.key and not level.skips:
            level.node.value[level.key[0]] = Entry(level.key[1], node)
        level.key = None

    def _take_key(self, level: _Open, node: Node) -> None:
        level.wants_key, level.skips = False, False
        key, where = node.value, node.where
        if not isinstance(key, str) or key == "<<":
            level.skips = True
            self.problems.append(self._bad_key(key, where))
            return
        here = Where(self.file, where.line, where.column, joined(where.field, key))
        first = level.node.value.get(key)
        if first is not None:
            level.skips = True
            self.problems.append(
                Problem(
                    f"the key {shown(key)} stands here a second time",
                    here,
                    f"remove this one or the one in line {first.key.line}",
                    "ENV006",
                )
            )
        level.key = (key, here)

    @staticmethod
    def _bad_key(key: object, where: Where) -> Problem:
        if key == "<<":
            return Problem(
                "merge keys (<<) are not supported", where, "write the keys out, or use extends", "ENV008"
            )
        if isinstance(key, (dict, list)):
            return Problem(f"{shown(key)} cannot be a key", where, "write key: value", "ENV007")
        return Problem(f"the key {shown(key)} is not text", where, "put quotes around it", "ENV007")


def _plain(text: str) -> Any:
    """An unquoted scalar by the rules of YAML 1.2, leaving out what only programs would write."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        whole = WrittenInt(text)
        whole.text = text
        return whole
    if _DECIMAL.fullmatch(text) and len(text) <= 40 and isfinite(float(text)):
        number = WrittenFloat(text)
        number.text = text
        return number
    return text
