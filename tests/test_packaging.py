"""What is shipped, and what the lock files say."""

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.installed_wheel import ROOT, Installation, build_wheel

FOREIGN_APP = """
import sys
import aws_cdk as cdk
from genesys_firehose_cdk import GenesysFirehosePipeline
import genesys_firehose_cdk

assert "site-packages" in genesys_firehose_cdk.__file__, genesys_firehose_cdk.__file__
app = cdk.App(outdir=sys.argv[1])
stack = cdk.Stack(app, "Foreign")
GenesysFirehosePipeline(stack, "Events")
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_library_and_the_functions_code_and_nothing_of_the_checkout(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names} == {
        "genesys_firehose_cdk",
        "genesys_firehose_tools",
        f"genesys_firehose_cdk-{_project()['version']}.dist-info",
    }
    assert "genesys_firehose_cdk/py.typed" in names
    assert "genesys_firehose_cdk/lambda_src/ingest/handler.py" in names
    assert "genesys_firehose_cdk/events/shapes/notification.json" in names
    assert not [name for name in names if "__pycache__" in name]


def test_a_foreign_app_synthesizes_from_the_wheel_away_from_the_checkout_and_without_network(
    wheel: Path, tmp_path: Path
) -> None:
    assembly, installation = tmp_path / "cdk.out", Installation.of(wheel, tmp_path)
    (installation.directory / "app.py").write_text(FOREIGN_APP)

    completed = installation.run("python", "-I", "app.py", str(assembly))
    assert completed.returncode == 0, completed.stderr
    template = json.loads((assembly / "Foreign.template.json").read_text())
    handlers = {
        resource["Properties"]["Handler"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    assert {"ingest.handler.handle", "transform.handler.handle"} <= handlers
    assert list(assembly.glob("asset.*/ingest/handler.py"))


@pytest.mark.parametrize("name", ["requirements.lock", "package-lock.json"])
def test_a_lock_file_names_no_registry(name: str) -> None:
    assert re.findall(r"\w+://(?!127\.0\.0\.1)[\w.-]+", (ROOT / name).read_text()) == []


def test_every_locked_package_is_pinned_and_hashed() -> None:
    requirements = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    loose = [each.split()[0] for each in requirements if not re.match(r"\S+==\S+ .*--hash=sha256:", each, re.DOTALL)]

    assert loose == []


def test_every_dependency_of_the_project_is_locked() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    project = _project()
    needed = {
        re.split(r"[^\w.-]", requirement)[0]
        for requirements in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in requirements
    }
    assert needed - {project["name"]} <= locked


def test_the_cdk_command_line_is_the_pinned_one() -> None:
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    lock = json.loads((ROOT / "package-lock.json").read_text())

    assert re.fullmatch(r"2\.\d+\.\d+", pinned)
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == pinned
    assert f"aws-cdk@{pinned}" in (ROOT / "README.md").read_text()


def test_continuous_integration_runs_what_the_readme_tells_to_run() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert "set -euo pipefail" in script
    assert script.splitlines()[-1] == "make test"
    assert "make test" in (ROOT / "README.md").read_text()


def _project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project
