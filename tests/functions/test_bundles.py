"""Functions of several files are one file in Lambda: nothing in it may shadow another's."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from blueprint.layers.shared.functions import inline_code

FOLDER = Path(__file__).parents[2] / "blueprint" / "functions"
HANDLERS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if any(line.startswith(("handler = ", "def handler(")) for line in path.read_text().splitlines())
)


def names(code: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for node in ast.parse(code).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] += 1
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                found.update(part.id for part in parts if isinstance(part, ast.Name))
    return found


@pytest.mark.parametrize("module", HANDLERS)
def test_no_name_is_defined_twice_and_nothing_of_ours_is_imported(module: str) -> None:
    code = inline_code(module)
    assert [name for name, times in names(code).items() if times > 1] == []
    assert "blueprint" not in "".join(line for line in code.splitlines() if "import" in line)
    assert names(code)["handler"] == 1


def test_what_several_files_need_stands_once_and_before_them() -> None:
    code = inline_code("database_user_mysql")
    needed = ("def rotation(", "def custom_resource(", "def handler_over(", "def over_proxy(")
    assert [code.count(text) for text in needed] == [1, 1, 1, 1]
    assert all(code.index(text) < code.index("handler = handler_over(") for text in needed)
    assert code.count("from __future__") == 1


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("database_master", ["def custom_resource(", "def sha256_crypt("]),
        ("database_restored", ["def sha256_crypt("]),
        ("database_user_aurora", ["def over_proxy(", "def set_password("]),
        ("database_user_mysql", ["rds-data", "def set_password("]),
        ("cache_password", ["def custom_resource("]),
    ],
)
def test_a_function_carries_nothing_that_it_does_not_need(module: str, without: list[str]) -> None:
    assert [text for text in without if text in inline_code(module)] == []
