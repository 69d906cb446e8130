"""The house as it is drawn: who may import whom, how big a module may grow, what must not be loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprint.layers import layer_names
from tests.conftest import ROOT

PACKAGE = ROOT / "blueprint"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
TESTS = ROOT / "tests"
MOST_LINES = 400

#: Room -> what of this package it may import besides itself. Nobody imports a room that stands after it.
MAY_IMPORT: dict[str, set[str]] = {
    "problems": set(),
    "environment": {"problems", "schemas"},
    "schemas": {"problems"},  # data files, read as data; imports nothing of the project but the error type
    "stacks": {"problems", "environment"},  # what layers make and the renderer takes
    "permissions": {"problems", "stacks", "schemas"},  # what deploying the stacks takes
    "layers": {"problems", "environment", "stacks", "schemas", "permissions"},
    "render": {"problems", "environment", "stacks", "schemas"},
    "gate": {"problems"},
    "functions": set(),  # their text becomes part of templates: they run in Lambda, without this package
    # Of the functions, how MySQL stores a password: the emulated database keeps it as the real one does.
    "emulator": {"problems", "bootstrap", "setup_venv", "schemas", "functions"},
    "bootstrap": {"setup_venv"},
    "setup_venv": {"bootstrap"},
    "cli": {"", "problems", "environment", "stacks", "render", "layers", "gate", "emulator", "bootstrap"},
    "": set(),  # blueprint/__init__.py
    "__main__": {"cli", "bootstrap"},
}
#: Modules that run before anything is installed.
STDLIB_ONLY = ("__init__", "bootstrap", "setup_venv")


def name_of(path: Path) -> str:
    """Dotted name below the package: ``render.stack``; empty for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") if parts != ("__init__",) else ""


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in a file, absolute."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if is_module(whole) else node.module


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def ours(path: Path) -> Iterator[str]:
    """Modules of this package that a file imports, below the package."""
    for name in imports(path):
        if name == "blueprint" or name.startswith("blueprint."):
            yield name.removeprefix("blueprint").removeprefix(".")


def ids(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


# -- direction of imports ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_module_imports_only_what_its_room_may(path):
    room = name_of(path).partition(".")[0]
    assert room in MAY_IMPORT, f"say in MAY_IMPORT what {room} may import"
    imported = {name.partition(".")[0] for name in ours(path)} - {room}
    assert imported <= MAY_IMPORT[room], f"{ids(path)} imports {imported - MAY_IMPORT[room]}"


def test_rooms_do_not_import_one_another_in_a_circle():
    """But for the two halves of the set-up, which are one thing in two files."""
    from graphlib import TopologicalSorter

    graph = {room: allowed - {room} for room, allowed in MAY_IMPORT.items()}
    graph["setup_venv"] = set()
    TopologicalSorter(graph).prepare()


def test_nothing_imports_the_command_line():
    importers = [ids(path) for path in MODULES for name in ours(path) if name.partition(".")[0] == "cli"]
    assert {name.partition("/")[0] for name in importers} <= {"cli", "__main__.py"}


LAYERS = [path for path in MODULES if name_of(path).startswith("layers.")]


@pytest.mark.parametrize("path", LAYERS, ids=ids)
def test_layers_do_not_import_one_another(path):
    """But each its own parts (``_network_logs`` of ``network``), and what all share."""
    layers = {*layer_names(), *(f"account.{name}" for name in layer_names("blueprint.layers.account"))}
    own = path.stem.lstrip("_").partition("_")[0]
    for name in ours(path):
        if name.startswith("layers.") and not name.startswith("layers.shared"):
            part = name.removeprefix("layers.")
            assert part not in layers, f"{ids(path)} imports the layer {part}"
            assert part.rpartition(".")[2].startswith(f"_{own}"), f"{ids(path)} imports {part}"


@pytest.mark.parametrize("package", ["blueprint.layers", "blueprint.layers.account"])
def test_every_layer_has_stacks(package):
    from importlib import import_module

    names = layer_names(package)
    assert names
    for name in names:
        module = import_module(f"{package}.{name}")
        assert callable(module.stacks), name
        assert module.__doc__, name


@pytest.mark.parametrize("name", STDLIB_ONLY)
def test_what_runs_before_anything_is_installed_needs_only_python(name):
    path = PACKAGE / f"{name}.py"
    foreign = {
        module.partition(".")[0] for module in imports(path) if not module.startswith("blueprint")
    } - set(sys.stdlib_module_names)
    assert foreign == set()
    assert {module.partition(".")[0] for module in ours(path)} <= set(STDLIB_ONLY)


def test_functions_of_custom_resources_need_only_what_lambda_has():
    for path in MODULES:
        if name_of(path).startswith("functions."):
            foreign = {module.partition(".")[0] for module in imports(path)} - set(sys.stdlib_module_names)
            assert foreign <= {"boto3", "botocore", "blueprint"}, ids(path)
            assert all(name.startswith("functions.") for name in ours(path)), ids(path)


# -- what is loaded ------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}\nprint(*sys.modules, sep='\\n')"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(result.stdout.split())


def test_rendering_loads_no_validator_no_sdk_and_nothing_slow():
    modules = loaded_by(
        "from pathlib import Path\n"
        "from blueprint.environment import load_environment\n"
        "from blueprint.layers import layers_for\n"
        "from blueprint.render import render\n"
        "env = load_environment(Path('environments'), 'prod')\n"
        "assert render(env, layers_for(env)).files"
    )
    assert "troposphere" in modules
    heavy = {"boto3", "botocore", "cfnlint", "cloudformation_validate"}
    # Not importlib.metadata (25 ms): pydantic loads it by itself, to look for plugins.
    slow = {"http.client", "asyncio", "unittest", "jinja2", "requests", "multiprocessing"}
    assert modules & (heavy | slow) == set()


def test_the_command_line_loads_no_validator_before_something_must_be_linted():
    modules = loaded_by("import blueprint.cli.render, blueprint.cli.test, blueprint.cli.docs")
    assert modules & {"boto3", "botocore", "cfnlint", "cloudformation_validate"} == set()


def test_showing_help_loads_nothing_of_the_rooms():
    modules = loaded_by(
        "import contextlib, io\n"
        "from blueprint.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])"
    )
    assert modules & {"troposphere", "pydantic", "yaml"} == set()


# -- size and twins ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_no_module_is_too_long_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


#: Modules without a test file of the same path and name, with the reason.
TWINLESS = {
    "__main__.py": "three lines that call the command line; tests/cli/test_main.py starts them",
    "gate/cfnlint_worker.py": "runs in processes of its own; tests/gate/test_workers.py starts them",
    "setup_venv.py": "the second half of bootstrap.py; tests/test_bootstrap.py tests both as one",
}
#: Folders whose modules run in another process and environment, and are tested by what they do there.
ELSEWHERE = {"emulator/server": "tests/emulator"}


def twin(path: Path) -> Path:
    """``stacks/stack.py`` has ``tests/stacks/test_stack.py``."""
    relative = path.relative_to(PACKAGE)
    return TESTS / relative.parent / f"test_{relative.name}"


def needs_twin(path: Path) -> bool:
    """Parts of a layer (``_network_logs``) are tested with their layer, packages by their modules' tests."""
    return path.name != "__init__.py" and not (path.name.startswith("_") and "layers" in path.parts)


@pytest.mark.parametrize("path", [path for path in MODULES if needs_twin(path)], ids=ids)
def test_every_module_has_its_test_at_the_same_path(path):
    name = ids(path)
    if any(name.startswith(folder) for folder in ELSEWHERE):
        assert list((ROOT / ELSEWHERE[str(Path(name).parent)]).glob("test_*.py"))
        return
    assert twin(path).is_file() != (name in TWINLESS), f"{twin(path).relative_to(ROOT)}"


def test_every_package_with_code_of_its_own_has_tests():
    for path in MODULES:
        code = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if is_code(node)]
        if path.name == "__init__.py" and code:
            folder = TESTS / path.parent.relative_to(PACKAGE)
            assert list(folder.glob("test_*.py")), ids(path)


def is_code(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.ClassDef))


def test_exemptions_are_of_modules_that_exist():
    assert {name for name in TWINLESS if not (PACKAGE / name).is_file()} == set()
