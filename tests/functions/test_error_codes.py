"""An error code that a function waits for is one that AWS sends: a misspelled one would never be met."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest

FUNCTIONS = Path(__file__).parents[2] / "lambda_src"
# What the models leave out, because every operation of the service may answer it.
COMMON_CODES = {
    "403": 'Amazon S3 API Reference, "HeadObject", whose answer has no body',
    "NoSuchObjectLockConfiguration": 'Amazon S3 API Reference, "Error responses"',
    "NoSuchVersion": 'Amazon S3 API Reference, "Error responses"',
    "ObjectLockConfigurationNotFoundError": 'Amazon S3 API Reference, "Error responses"',
    "Throttling": 'AWS SDKs and Tools Reference Guide, "Retry behavior": errors that mean throttling',
    "PreconditionFailed": 'Amazon S3 API Reference, "Error responses"',
}
# Codes in the log of a delivery (Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose Using CloudWatch
# Logs"), which no API answers.
LOG_CODES = ("Lambda.", "S3.")


def _codes_in(module: ast.Module) -> Iterator[str]:
    """The texts that an error's code is compared with or looked up in."""
    constants = {
        ast.unparse(target): statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
    }
    for node in ast.walk(module):
        match node:
            case ast.Compare():
                code, others = node.left, node.comparators
            case ast.Call(func=ast.Attribute(value=ast.Name() as table, attr="get"), args=[code, *_]):
                others = [table]
            case _:
                continue
        if re.search(r"\['Code'\]$|^code$", ast.unparse(code)):
            for other in others:
                yield from _texts(constants.get(ast.unparse(other), other))


def _texts(expression: ast.expr) -> Iterator[str]:
    match expression:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Dict():
            yield from (text for key in expression.keys if key is not None for text in _texts(key))
        case ast.Set() | ast.List() | ast.Tuple():
            yield from (text for element in expression.elts for text in _texts(element))
        case ast.Call():
            yield from (text for argument in expression.args for text in _texts(argument))


def _modules() -> Iterator[ast.Module]:
    return (ast.parse(path.read_text()) for path in FUNCTIONS.rglob("*.py"))


def _awaited() -> set[str]:
    codes = {code for module in _modules() for code in _codes_in(module)}
    return {code for code in codes if not code.startswith(LOG_CODES)}


@cache
def _modelled() -> frozenset[str]:
    """The codes in botocore's models of the services that the functions name, and those of single entries."""
    session = botocore.session.get_session()
    texts = {node.value for module in _modules() for node in ast.walk(module) if isinstance(node, ast.Constant)}
    services = texts & set(session.get_available_services())
    codes: set[str] = set()
    for model in map(session.get_service_model, services):
        for shape in model.error_shapes:
            codes.add(shape.metadata.get("error", {}).get("code", shape.name))
        for name in model.shape_names:
            if name.endswith("ErrorCodeEnum"):
                codes.update(model.shape_for(name).enum)
    return frozenset(codes)


def test_every_code_that_a_function_waits_for_is_one_of_aws() -> None:
    assert _awaited() >= {"DuplicateItem", "InvalidKMSResourceException", "PreconditionFailed", "NoSuchKey"}
    assert _awaited() - _modelled() <= COMMON_CODES.keys()


@pytest.mark.parametrize(
    "program",
    ['if error.response["Error"]["Code"] == "NoSuchKye": pass', 'CODES = ("NoSuchKye",)\nif code in CODES: pass'],
)
def test_a_misspelled_code_is_found(program: str) -> None:
    assert set(_codes_in(ast.parse(program))) - _modelled() == {"NoSuchKye"}
