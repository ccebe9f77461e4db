"""Stages the functions' source code as assets, without Docker and without network."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

_PACKAGE = Path(__file__).resolve().parent


def source_directory() -> Path:
    """The functions' source: inside an installed package, or beside the package in a checkout."""
    installed = _PACKAGE / "lambda_src"
    return installed if installed.is_dir() else _PACKAGE.parent / "lambda_src"


@contextmanager
def staged_code(function: str, extra_files: Mapping[str, str] | None = None) -> Iterator[lambda_.Code]:
    """Yields the code of one function: its own package and the shared one.

    The asset's hash depends on names and contents alone, so the same source gives the same asset on
    every machine. The code must be bound to a function before the context ends.

    Args:
        function: The function's package, such as "ingest".
        extra_files: Text files to add, by their path in the archive.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for package in (function, "shared"):
            shutil.copytree(
                source_directory() / package,
                root / package,
                ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"),
            )
        for path, text in (extra_files or {}).items():
            (root / path).write_text(text, encoding="utf-8")
        yield lambda_.Code.from_asset(directory)
