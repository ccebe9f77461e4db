"""What the doctor says of what the embedded AWS can't show: each check's judgement of a snapshot."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genesys_firehose_tools.operations.deployed_resources import DeployedResources, Resource
from genesys_firehose_tools.operations.doctor.checks import CHECKS, Check
from genesys_firehose_tools.operations.doctor.delivery_checks import (
    Errors,
    LastDelivery,
    Stream,
    judge_buffering,
    judge_destination,
    judge_errors,
    judge_last_delivery,
    judge_processing,
    judge_status,
)
from genesys_firehose_tools.operations.doctor.diagnosis import diagnose, worst
from genesys_firehose_tools.operations.doctor.findings import Finding, State
from genesys_firehose_tools.operations.doctor.ingress_checks import (
    AllowList,
    Consumer,
    GenesysSide,
    Health,
    Names,
    PartnerSource,
    Queue,
    judge_allow_list,
    judge_consumers,
    judge_genesys_side,
    judge_health,
    judge_names,
    judge_partner_source,
    judge_queues,
)
from genesys_firehose_tools.operations.doctor.inspection import StoredObject
from genesys_firehose_tools.operations.doctor.key_checks import (
    Secret,
    judge_previous_key,
    judge_signing_key,
    judge_tokenization_key,
)
from genesys_firehose_tools.operations.doctor.lake_checks import NewObject, NewObjects, Table, judge_tables
from genesys_firehose_tools.operations.doctor.lake_checks import judge_object_encryption as judge_encryption
from genesys_firehose_tools.operations.doctor.lake_checks import judge_object_retention as judge_retention
from genesys_firehose_tools.operations.doctor.monitoring_checks import (
    Function,
    StackState,
    StateMachine,
    Subscribers,
    judge_function_settings,
    judge_lake_tables,
    judge_rebuild,
    judge_reconciliation,
    judge_stack,
    judge_subscribers,
)
from genesys_firehose_tools.operations.doctor.quota_checks import Quotas, QuotaUse, judge_quotas
from genesys_firehose_tools.operations.doctor.role_checks import Trust, judge_trust, look_at_grants

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ACCOUNT = "111111111111"
TRUSTED = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "firehose.amazonaws.com"}}


def trust(account: str = ACCOUNT, **changes: Any) -> list[Trust]:
    statement = {name: value for name, value in {**TRUSTED, **changes}.items() if value is not None}
    return [Trust(stream="s", role="r", account=account, own_account=ACCOUNT, statements=(statement,))]


def stream(*differences: str, status: str = "ACTIVE", encryption: str = "ENABLED") -> list[Stream]:
    return [Stream(name="s", status=status, encryption=encryption, differences=differences)]


def allow_list(**changes: Any) -> AllowList:
    present: dict[str, Any] = {
        "networks": ("203.0.113.0/24",),
        "missing": (),
        "added": (),
        "follows": False,
        "in_force": None,
        "wants_web_acl": False,
        "has_web_acl": False,
    }
    return AllowList(**{**present, **changes})


def secret(
    current: float | None, previous: float | None = None, *, deleted: bool = False, has_older: bool = False
) -> Secret:
    """Make a secret whose versions are so many hours old."""
    ages = [None if age is None else NOW - timedelta(hours=age) for age in (current, previous)]
    return Secret(
        name="key",
        deleted=NOW if deleted else None,
        current=ages[0],
        previous=ages[1],
        has_older=has_older,
        previous_valid_for=timedelta(hours=24),
        now=NOW,
    )


def stored(mode: str, minutes: float = 60, key: str = "raw", encryption: str = "aws:kms") -> NewObjects:
    found = NewObject(
        key="raw/x",
        age=timedelta(minutes=minutes),
        mode=mode,
        until=None,
        encryption=encryption,
        key_arn=key,
        wanted_keys=frozenset({"raw"}),
    )
    return NewObjects((found,), "GOVERNANCE", NOW)


def errors(*ages: float) -> Errors:
    objects = (StoredObject("errors/processing-failed/x", NOW - timedelta(hours=age)) for age in ages)
    return Errors(tuple(objects), NOW)


def delivery(accepted: float | None, raw: float | None, clean: float | None) -> LastDelivery:
    """Make the newest objects, so many hours old."""
    written = {
        layer: None if age is None else NOW - timedelta(hours=age) for layer, age in (("raw/", raw), ("clean/", clean))
    }
    return LastDelivery(accepted=accepted, since=NOW - timedelta(hours=3), newest=written)


def queue(**changes: Any) -> list[Queue]:
    present: dict[str, Any] = {
        "name": "q",
        "is_dead_letters": False,
        "waiting": 0,
        "differences": (),
        "oldest": None,
    }
    return [Queue(**{**present, **changes})]


def function(state: str = "", *differences: str) -> list[Function]:
    return [Function(name="f", state=state, differences=differences, errors=0)]


def table(status: str = "ACTIVE", forgets: str = "ENABLED", recovers: str = "ENABLED") -> list[Table]:
    return [Table(name="t", status=status, forgets=forgets, recovers=recovers, wants_recovery=True)]


def subscribers(confirmed: int = 0, pending: int = 0, is_local: bool = False) -> Subscribers:
    return Subscribers(topic="t", confirmed=confirmed, pending=pending, is_local=is_local)


OK, WARNING, FAULT, NONE = State.OK, State.WARNING, State.FAULT, State.NOT_APPLICABLE
# Each judgement, a snapshot, the state, and words that must be said.
JUDGEMENTS: list[tuple[Callable[[Any], Iterator[Finding]], Any, State, str]] = [
    (judge_trust, trust(), OK, ""),
    (judge_trust, trust(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}), OK, ""),
    (judge_trust, trust(Condition={"StringEquals": {"aws:SourceAccount": "222222222222"}}), FAULT, "does not trust"),
    (judge_trust, trust(account="222222222222"), FAULT, "a role of the account 222222222222"),
    (judge_trust, trust(Action="sts:TagSession"), FAULT, "sts:AssumeRole"),
    (judge_trust, trust(Effect="Deny"), FAULT, "does not trust"),
    (judge_trust, trust(Principal="*"), FAULT, "does not trust"),
    (judge_status, stream(), OK, ""),
    (judge_status, stream(status="CREATING_FAILED"), FAULT, "is CREATING_FAILED"),
    (judge_status, stream(encryption="KMS_ACCESS_DENIED"), FAULT, "is KMS_ACCESS_DENIED"),
    (judge_destination, stream("BucketARN is other, not the template's"), FAULT, "BucketARN"),
    (judge_destination, stream("BufferingHints.SizeInMBs is 5, not 64"), OK, ""),
    (judge_buffering, stream("S3BackupConfiguration.BufferingHints.SizeInMBs is 5, not 1"), WARNING, "is 5, not 1"),
    (judge_buffering, stream("Prefix is x, not y"), OK, ""),
    (judge_processing, stream("ProcessingConfiguration.Enabled is false, not true"), FAULT, "is false"),
    (judge_last_delivery, delivery(5, 1, 1), OK, "raw/ 2026-11-25 11:00:00 UTC"),
    (judge_last_delivery, delivery(5, 1, 4), FAULT, "nothing new came under clean/ since"),
    (judge_last_delivery, delivery(5, None, None), FAULT, "under raw/ and clean/"),
    (judge_last_delivery, delivery(None, None, None), NONE, "no object has come yet"),
    (judge_last_delivery, delivery(0, 9, 9), OK, ""),
    (judge_errors, errors(), OK, ""),
    (judge_errors, errors(1, 30), FAULT, "1 objects came under errors/ within a day"),
    (judge_errors, errors(30), WARNING, "none of the last day"),
    (judge_retention, stored("GOVERNANCE"), OK, ""),
    (judge_retention, stored("none"), FAULT, "the retention none, not GOVERNANCE"),
    (judge_retention, stored("none", minutes=9), OK, ""),
    (judge_retention, NewObjects((), "GOVERNANCE", NOW), NONE, "no object"),
    (judge_retention, NewObjects(stored("none").objects, "", NOW), NONE, "demands no retention"),
    (judge_encryption, stored("GOVERNANCE"), OK, ""),
    (judge_encryption, stored("GOVERNANCE", key="other"), FAULT, "with other"),
    (judge_encryption, stored("GOVERNANCE", key="", encryption="AES256"), FAULT, "with AES256"),
    (judge_encryption, stored("GOVERNANCE", encryption="unreadable"), WARNING, "can't be read"),
    (judge_signing_key, secret(24), OK, "1 days old"),
    (judge_signing_key, secret(24 * 366), WARNING, "366 days old"),
    (judge_signing_key, secret(None), FAULT, "no current version"),
    (judge_signing_key, secret(None, deleted=True), FAULT, "is deleted"),
    (judge_signing_key, None, NONE, "no webhook"),
    (judge_previous_key, secret(24 * 9), NONE, "no key before the current one is accepted"),
    (judge_previous_key, secret(1, 999), WARNING, "accepted until 2026-11-26 11:00 UTC"),
    (judge_previous_key, secret(30, 999), OK, "refused since"),
    (judge_previous_key, secret(1, 2), WARNING, "accepted until"),
    (judge_previous_key, secret(1, 2, has_older=True), WARNING, "rotated twice"),
    (judge_previous_key, secret(30, 40, has_older=True), OK, "refused since"),
    (judge_tokenization_key, secret(24 * 999), OK, ""),
    (judge_tokenization_key, secret(1, 999), WARNING, "was replaced"),
    (judge_tokenization_key, secret(None, deleted=True), FAULT, "is deleted"),
    (judge_health, Health(200, ""), OK, ""),
    (judge_health, Health(503, "SECRET_UNUSABLE"), FAULT, "503, SECRET_UNUSABLE"),
    (judge_health, Health(None, "ConnectTimeoutError"), FAULT, "ConnectTimeoutError"),
    (judge_health, Health(403, ""), NONE, "not in the allow-list"),
    (judge_health, None, NONE, "no webhook"),
    (judge_allow_list, allow_list(), OK, ""),
    (judge_allow_list, allow_list(missing=("203.0.113.0/24",)), FAULT, "does not allow 203.0.113.0/24"),
    (judge_allow_list, allow_list(added=("0.0.0.0/0",)), WARNING, "0.0.0.0/0"),
    (judge_allow_list, allow_list(wants_web_acl=True), FAULT, "No web ACL"),
    (judge_allow_list, allow_list(wants_web_acl=True, has_web_acl=True, follows=True, in_force=3.0), OK, ""),
    (judge_allow_list, allow_list(follows=True, in_force=0.0), FAULT, "No network of Genesys Cloud"),
    (judge_allow_list, allow_list(follows=True), NONE, "has reported nothing"),
    (judge_allow_list, allow_list(networks=()), NONE, "every network"),
    (judge_partner_source, PartnerSource("s", "ACTIVE"), OK, ""),
    (judge_partner_source, PartnerSource("s", "PENDING"), FAULT, "is PENDING"),
    (judge_partner_source, None, NONE, "no partner bus"),
    (judge_genesys_side, GenesysSide({"SubscriptionActive": 1.0}), OK, "subscription"),
    (judge_genesys_side, GenesysSide({"SubscriptionActive": 0.0}), FAULT, "The subscription at Genesys Cloud"),
    (judge_genesys_side, GenesysSide({"IntegrationActive": None}), NONE, "reported nothing"),
    (judge_genesys_side, GenesysSide({}), NONE, "watches neither"),
    (judge_names, Names(("routing:queue:view",), 0.0, 1.0), OK, "taken whole"),
    (judge_names, Names(("routing:queue:view",), 1.0, 1.0), FAULT, "does not let the OAuth client list 1 of 1 kinds"),
    (judge_names, Names(("routing:queue:view",), 0.0, 0.0), WARNING, "did not take all names"),
    (judge_names, Names(("routing:queue:view",), None, None), NONE, "no run that takes names"),
    (judge_names, None, NONE, "takes no names"),
    (judge_queues, queue(waiting=3, oldest=60), OK, ""),
    (judge_queues, queue(waiting=3, oldest=1200), FAULT, "3 messages wait in q, the oldest for 1,200 s"),
    (judge_consumers, [Consumer("u", "Enabled", "")], OK, ""),
    (judge_consumers, [Consumer("u", "Disabled", "")], FAULT, "is Disabled"),
    (judge_tables, table(), OK, ""),
    (judge_tables, table(status="ARCHIVED"), FAULT, "is ARCHIVED"),
    (judge_tables, table(recovers="DISABLED"), WARNING, "point-in-time recovery"),
    (judge_function_settings, function(), OK, ""),
    (judge_function_settings, function("InProgress"), WARNING, "is InProgress"),
    (judge_function_settings, function("Failed"), FAULT, "is Failed"),
    (judge_function_settings, function("Pending and Failed"), FAULT, "is Pending and Failed"),
    (judge_subscribers, subscribers(confirmed=1), OK, "1 subscriptions"),
    (judge_subscribers, subscribers(pending=2), WARNING, "2 wait for a confirmation"),
    (judge_subscribers, subscribers(is_local=True), NONE, "embedded AWS"),
    (judge_stack, StackState("s", "UPDATE_COMPLETE"), OK, ""),
    (judge_stack, StackState("s", "UPDATE_ROLLBACK_COMPLETE"), FAULT, "is UPDATE_ROLLBACK_COMPLETE"),
    (judge_stack, StackState("s", "UPDATE_IN_PROGRESS"), WARNING, "is UPDATE_IN_PROGRESS"),
    (judge_rebuild, StateMachine(arn="a", status="ACTIVE", last=None), OK, "none yet"),
    (judge_rebuild, StateMachine(arn="a", status="DELETING", last=None), FAULT, "is DELETING"),
    (judge_rebuild, StateMachine(arn="a", status="ACTIVE", last="FAILED"), WARNING, "is FAILED"),
    (judge_rebuild, None, NONE, "no rebuild"),
    (judge_lake_tables, None, NONE, "no lake.tables"),
    (judge_lake_tables, StateMachine(arn="a", status="ACTIVE", last="RUNNING"), OK, "RUNNING"),
    (judge_lake_tables, StateMachine(arn="a", status="DELETING", last=None), FAULT, "is DELETING"),
    (judge_lake_tables, StateMachine(arn="a", status="ACTIVE", last="TIMED_OUT"), WARNING, "is TIMED_OUT"),
    (judge_reconciliation, None, NONE, "no genesys.reconciliation"),
    (judge_reconciliation, StateMachine(arn="a", status="ACTIVE", last="RUNNING"), OK, "RUNNING"),
    (judge_reconciliation, StateMachine(arn="a", status="DELETING", last=None), FAULT, "is DELETING"),
    (judge_reconciliation, StateMachine(arn="a", status="ACTIVE", last="FAILED"), WARNING, "is FAILED"),
    (judge_quotas, Quotas(1000, ()), OK, "1,000 functions"),
    (judge_quotas, Quotas(10, ()), WARNING, "10 functions"),
    (judge_quotas, Quotas(1000, (QuotaUse("puts/s into s", 15, 2000),)), OK, "at most: puts/s into s 0.8%"),
    (judge_quotas, Quotas(1000, (QuotaUse("puts/s into s", 1600, 2000),)), WARNING, "1,600 puts/s into s of 2,000"),
    (judge_quotas, Quotas(1000, (QuotaUse("puts/s into s", None, 2000),)), OK, "in use of: puts/s into s"),
]


@pytest.mark.parametrize(("judge", "snapshot", "state", "words"), JUDGEMENTS)
def test_a_snapshot_is_judged(
    judge: Callable[[Any], Iterator[Finding]], snapshot: Any, state: State, words: str
) -> None:
    findings = list(judge(snapshot))
    assert (worst(findings) if findings else OK) is state
    assert any(words in finding.seen for finding in findings) or not words
    for finding in findings:
        assert finding.seen
        assert bool(finding.means) == bool(finding.fix) == (finding.state in (WARNING, FAULT))


def test_every_check_has_a_name_of_its_own_and_words_for_what_is_good() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.good or check.name in {
            *("last-delivery", "signing-key", "previous-key", "dns", "certificate", "genesys-side", "names"),
            *("alarm-subscribers", "backfill", "rebuild", "reconciliation", "tables", "quotas"),
        }


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("AccessDeniedException", WARNING, "GetKey is denied, so this could not be checked."),
        ("ResourceNotFoundException", FAULT, "is gone: AWS answers GetKey with ResourceNotFoundException"),
        ("NoSuchEntity", FAULT, "is gone"),
        ("Throttling", WARNING, "with Throttling, so this could not be checked."),
    ],
)
def test_a_question_that_aws_refuses_is_a_finding_and_never_an_ok(code: str, state: State, words: str) -> None:
    def look(_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "secret"}}, "GetKey")

    [(name, finding)] = diagnose(None, [Check("keys", look, lambda _: iter(()), "good")])  # type: ignore[arg-type]
    assert (name, finding.state) == ("keys", state)
    assert words in finding.seen
    assert "secret" not in repr(finding)


RESOURCES = DeployedResources(
    [
        Resource("Bucket", "AWS::S3::Bucket", {}, "lake"),
        Resource("Queue", "AWS::SQS::Queue", {}, "https://sqs.eu-west-1.amazonaws.com/111111111111/buffer"),
    ],
    "aws",
    "eu-west-1",
    ACCOUNT,
)


@pytest.mark.parametrize(
    ("declared", "actual", "differences"),
    [
        ({"A": True, "B": 5}, {"A": "true", "B": 5.0, "C": 1}, []),
        ({"A": {"B": 1}}, {"A": {"B": 2}}, ["A.B is 2, not 1"]),
        ({"A": {"B": 1}}, {}, ["A.B is missing"]),
        ({"Ref": "Bucket"}, "lake", []),
        ({"A": {"Ref": "Bucket"}}, {"A": "other"}, ["A is other, not the template's"]),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:eu-west-1:111111111111:buffer", []),
        ({"A": {"Fn::GetAtt": ["Queue", "Arn"]}}, {"A": "arn:aws:sqs:eu-west-1:111111111111:other"}, None),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/raw/*"]]}, "arn:aws:s3:::lake/raw/*", []),
        ({"A": {"Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".x"]]}}, {"A": "s3.us-east-1.x"}, None),
        (["a", "b"], ["b", "a"], []),
        ({"A": ["a"]}, {"A": ["a", "b"]}, []),
        ({"A": ["a", "c"]}, {"A": ["a", "b"]}, ["A is not as in the template"]),
        ({"Fn::ImportValue": "x"}, "whatever", []),
    ],
)
def test_an_answer_is_held_against_a_part_of_the_template(
    declared: Any, actual: Any, differences: list[str] | None
) -> None:
    found = list(RESOURCES.differences(declared, actual))
    assert found == differences if differences is not None else len(found) == 1


class Iam:
    """A role with one policy, whose document is given."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def get_paginator(self, _name: str) -> Any:
        policies = [{"PolicyArn": "arn:aws:iam::111111111111:policy/deliver"}]
        return SimpleNamespace(paginate=lambda **_: [{"AttachedPolicies": policies}])

    def get_policy(self, **_: str) -> dict[str, Any]:
        return {"Policy": {"DefaultVersionId": "v1"}}

    def get_policy_version(self, **_: str) -> dict[str, Any]:
        return {"PolicyVersion": {"Document": self._document}}

    def list_role_policies(self, **_: str) -> dict[str, Any]:
        return {"PolicyNames": []}


DECLARED = {
    "Sid": "Objects",
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": [{"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/raw/*"]]}],
    "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
}
GRANTED = {**DECLARED, "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::lake/raw/*"}


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({}, ()),
        ({"Resource": "*"}, ("Objects as the template has it (s3:GetObject, s3:PutObject)",)),
        (
            {"Resource": ["arn:aws:s3:::lake/raw/*", "*"]},
            ("Objects as the template has it (s3:GetObject, s3:PutObject)",),
        ),
        ({"Effect": "Deny"}, ("Objects as the template has it (s3:GetObject, s3:PutObject)",)),
        ({"Condition": {}}, ("Objects as the template has it (s3:GetObject, s3:PutObject)",)),
        ({"Sid": "Other", "Action": "s3:GetObject"}, ("Objects (s3:GetObject, s3:PutObject)",)),
    ],
)
def test_a_policy_is_held_against_the_templates_statement_by_statement(
    change: dict[str, Any], missing: tuple[str, ...]
) -> None:
    policy = {"PolicyDocument": {"Statement": [DECLARED]}, "Roles": [{"Ref": "Role"}]}
    role = Resource("Role", "AWS::IAM::Role", {}, "role")
    arn = "arn:aws:iam::111111111111:policy/deliver"
    bucket = Resource("Bucket", "AWS::S3::Bucket", {}, "lake")
    resources = DeployedResources(
        [bucket, role, Resource("Policy", "AWS::IAM::ManagedPolicy", policy, arn)], "aws", "eu-west-1", ACCOUNT
    )
    inspection: Any = SimpleNamespace(resources=resources, client=lambda _: Iam({"Statement": [{**GRANTED, **change}]}))
    [grants] = look_at_grants(inspection)
    assert grants.missing == missing
    assert bool(grants.added) == ("Sid" in change)
