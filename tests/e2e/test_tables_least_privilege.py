"""The role of the tables' state machine grants what it needs and nothing that it could do without, as IAM shows."""

import gzip
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import temporary_pipeline
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from tests.e2e.test_tables import Site

pytestmark = pytest.mark.xdist_group("tables")

# Athena does these in the caller's name, or Step Functions for itself; the embedded AWS does without them, so the
# templates' tests alone stand for them.
NOT_EVALUATED = frozenset(
    {
        "athena:GetDataCatalog",
        "athena:StopQueryExecution",
        "glue:GetDatabase",
        "glue:GetTables",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)


@dataclass
class Role:
    """The policies of the state machine's role."""

    deployment: Deployment
    documents: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, deployment: Deployment, role_arn: str) -> "Role":
        iam, name = deployment.client("iam"), role_arn.rsplit("/", 1)[1]
        documents = {}
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]
            documents[policy["PolicyArn"]] = found["Document"]
        role = cls(deployment, documents)
        for policy_arn, document in documents.items():
            role.grant(policy_arn, document)
        return role

    @property
    def actions(self) -> set[str]:
        statements = [each for document in self.documents.values() for each in document["Statement"]]
        return {action for statement in statements for action in _actions(statement)}

    def grant(self, policy_arn: str, document: dict[str, Any]) -> None:
        # The embedded AWS knows neither the workgroup of a query that runs nor the namespace of a metric, as AWS does.
        statements = [
            {**each, "Resource": "*", "Condition": {}}
            if _actions(each) & {"athena:GetQueryExecution", "cloudwatch:PutMetricData"}
            else each
            for each in document["Statement"]
        ]
        iam, text = self.deployment.client("iam"), json.dumps({**document, "Statement": statements})
        iam.create_policy_version(PolicyArn=policy_arn, PolicyDocument=text, SetAsDefault=True)
        for version in iam.list_policy_versions(PolicyArn=policy_arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=policy_arn, VersionId=version["VersionId"])

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        changed = {
            arn: document
            for arn, document in self.documents.items()
            if any(action in _actions(each) for each in document["Statement"])
        }
        for arn, document in changed.items():
            kept = [{**each, "Action": sorted(_actions(each) - {action})} for each in document["Statement"]]
            # A policy needs a statement.
            left = [each for each in kept if each["Action"]] or [{**_NOTHING}]
            self.grant(arn, {**document, "Statement": left})
        try:
            yield
        finally:
            for arn, document in changed.items():
                self.grant(arn, document)


_NOTHING = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}


def _actions(statement: dict[str, Any]) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


@dataclass
class Trials:
    """What the state machine must be able to do."""

    site: Site
    role: Role

    def refreshes(self) -> bool:
        return bool(self.site.ended(self.site.start(days=2))["status"] == "SUCCEEDED")

    def makes_a_table_anew(self) -> bool:
        glue = self.site.deployment.client("glue")
        if any(each["Name"] == "names" for each in glue.get_tables(DatabaseName=self.site.database)["TableList"]):
            glue.delete_table(DatabaseName=self.site.database, Name="names")
        return self.refreshes()

    def brings_an_event_in(self) -> bool:
        record = {
            "ingest_id": secrets.token_hex(16),
            "dedup_key": secrets.token_hex(32),
            "received_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
            "ingress": "webhook",
            "transform_version": "0001.0001",
            "event": {},
        }
        self.site.deployment.client("s3").put_object(
            Bucket=self.site.deployment.bucket,
            Key=f"clean/event_type=call/date={datetime.now(UTC):%Y-%m-%d}/{record['ingest_id']}.gz",
            Body=gzip.compress(json.dumps(record).encode() + b"\n"),
        )
        return self.refreshes()

    def removes_what_no_snapshot_needs(self) -> bool:
        table = self.site.deployment.client("glue").get_table(DatabaseName=self.site.database, Name="events")["Table"]
        bucket, _, prefix = table["StorageDescriptor"]["Location"].removeprefix("s3://").partition("/")
        self.site.deployment.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/data/orphan", Body=b"")
        return bool(self.site.ended(self.site.start(days=1, vacuum=True))["status"] == "SUCCEEDED")


NEEDS: dict[str, Callable[[Trials], bool]] = {
    "athena:GetQueryExecution": Trials.refreshes,
    "athena:StartQueryExecution": Trials.refreshes,
    "cloudwatch:PutMetricData": Trials.refreshes,
    "glue:CreateTable": Trials.makes_a_table_anew,
    "glue:GetTable": Trials.refreshes,
    "glue:UpdateTable": Trials.brings_an_event_in,
    "s3:DeleteObject": Trials.removes_what_no_snapshot_needs,
    "s3:GetObject": Trials.refreshes,
    "s3:ListBucket": Trials.refreshes,
    "s3:PutObject": Trials.brings_an_event_in,
    "states:ListExecutions": Trials.refreshes,
}


@pytest.fixture(scope="module")
def trials(own_app: Path) -> Iterator[Trials]:
    with temporary_pipeline("tables-iam", own_app) as pipeline:
        deployment = pipeline.deployment
        deployed = find_pipeline(deployment.client("cloudformation"), deployment.stack)
        site = Site(deployment, deployed)
        s3 = deployment.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            # There is no TLS on the loopback interface, which the buckets' policies demand.
            s3.delete_bucket_policy(Bucket=bucket["Name"])
        machine = deployment.client("stepfunctions").describe_state_machine(stateMachineArn=site.machine)
        role = Role.of(deployment, machine["roleArn"])
        trials = Trials(site, role)
        assert trials.brings_an_event_in()
        pipeline.aws.enforce_iam()
        yield trials


def test_the_role_suffices(trials: Trials) -> None:
    assert trials.makes_a_table_anew()
    assert trials.brings_an_event_in()
    assert trials.removes_what_no_snapshot_needs()


# Each takes as long as a run that fails and one that does not.
@pytest.mark.soak
@pytest.mark.parametrize("action", NEEDS)
def test_without_this_action_a_run_fails(trials: Trials, action: str) -> None:
    with trials.role.without(action):
        assert not NEEDS[action](trials)


def test_the_role_grants_nothing_else(trials: Trials) -> None:
    assert trials.role.actions - NOT_EVALUATED == NEEDS.keys()
