"""Stages the functions' source code as assets, without Docker and without network."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

_PACKAGE = Path(__file__).resolve().parents[1]


def source_directory() -> Path:
    """The functions' source: inside an installed package, or beside the package in a checkout."""
    installed = _PACKAGE / "lambda_src"
    return installed if installed.is_dir() else _PACKAGE.parent / "lambda_src"


@contextmanager
def staged_code(
    function: str, extra_files: Mapping[str, str] | None = None, *, libraries: Sequence[str] = ()
) -> Iterator[lambda_.Code]:
    """Yield the code of one function: its own package, the shared one, and those of `libraries`.

    The asset's hash depends on names and contents alone, so the same source gives the same asset on
    every machine. The code must be bound to a function before the context ends.

    Args:
        function: The function's package, such as "ingest".
        extra_files: Text files to add, by their path in the archive.
        libraries: Further packages that the function imports from.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for package in (function, "shared", *libraries):
            shutil.copytree(
                source_directory() / package,
                root / package,
                ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"),
            )
        for path, text in (extra_files or {}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        yield lambda_.Code.from_asset(directory)
