"""The commands of the pages for beginners run as written: in an empty folder, with the installed package alone."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed_wheel import ROOT, Installation, build_wheel

pytestmark = pytest.mark.soak

_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What the installation of the wheel has done already, and what needs an AWS account or the checkout.
_ELSEWHERE = re.compile(r"^(?:python3 -m venv|\. \.venv|pip install|cdk |aws |make ).*\n?", re.MULTILINE)


def _scripts(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of every block of a page that is to be run here."""
    for kind, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":
            yield kind, _ELSEWHERE.sub("", text)
        elif "app.synth()" in text:
            yield kind, text


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    directory = tmp_path_factory.mktemp("beginner")
    return Installation.of(build_wheel(directory), directory)


@pytest.fixture
def installation(installed: Installation) -> Iterator[Installation]:
    """The package in an empty folder."""
    shutil.rmtree(installed.directory)
    installed.directory.mkdir()
    yield installed
    installed.run("genesys-firehose", "local", "down")


def _follow(page: Path, installation: Installation) -> str:
    """Do what a page says, and return what was printed."""
    printed = ""
    for kind, text in _scripts(page):
        if kind == "python":
            # A later app of a page takes the place of the one before, as for its reader.
            (installation.directory / "app.py").write_text(text)
            continue
        completed = installation.shell(text)
        assert completed.returncode == 0, f"{text}\n{completed.stdout}{completed.stderr}"
        printed += completed.stdout
    return printed


def test_the_readmes_app_is_synthesized_deployed_here_fed_and_checked(installation: Installation) -> None:
    assert "accepted   │ 20" in _follow(ROOT / "README.md", installation)


def test_the_page_on_the_local_pipeline_is_true(installation: Installation) -> None:
    printed = _follow(ROOT / "docs" / "start" / "local.md", installation)
    assert "accepted   │ 20" in printed
    assert "call" in printed


def test_the_page_on_an_own_app_is_true(installation: Installation) -> None:
    assert "accepted   │ 20" in _follow(ROOT / "docs" / "start" / "app.md", installation)


@pytest.mark.parametrize("example", ["minimal", "bus_only"])
def test_an_example_is_deployed_here_and_has_no_fault(example: str, installation: Installation) -> None:
    (installation.directory / "app.py").write_text((ROOT / "examples" / example / "app.py").read_text())
    script = "CDK_OUTDIR=cdk.out python app.py\ngenesys-firehose local up --app cdk.out\n"
    end = "genesys-firehose doctor\ngenesys-firehose smoke\ngenesys-firehose local down\n"
    completed = installation.shell(script + end)
    assert completed.returncode == 0, completed.stdout + completed.stderr
