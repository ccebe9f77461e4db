"""The site, built once for the tests of a file."""

from pathlib import Path

import pytest

from docs_site.__main__ import build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("build"))
