"""What is shipped, and what the lock files say."""

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from release.check import review_wheel
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
    assert review_wheel(wheel) == []


def test_a_file_that_is_missing_or_strange_is_noticed(wheel: Path, tmp_path: Path) -> None:
    changed = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            if name != "genesys_firehose_cdk/pipeline.py":
                target.writestr(name, source.read(name))
        target.writestr("genesys_firehose_cdk/secret.txt", "")
    assert review_wheel(changed) == [
        "The wheel has genesys_firehose_cdk/secret.txt, which git does not know.",
        "The wheel lacks genesys_firehose_cdk/pipeline.py.",
    ]


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


@pytest.mark.parametrize("name", ["requirements.lock", "release.lock", "package-lock.json"])
def test_a_lock_file_names_no_registry(name: str) -> None:
    # Beside it, npm notes where a package's author takes donations.
    text = re.sub(r'"url": "[^"]*"', "", (ROOT / name).read_text())
    assert re.findall(r"\w+://(?!127\.0\.0\.1)[\w.-]+", text) == []


@pytest.mark.parametrize("name", ["requirements.lock", "release.lock"])
def test_every_locked_package_is_pinned_and_hashed(name: str) -> None:
    requirements = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    loose = [each.split()[0] for each in requirements if not re.match(r"\S+==\S+ .*--hash=sha256:", each, re.DOTALL)]

    assert loose == []


def test_every_dependency_of_the_project_is_locked() -> None:
    locks = "".join((ROOT / name).read_text() for name in ("requirements.lock", "release.lock"))
    locked = set(re.findall(r"^([\w.-]+)==", locks, re.MULTILINE))
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
