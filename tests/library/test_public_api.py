"""Type checkers and editors find every public name, and the import takes little beside the CDK's own time."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import genesys_firehose_cdk
from tests.library.synthesis import ROOT

_FOREIGN_APP = Path(__file__).with_name("foreign_app.py")


def _names_imported(path: Path) -> list[str]:
    return [
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


def test_the_foreign_app_that_mypy_checks_names_every_public_class() -> None:
    named = [node.attr for node in ast.walk(ast.parse(_FOREIGN_APP.read_text())) if isinstance(node, ast.Attribute)]
    assert sorted(named) == sorted(genesys_firehose_cdk.__all__)
    assert str(_FOREIGN_APP.relative_to(ROOT)) in (ROOT / "pyproject.toml").read_text()


def test_every_public_name_is_listed_once_and_is_an_attribute_of_its_own() -> None:
    names = genesys_firehose_cdk.__all__
    assert len(set(names)) == len(names)
    assert set(names) <= vars(genesys_firehose_cdk).keys()
    assert "__getattr__" not in vars(genesys_firehose_cdk)
    assert sorted(_names_imported(Path(genesys_firehose_cdk.__file__ or ""))) == sorted(names)


def test_no_construct_shares_its_name_with_a_class_of_the_functions() -> None:
    defined = {
        node.name
        for path in (ROOT / "lambda_src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    assert not defined & set(genesys_firehose_cdk.__all__)


def _needed_of_the_cdk() -> str:
    """A program that imports from the CDK what the library's modules import from it."""
    nodes = [
        node
        for path in sorted((ROOT / "genesys_firehose_cdk").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("aws_cdk", "constructs")
    ]
    return "\n".join(sorted({ast.unparse(node) for node in nodes}))


def _import_seconds(program: str) -> float:
    """Seconds of CPU, of the program and of the CDK's own process."""
    started = os.times()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    ended = os.times()
    return ended.children_user + ended.children_system - started.children_user - started.children_system


def test_importing_the_library_takes_at_most_half_more_than_what_it_needs_of_the_cdk() -> None:
    # The least of a few, in turn: whoever else uses the machine makes both more, at times.
    needed = _needed_of_the_cdk()
    pairs = [(_import_seconds(needed), _import_seconds("import genesys_firehose_cdk")) for _ in range(3)]
    alone, ours = (min(times) for times in zip(*pairs, strict=True))
    assert ours <= 1.5 * alone, f"{ours:.2f} s, the CDK alone {alone:.2f} s"
