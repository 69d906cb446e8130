"""Whatever stands in an environment file: good templates, or problems that a person can act on.

The files are the shipped ones, mutated: values exchanged for odd or extreme ones, keys dropped, doubled and
misspelt, text cut and spliced. What loads must render, and what renders must satisfy
``cloudformation-validate`` and our own invariants. The same examples are tried each time, so that the suite
is no lottery; ``BLUEPRINT_FULL=1`` tries more, and others each time.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blueprint.environment import Account, Environment, load_account, load_environment
from blueprint.gate import GateInput, check
from blueprint.layers import layers_for
from blueprint.problems import BlueprintError
from blueprint.render import Rendered, render
from tests import options
from tests.conftest import ROOT, SHIPPED, Rendering
from tests.invariants import violations

FULL = bool(os.environ.get("BLUEPRINT_FULL"))
FILES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "environments").glob("*.yaml")}
NAMES = [name for name in SHIPPED if name != "account"]


def trials(number: int) -> Any:
    return settings(
        max_examples=number * (10 if FULL else 1),
        derandomize=not FULL,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def outcome(name: str, text: str | bytes) -> Rendered | BlueprintError:
    """Load ``text`` as that environment, among the shipped files, and render it."""
    with TemporaryDirectory() as folder:
        for file, shipped in FILES.items():
            (Path(folder) / file).write_text(shipped, encoding="utf-8")
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        (Path(folder) / f"{name}.yaml").write_bytes(data)
        try:
            subject = (
                load_account(Path(folder)) if name == "account" else load_environment(Path(folder), name)
            )
            return render(subject, layers_for(subject))
        except BlueprintError as error:
            return error


_good: set[tuple[bytes, tuple[str, ...]]] = set()  # templates that the validator has passed, and for where


def judge(result: Rendered | BlueprintError) -> None:
    """Good templates, or one-line problems that say where and what to do."""
    if isinstance(result, BlueprintError):
        assert result.problems
        for problem in result.problems:
            assert len(str(problem).splitlines()) == 1
            assert problem.where is not None
            assert problem.where.file
            assert problem.remedy
            assert problem.code
            assert "Traceback" not in str(problem)
        return
    rendering = Rendering(result)
    assert violations(rendering) == []
    stacks = result.plan.stacks
    inputs = [
        GateInput(name, body, stacks[name].regions, name)  # as a render does: regions differ in what is wrong
        for name, body in result.bodies.items()
        if (body, stacks[name].regions) not in _good
    ]
    found = check(inputs, cache_dir=None, validators=["cloudformation-validate"])
    assert [finding for finding in found if finding.fails] == []
    _good.update((body, stacks[name].regions) for name, body in result.bodies.items())


# -- values --------------------------------------------------------------------------------------------

WORDS = [
    *("", " ", "null", "~", "on", "0x10", "1e3", "012", "1_000", "2026-11-23", "-", "{}", "[]"),
    *("é", "\U0001f4a5", "a" * 300, "<script>", "../../etc/passwd", '"; rm -rf /'),
    *("${AWS::Region}", "{{resolve:ssm:/x}}", "eu-west-1", "cn-north-1", "moon-1"),
    *("10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "300.1.1.1/16", "::/0"),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 40_000),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(WORDS),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(0, 3), max_size=3),
)
MUTATIONS = ["lawful", "lawful", "lawful", "odd", "drop", "misspell", "swap", "tags"]
TAG = st.text(alphabet=st.sampled_from("aZ09 _.:/=+-@é${}\"'\\"), min_size=1, max_size=30)


@cache
def lawful(model: type) -> dict[str, list[Any]]:
    """Values that each option takes, as in the combinatorial tests."""
    return options.options(model)


def plain(name: str) -> dict[str, Any]:
    """A shipped file without what it extends, so that mutations reach every key."""
    data = yaml.safe_load(FILES[f"{name}.yaml"])
    base = data.pop("extends", None)
    return {**yaml.safe_load(FILES[base]), **data} if base else data


def paths(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if way:
        yield way
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from paths(child, (*way, key))


def at(tree: Any, way: tuple[Any, ...]) -> Any:
    for step in way:
        tree = tree[step]
    return tree


@st.composite
def mutated(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A shipped file with one to four of its values, or of its keys, changed."""
    tree = copy.deepcopy(plain(name))
    values = lawful(Account if name == "account" else Environment)
    for _ in range(draw(st.integers(1, 4))):
        every = list(paths(tree))
        if not every:
            break
        *way, last = draw(st.sampled_from(every))
        holder = at(tree, tuple(way))
        match draw(st.sampled_from(MUTATIONS)):
            case "lawful":
                option = draw(st.sampled_from(sorted(values)))
                _put(tree, option, copy.deepcopy(draw(st.sampled_from(values[option]))))
            case "odd":
                holder[last] = draw(ODD)
            case "drop":
                del holder[last]
            case "misspell" if isinstance(holder, dict) and isinstance(last, str) and last:
                index = draw(st.integers(0, len(last) - 1))
                holder[last[:index] + draw(st.sampled_from("xé _")) + last[index + 1 :]] = holder.pop(last)
            case "swap":
                holder[last] = copy.deepcopy(at(tree, draw(st.sampled_from(every))))
            case "tags":
                tree["tags"] = draw(st.dictionaries(TAG, TAG, max_size=6))
    return tree


def _put(tree: dict[str, Any], option: str, value: Any) -> None:
    *way, last = option.split(".")
    node: Any = tree
    for step in way:
        node = node.setdefault(step, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            return
    if value is options.UNSET:
        node.pop(last, None)
    else:
        node[last] = value


@pytest.mark.parametrize("name", ["prod", "dev", "account"])
def test_files_with_other_values_give_good_templates_or_clean_problems(name):
    seen: list[bool] = []

    @trials(150)
    @given(mutated(name))
    def attempt(tree: dict[str, Any]) -> None:
        result = outcome(name, yaml.safe_dump(tree, allow_unicode=True))
        seen.append(isinstance(result, BlueprintError))
        judge(result)

    attempt()
    assert seen.count(True) > len(seen) / 20  # some were refused
    assert seen.count(False) > len(seen) / 20  # and some were rendered


# -- text ----------------------------------------------------------------------------------------------


@st.composite
def spliced(draw: st.DrawFn) -> str:
    """The text of a shipped file, cut, doubled, shuffled, or with something in the middle."""
    text = FILES[f"{draw(st.sampled_from(NAMES))}.yaml"]
    for _ in range(draw(st.integers(1, 3))):
        lines = text.splitlines(keepends=True) or [""]
        index = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["insert", "cut", "double", "indent", "move", "join"])):
            case "insert":
                place = draw(st.integers(0, len(text)))
                text = text[:place] + draw(st.sampled_from(FRAGMENTS)) + text[place:]
                continue
            case "cut":
                text = text[: draw(st.integers(0, len(text)))]
                continue
            case "double":
                lines.insert(index, lines[index])
            case "indent":
                lines[index] = " " * draw(st.integers(1, 3)) + lines[index]
            case "move":
                lines.append(lines.pop(index))
            case "join":
                lines[index] = lines[index].rstrip("\n")
        text = "".join(lines)
    return text


FRAGMENTS = [
    *(":", "- ", "{", "}", "[", "]", '"', "'", "|", ">", "&a ", "*a", "# ", "? ", "<<: *x\n", "@", "`"),
    *("---\n", "...\n", "\t", "\x00", "\x85", "\u2028", "\ufeff", "\r", "\ud800"),
    *("!!python/object:os.system ", "%YAML 9.9\n", "zones: 3\n", "extends: prod.yaml\n"),
    *("tags: {a: b}\n", "network: {zones: 4}\n", "recovery: []\n"),
]


@trials(300)
@given(spliced())
@example("")
@example("[]")
@example("extends: prod.yaml")
@example("a: &a [*a, *a]")
def test_spoilt_text_gives_good_templates_or_clean_problems(text):
    judge(outcome("prod", text))


@trials(80)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_bytes_that_are_no_text_give_clean_problems(noise, place):
    data = FILES["prod.yaml"].encode()
    judge(outcome("prod", data[:place] + noise + data[place:]))
