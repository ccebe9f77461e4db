"""The roles of the reconciliation grant what it needs and nothing that it could do without, as IAM evaluates it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.operations.completeness import CompletenessError, check_days, read_days
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from tests.e2e.test_least_privilege import USED_BY_LAMBDA_ITSELF, Function
from tests.e2e.test_tables_least_privilege import NOT_EVALUATED, Role

pytestmark = pytest.mark.xdist_group("tables")

MACHINE_NEEDS = {
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:StartQueryExecution",
    "cloudwatch:PutMetricData",
    "glue:CreateTable",
    "glue:GetTable",
    "glue:UpdateTable",
    "lambda:InvokeFunction",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "states:DescribeExecution",
    "states:StartExecution",
}
# Step Functions calls these itself, and the embedded AWS with rights of its own. Without s3:DeleteObject a table is not
# vacuumed, which ends no run.
NOT_TRIED = {"lambda:InvokeFunction", "states:StartExecution", "s3:DeleteObject"}
FUNCTION_NEEDS = {"s3:PutObject", "secretsmanager:GetSecretValue"}


DAY = datetime.now(UTC).date() - timedelta(days=6)


class Site:
    """A deployed pipeline whose days are checked."""

    def __init__(self, pipeline: LocalPipeline) -> None:
        self.deployment = pipeline.deployment
        self.deployed = find_pipeline(self.deployment.client("cloudformation"), self.deployment.stack)
        self.machine = self.deployed.output("ReconciliationStateMachineArn")

    def check(self) -> str:
        """Check a day; the state that it has then."""
        check_days(self.deployment, self.deployed, DAY, DAY, sleep=lambda _: time.sleep(0.2))
        [day] = read_days(self.deployment, self.deployed, DAY, DAY)
        return day.state


@dataclass
class Rights:
    """A deployed pipeline where IAM is evaluated, and the two roles."""

    site: Site
    machine: Role
    function: Function

    def checks_a_day(self) -> bool:
        """Whether a check of a day ends with a result, as it does for a day without conversations."""
        try:
            return self.site.check() == "complete"
        except CompletenessError:
            return False

    def makes_the_tables(self) -> bool:
        glue = self.site.deployment.client("glue")
        for table in ("completeness", "missing_conversations"):
            if any(each["Name"] == table for each in glue.get_tables(DatabaseName=self.database)["TableList"]):
                glue.delete_table(DatabaseName=self.database, Name=table)
        return self.checks_a_day()

    @property
    def database(self) -> str:
        return self.site.deployed.output("DatabaseName")


@pytest.fixture(scope="module")
def rights(own_app: Path) -> Iterator[Rights]:
    with temporary_pipeline("completeness-iam", own_app) as pipeline:
        site = Site(pipeline)
        deployment = site.deployment
        s3 = deployment.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            # There is no TLS on the loopback interface, which the buckets' policies demand.
            s3.delete_bucket_policy(Bucket=bucket["Name"])
        described: dict[str, Any] = deployment.client("stepfunctions").describe_state_machine(
            stateMachineArn=site.machine
        )
        tables = site.deployed.output("TablesStateMachineArn")
        role_of_tables = deployment.client("stepfunctions").describe_state_machine(stateMachineArn=tables)["roleArn"]
        # What the embedded AWS can't evaluate is adapted for both machines, as the second starts the first.
        Role.of(deployment, role_of_tables)
        rights = Rights(site, Role.of(deployment, described["roleArn"]), Function(deployment, "genesys_reconciliation"))
        pipeline.aws.enforce_iam()
        yield rights


def test_the_roles_suffice(rights: Rights) -> None:
    assert rights.makes_the_tables()


@pytest.mark.soak
@pytest.mark.parametrize("action", sorted(MACHINE_NEEDS - NOT_TRIED))
def test_without_this_action_of_the_machine_there_is_no_result(rights: Rights, action: str) -> None:
    with rights.machine.without(action):
        assert not rights.makes_the_tables()


@pytest.mark.soak
@pytest.mark.parametrize("action", sorted(FUNCTION_NEEDS))
def test_without_this_action_of_the_function_there_is_no_result(rights: Rights, action: str) -> None:
    with rights.function.without(action):
        assert not rights.checks_a_day()


def test_the_roles_grant_nothing_else(rights: Rights) -> None:
    assert rights.machine.actions - NOT_EVALUATED == MACHINE_NEEDS
    assert rights.function.role.actions - USED_BY_LAMBDA_ITSELF == FUNCTION_NEEDS
