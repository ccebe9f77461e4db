"""Which wing may import which: only from its own floor's list of lower wings."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.synthesis import ROOT

LIBRARY = "genesys_firehose_cdk"
TOOLS = "genesys_firehose_tools"
# Each wing with the wings that it may import from, beside itself.
ALLOWED = {
    "common": set[str](),
    "events": {"common"},
    "lake": {"common", "events"},
    "delivery": {"common", "events", "lake"},
    "ingress": {"common", "events", "lake"},
    "genesys": {"common", "events", "lake", "delivery", "ingress"},
    "monitoring": {"common", "events", "lake", "delivery", "ingress"},
}
LONGEST_FUNCTION = {LIBRARY: 60, TOOLS: 100, "lambda_src": 100}


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots"
            yield node.module or ""


def _wing_of(module: Path) -> str:
    parts = module.relative_to(ROOT / LIBRARY).parts
    return parts[0] if len(parts) > 1 else ""


def test_every_wing_has_its_floor() -> None:
    wings = {path.parent.name for path in (ROOT / LIBRARY).glob("*/__init__.py")}
    assert wings == set(ALLOWED)


def test_no_floor_is_above_itself() -> None:
    for wing, below in ALLOWED.items():
        assert wing not in below
        assert all(wing not in ALLOWED[other] for other in below)


@pytest.mark.parametrize("wing", ALLOWED)
def test_a_wing_imports_from_its_own_floor_and_those_below(wing: str) -> None:
    allowed = {*ALLOWED[wing], wing}
    for module in _modules(f"{LIBRARY}/{wing}"):
        for name in _imports(module):
            if name == LIBRARY or name.startswith(f"{LIBRARY}."):
                assert name.removeprefix(f"{LIBRARY}.").split(".")[0] in allowed, f"{module} imports {name}"


@pytest.mark.parametrize("wing", ALLOWED)
def test_a_wing_says_what_lives_there(wing: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / LIBRARY / wing / "__init__.py").read_text()))
    assert text is not None
    assert 2 <= len(text.splitlines()) <= 5
    assert "ay import" in text or "imports" in text


def test_modules_import_each_other_in_no_circle() -> None:
    arrows = {
        ".".join(module.relative_to(ROOT).with_suffix("").parts): {
            name for name in _imports(module) if name.startswith(f"{LIBRARY}.")
        }
        for module in _modules(LIBRARY)
        if _wing_of(module) in ALLOWED
    }
    while arrows:
        done = {name for name, others in arrows.items() if not others & arrows.keys()}
        assert done, sorted(arrows)
        arrows = {name: others for name, others in arrows.items() if name not in done}


def test_the_library_imports_no_tool_and_no_function() -> None:
    functions = {path.name for path in (ROOT / "lambda_src").iterdir() if path.is_dir()}
    for module in _modules(LIBRARY):
        for name in _imports(module):
            assert name.split(".")[0] not in {TOOLS, *functions}, f"{module} imports {name}"


def test_the_functions_import_nothing_of_the_library_and_its_tools() -> None:
    for module in _modules("lambda_src"):
        for name in _imports(module):
            assert name.split(".")[0] not in {LIBRARY, TOOLS, "aws_cdk", "constructs"}, f"{module} imports {name}"


@pytest.mark.parametrize("package", LONGEST_FUNCTION)
def test_no_function_is_too_long_to_read(package: str) -> None:
    for module in _modules(package):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.FunctionDef):
                lines = _lines_without_docstring(node)
                assert lines <= LONGEST_FUNCTION[package], f"{module}: {node.name} has {lines} lines"


def _lines_without_docstring(node: ast.FunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_a_constructs_test_is_found_by_its_path() -> None:
    tests = {str(path.relative_to(ROOT / "tests/library")) for path in (ROOT / "tests/library").rglob("test_*.py")}
    for wing in ALLOWED:
        assert any(name.startswith(f"{wing}/") for name in tests), wing
