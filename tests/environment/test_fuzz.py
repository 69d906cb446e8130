"""Whatever a file holds, loading it gives an environment or problems to act on, never a traceback."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blueprint.environment import Environment, load_account, load_environment
from blueprint.environment.messages import all_keys
from blueprint.environment.regions import ZONES
from blueprint.problems import BlueprintError
from tests.environment.conftest import ACCOUNT, BASE

SHIPPED = Path(__file__).parents[2] / "environments"
SEEDS = [path.read_text() for path in sorted(SHIPPED.glob("*.yaml"))]
SEEDS += [path.read_text() for path in sorted((Path(__file__).parent / "broken").glob("*.yaml"))]
TRIALS = settings(
    max_examples=300 if os.environ.get("BLUEPRINT_FULL") else 120,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def outcome(data: bytes, name: str = "prod") -> list[str]:
    """Load ``data`` as an environment (or as the account's file); the problems, each checked for its form."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "base.yaml").write_text(BASE)
        (path / "prod.yaml").write_text("extends: base.yaml\n")
        (path / f"{name}.yaml").write_bytes(data)
        try:
            if name == "account":
                assert load_account(path).rollout
            else:
                load_environment(path, name)
        except BlueprintError as error:
            problems = error.problems
        else:
            return []
    assert problems
    for problem in problems:
        well_formed(problem, data)
    return [str(problem) for problem in problems]


def well_formed(problem: Any, data: bytes) -> None:
    line = str(problem)
    assert line.isprintable(), line
    assert len(line) < 1200
    line.encode()  # no lone surrogates
    assert problem.where
    assert problem.where.file.endswith(".yaml")
    assert re.fullmatch(r"ENV[0-9]{3}", problem.code)
    assert problem.what
    assert problem.remedy
    assert not re.search(
        r"pydantic|[Ii]nput should|validat|NoneType|<class|Traceback", line.replace("pydantic: ", "")
    )
    if problem.where.line is not None:
        assert (
            1 <= problem.where.line <= data.count(b"\n") + data.count(b"\r") + 7 + data.count(b"\xc2\x85") * 2
        )


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 4000),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [*ZONES, "none", "single", "10.0.0.0/16", "10.0.0.0/22", "a.example.com", "a@b.de", "base.yaml"]
    ),
)
KEYS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([key.rsplit(".", 1)[-1] for key in all_keys(Environment)] + ["extends", "<<", *ZONES]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@TRIALS
@given(st.binary(max_size=200))
def test_any_bytes_give_an_environment_or_a_clean_error(data: bytes) -> None:
    assert outcome(data)


@TRIALS
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.sampled_from(["prod", "account"]))
def test_any_values_give_an_environment_or_a_clean_error(values: dict[str, Any], name: str) -> None:
    base = ACCOUNT if name == "account" else "extends: base.yaml\n"
    text = base + "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in values.items())
    outcome(text.encode(), name)


@TRIALS
@given(st.sampled_from(all_keys(Environment)), VALUES)
def test_any_value_at_any_key_gives_an_environment_or_a_clean_error(path: str, value: Any) -> None:
    over: Any = value
    for key in reversed(path.split(".")):
        over = {key: over}
    text = "extends: base.yaml\n" + "".join(f"{key}: {json.dumps(item)}\n" for key, item in over.items())
    for line in outcome(text.encode()):
        assert line.startswith("prod.yaml:2:") or ".yaml:1:" in line or "/prod.yaml:2:" in line, line


@TRIALS
@given(st.sampled_from(SEEDS), st.data())
def test_a_file_that_was_edited_at_random_gives_an_environment_or_a_clean_error(
    seed: str, data: st.DataObject
) -> None:
    text = seed
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = min(len(text), begin + data.draw(st.integers(0, 12)))
        put = data.draw(st.one_of(
            st.text(max_size=6),
            st.text("[]{}&*!|>'\"%@`#:,-? \t\n~<", max_size=6),
            st.just(text[begin : end + 20]),
        ))  # fmt: skip
        text = text[:begin] + put + text[end:]
    outcome(text.encode("utf-8", "surrogatepass"), "prod")
