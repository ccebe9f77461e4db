"""Files of the library and the code of its functions, without importing the library: that would start the AWS CDK."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

# Beside this package, in a checkout as in an installation.
_LIBRARY = Path(__file__).resolve().parents[1] / "genesys_firehose_cdk"


@cache
def shapes() -> Mapping[str, Mapping[str, Any]]:
    """Return the schemas of the dictionary of events, by name."""
    directory = _LIBRARY / "events" / "shapes"
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.json"))}


def resolve(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a schema that another part refers to, or the part itself."""
    while "$ref" in part:
        part = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return part


def published_topics() -> list[str]:
    """Return every notification topic of the dictionary."""
    return sorted(topic for schema in shapes().values() for topic in schema.get("x-topics", ()))


def function_module(name: str) -> ModuleType:
    """Import a module of the functions' code, such as `shared.event`."""
    installed = _LIBRARY / "lambda_src"
    directory = str(installed if installed.is_dir() else _LIBRARY.parent / "lambda_src")
    if directory not in sys.path:
        sys.path.append(directory)
    return import_module(name)
