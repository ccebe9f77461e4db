"""The workflows are sound, and run nothing of a pull request where they have a right."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
WORKFLOWS = sorted((HERE / ".github" / "workflows").glob("*.yml"))


def test_the_app_synthesizes_under_the_rules_of_cdk_nag() -> None:
    assert runpy.run_path(str(HERE / "app.py"))["stack"].stack_name == "ContactCentre"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)", workflow.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action)] == []


def test_no_job_has_both_the_pull_requests_code_and_a_right() -> None:
    jobs = yaml.safe_load((HERE / ".github/workflows/pull-request.yml").read_text())["jobs"]
    for job in jobs.values():
        checks_out = any(step.get("uses", "").startswith("actions/checkout") for step in job["steps"])
        assert checks_out == (job["permissions"] == {"contents": "read"})


def test_the_deployment_has_no_long_lived_key() -> None:
    text = (HERE / ".github/workflows/deploy.yml").read_text()
    assert "role-to-assume" in text
    assert "secrets." not in text
