"""Packaging: ``pip install .`` gives the console script ``blueprint``, the same command line as ``build.py``.

Tool settings live in ``pyproject.toml``. The requirements are the ranges of ``requirements/runtime.in``, so
that they are written once; a checkout runs with the exact versions of ``requirements/runtime.lock`` instead.
"""

import re
from pathlib import Path

from setuptools import find_namespace_packages, setup

HERE = Path(__file__).parent


def requirements() -> list[str]:
    lines = (HERE / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
    return [line for line in (text.partition("#")[0].strip() for text in lines) if line]


def version() -> str:
    """Read, not imported: a build has nothing installed, and need not have this folder on its path."""
    found = re.search(r'^__version__ = "(.+)"$', (HERE / "blueprint/__init__.py").read_text("utf-8"), re.M)
    if found is None:
        raise SystemExit("blueprint/__init__.py holds no __version__")
    return found[1]


setup(
    name="blueprint-aws",
    version=version(),
    description="Turns one short YAML file per environment into the CloudFormation of a whole architecture",
    packages=find_namespace_packages(include=["blueprint", "blueprint.*"], exclude=["*.__pycache__*"]),
    package_data={"": ["*.json", "*.yaml", "*.md"]},
    python_requires=">=3.10",
    install_requires=requirements(),
    entry_points={"console_scripts": ["blueprint = blueprint.cli:main"]},
)
