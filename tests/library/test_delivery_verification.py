"""The stack that tries the delivery knows the pipeline by parameters alone, and runs when the way has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk import (
    AlarmThresholdsProps,
    BufferingProps,
    DataLakeBucketProps,
    DeliveryProps,
    DeliveryVerification,
    GenesysFirehosePipeline,
    IngestProps,
    InvalidPropertyError,
    LakeCatalogProps,
    LakeProps,
    MonitoringProps,
    RetentionMode,
    TransformProps,
)
from tests.library.synthesis import CONTEXT, KEY_ARN, Template, as_list, flat, new_stack, statements
from tests.library.test_nag import PACKS, _findings
from verification.settings import VerificationSettings

RESOURCE = "Custom::DeliveryVerification"


class App:
    """A pipeline in one stack and its verification in another."""

    def __init__(self, outdir: Path | None = None, **properties: Any) -> None:
        self.app = cdk.App(
            analytics_reporting=False,
            context={**CONTEXT, "aws:cdk:enable-path-metadata": True},
            outdir=None if outdir is None else str(outdir),
        )
        self.stack = cdk.Stack(self.app, "Test")
        self.pipeline = GenesysFirehosePipeline(self.stack, "Pipeline", **properties)
        self.other = cdk.Stack(self.app, "Verification")
        self.verification = DeliveryVerification(self.other, "Delivery", pipeline=self.pipeline)

    def templates(self) -> tuple[Template, Template]:
        assembly = self.app.synth()
        return tuple(Template(assembly.get_stack_by_name(name).template) for name in ("Test", "Verification"))  # type: ignore[return-value]

    def logical_id(self) -> str:
        [logical_id] = self.templates()[1].resources(RESOURCE)
        return logical_id


@pytest.fixture(scope="module")
def usual() -> tuple[Template, Template]:
    return App().templates()


def _environment(template: Template) -> dict[str, Any]:
    [function] = template.resources("AWS::Lambda::Function").values()
    variables: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
    return variables


def _policy(template: Template) -> dict[str, dict[str, Any]]:
    [policy] = template.resources("AWS::IAM::ManagedPolicy").values()
    return statements(policy["Properties"]["PolicyDocument"])


def test_neither_stack_exports_or_imports_anything(usual: tuple[Template, Template]) -> None:
    for template in usual:
        text = json.dumps(template.content)
        assert "ImportValue" not in text
        assert "GetStackOutput" not in text
        assert not [name for name, output in template.content.get("Outputs", {}).items() if "Export" in output]


def test_the_verification_reads_the_parameters_that_the_pipeline_writes(usual: tuple[Template, Template]) -> None:
    written = {each["Properties"]["Name"] for each in usual[0].resources("AWS::SSM::Parameter").values()}
    read = {
        parameter["Default"]
        for parameter in usual[1].content["Parameters"].values()
        if parameter["Type"] == "AWS::SSM::Parameter::Value<String>" and "bootstrap" not in parameter["Default"]
    }
    assert read == written
    assert all(name.startswith("/genesys-firehose/Test/TestPipeline") for name in written)


def test_two_pipelines_of_a_stack_and_of_an_account_write_different_parameters() -> None:
    app = cdk.App(analytics_reporting=False, context=CONTEXT)
    names: set[str] = set()
    for stack in (cdk.Stack(app, "A"), cdk.Stack(app, "B")):
        for pipeline in ("First", "Second"):
            names |= set(GenesysFirehosePipeline(stack, pipeline).parameters.names.values())
    assert len(names) == 4 * 5


def _nested(**properties: Any) -> tuple[GenesysFirehosePipeline, str]:
    app = cdk.App(analytics_reporting=False, context=CONTEXT)
    nested = cdk.NestedStack(cdk.Stack(app, "Around"), "Nested")
    pipeline = GenesysFirehosePipeline(nested, "Pipeline", **properties)
    DeliveryVerification(cdk.Stack(app, "Verification"), "Delivery", pipeline=pipeline)
    [logical_id] = Template(app.synth().get_stack_by_name("Verification").template).resources(RESOURCE)
    return pipeline, logical_id


def test_a_pipeline_in_a_nested_stack_is_found_by_the_name_of_the_stack_around_it() -> None:
    pipeline, logical_id = _nested()
    assert all(name.startswith("/genesys-firehose/Around/") for name in pipeline.parameters.names.values())
    assert _nested(transform=TransformProps(deduplication_ttl_days=9))[1] != logical_id


def test_the_verification_is_deployed_after_the_pipeline() -> None:
    app = App()
    assert app.other.dependencies == [app.stack]


def test_the_function_may_do_exactly_this(usual: tuple[Template, Template]) -> None:
    policy = _policy(usual[1])
    assert {sid: set(as_list(statement["Action"])) for sid, statement in policy.items()} == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Tracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "SendEvent": {"sqs:SendMessage", "sqs:GetQueueAttributes"},
        "QueueKey": {"kms:Decrypt", "kms:GenerateDataKey"},
        "ListObjects": {"s3:ListBucket"},
        "LookAtObjects": {"s3:GetObject", "s3:GetObjectRetention"},
        "ReadDeliveryLogs": {"logs:FilterLogEvents"},
    }
    ends = {flat(arn).rpartition(">/")[2] for arn in as_list(policy["LookAtObjects"]["Resource"])}
    assert ends == {"raw/2*", "clean/event_type=verification/*"}


def test_the_function_can_use_no_key_but_the_queues_through_the_queue(usual: tuple[Template, Template]) -> None:
    [key] = [
        statement
        for statement in _policy(usual[1]).values()
        if any(action.startswith("kms:") for action in as_list(statement["Action"]))
    ]
    assert "OperationsKeyArn" in flat(key["Resource"])
    assert flat(key["Condition"]["StringEquals"]["kms:ViaService"]).startswith("sqs.")


def test_the_log_of_every_stream_is_read() -> None:
    _, template = App(delivery=DeliveryProps(shards=3)).templates()
    groups = [json.dumps(arn) for arn in as_list(_policy(template)["ReadDeliveryLogs"]["Resource"])]
    assert len(groups) == 3
    assert all(f'"Fn::Select": [{index}, ' in group for index, group in enumerate(groups))


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("partitioned", [True, False])
def test_no_rule_finds_anything_that_is_not_acknowledged(pack: str, partitioned: bool) -> None:
    app = App(delivery=DeliveryProps(dynamic_partitioning=partitioned))
    assert _findings(app.other, pack) == []


def test_the_function_can_read_every_setting_that_it_needs(usual: tuple[Template, Template]) -> None:
    def text(value: Any) -> str:
        return value if isinstance(value, str) else "reference"

    environment = {name: text(value) for name, value in _environment(usual[1]).items()}
    settings = VerificationSettings.from_environment(environment)
    assert settings.prefixes == {"raw/": "raw/%Y/%m/%d/%H/", "clean/": "clean/event_type=verification/date=%Y-%m-%d/"}
    assert (settings.retention_mode, settings.wait_seconds) == ("GOVERNANCE", 240)


def test_an_unpartitioned_pipeline_is_looked_for_by_day() -> None:
    _, template = App(delivery=DeliveryProps(dynamic_partitioning=False)).templates()
    assert _environment(template)["CLEAN_PREFIX"] == "clean/%Y/%m/%d/"
    assert _policy(template)["ListObjects"]["Condition"]["StringLike"]["s3:prefix"] == ["raw/2*", "clean/*"]


@pytest.mark.parametrize(
    ("lake", "demanded"),
    [
        (LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)), ""),
        (
            LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.COMPLIANCE, acknowledge_compliance=True)),
            "COMPLIANCE",
        ),
    ],
)
def test_the_retention_of_the_pipeline_is_demanded(lake: LakeProps, demanded: str) -> None:
    assert _environment(App(lake=lake).templates()[1])["RETENTION_MODE"] == demanded


def test_of_an_existing_bucket_no_retention_is_demanded() -> None:
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    bucket = s3.Bucket.from_bucket_attributes(stack, "Bucket", bucket_name="events", encryption_key=key)
    app = App(lake=LakeProps(existing_bucket=bucket, existing_bucket_is_locked_and_versioned=True))
    assert _environment(app.templates()[1])["RETENTION_MODE"] == ""


def test_longer_buffers_are_waited_for() -> None:
    buffering = BufferingProps(interval=cdk.Duration.seconds(300))
    _, template = App(delivery=DeliveryProps(buffering=buffering)).templates()
    assert _environment(template)["WAIT_SECONDS"] == str(20 + 450 + 130)


Escape = Callable[[GenesysFirehosePipeline], None]


def _override(pipeline: GenesysFirehosePipeline) -> None:
    stream: Any = pipeline.delivery_stream.stream.node.default_child
    stream.add_property_override("ExtendedS3DestinationConfiguration.CustomTimeZone", "Asia/Tokyo")


def _bucket_policy(pipeline: GenesysFirehosePipeline) -> None:
    pipeline.bucket.bucket.add_to_resource_policy(
        cdk.aws_iam.PolicyStatement(
            sid="Late",
            effect=cdk.aws_iam.Effect.DENY,
            principals=[cdk.aws_iam.AnyPrincipal()],
            actions=["s3:PutObject"],
            resources=[pipeline.bucket.bucket.arn_for_objects("raw/*")],
        )
    )


def _key_policy(pipeline: GenesysFirehosePipeline) -> None:
    pipeline.bucket.raw_key.grant_decrypt(cdk.aws_iam.AccountPrincipal("111122223333"))


def _tags(pipeline: GenesysFirehosePipeline) -> None:
    cdk.Tags.of(pipeline).add("Team", "contact-centre")


CHANGES: dict[str, dict[str, Any]] = {
    "buffering": {"delivery": DeliveryProps(buffering=BufferingProps(interval=cdk.Duration.seconds(90)))},
    "partitions": {"delivery": DeliveryProps(dynamic_partitioning=False)},
    "shards": {"delivery": DeliveryProps(shards=2)},
    "trust": {"delivery": DeliveryProps(restrict_trust_to_account=True)},
    "retention": {"lake": LakeProps(bucket=DataLakeBucketProps(retention_days=90))},
    "transform's environment": {"transform": TransformProps(deduplication_ttl_days=9)},
    "ingest's environment": {"ingest": IngestProps(event_id_field="id")},
    "namespace in the functions' environment": {"monitoring": MonitoringProps(metrics_namespace="Other")},
}
NO_CHANGES: dict[str, dict[str, Any]] = {
    "log retention": {"monitoring": MonitoringProps(log_retention=logs.RetentionDays.ONE_MONTH)},
    "alarms": {"monitoring": MonitoringProps(thresholds=AlarmThresholdsProps(dead_letters=9))},
    "catalog": {"lake": LakeProps(catalog=LakeCatalogProps(results_expiration_days=3))},
}


@pytest.fixture(scope="module")
def usual_id(usual: tuple[Template, Template]) -> str:
    [logical_id] = usual[1].resources(RESOURCE)
    return logical_id


@pytest.mark.parametrize("change", CHANGES)
def test_the_verification_runs_again_when_something_on_the_way_changes(change: str, usual_id: str) -> None:
    assert App(**CHANGES[change]).logical_id() != usual_id


@pytest.mark.parametrize("change", [_override, _bucket_policy, _key_policy])
def test_the_verification_runs_again_when_an_app_changes_the_way_itself(change: Escape, usual_id: str) -> None:
    app = App()
    change(app.pipeline)
    assert app.logical_id() != usual_id


def test_the_verification_runs_again_when_a_functions_code_changes(
    usual_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransformProps, "files", property(lambda _: {"transform/new.py": ""}))
    assert App().logical_id() != usual_id


@pytest.mark.parametrize("change", NO_CHANGES)
def test_the_verification_does_not_run_again_for_what_is_beside_the_way(change: str, usual_id: str) -> None:
    assert App(**NO_CHANGES[change]).logical_id() == usual_id


def test_tags_do_not_make_the_verification_run_again(usual_id: str) -> None:
    app = App()
    _tags(app.pipeline)
    assert "contact-centre" in json.dumps(app.templates()[0].content)
    assert app.logical_id() == usual_id


def test_an_older_template_in_the_output_directory_does_not_count(tmp_path: Path, usual_id: str) -> None:
    assert App(tmp_path, **CHANGES["trust"]).logical_id() != usual_id
    assert App(tmp_path).logical_id() == usual_id


ORDER = (
    "scope is in another stage than the pipeline, or in a stack that was created before the pipeline's: a stack "
    "created after the pipeline's, in the same stage, is allowed."
)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            lambda _, stack: stack,
            "scope is in the pipeline's own stack: another one is allowed, because a failed verification would roll "
            "the pipeline back.",
        ),
        (
            lambda app, _: cdk.Stack(app, "Other", env=cdk.Environment(region="eu-west-1")),
            "scope is in another region than the pipeline: a stack for the pipeline's own region is allowed.",
        ),
        (
            lambda app, _: cdk.Stack(app, "Other", env=cdk.Environment(account="111122223333")),
            "scope is in another account than the pipeline: a stack for the pipeline's own account is allowed.",
        ),
        (lambda app, _: cdk.Stack(cdk.Stage(app, "Stage"), "Other"), ORDER),
        (lambda app, _: app.node.find_child("First"), ORDER),
    ],
    ids=["the same stack", "another region", "another account", "another stage", "an earlier stack"],
)
def test_a_stack_that_can_not_be_deployed_after_the_pipelines_is_refused(
    place: Callable[[cdk.App, cdk.Stack], Any], message: str
) -> None:
    app = cdk.App(analytics_reporting=False, context=CONTEXT)
    cdk.Stack(app, "First")
    stack = cdk.Stack(app, "Test")
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    with pytest.raises(InvalidPropertyError) as refusal:
        DeliveryVerification(place(app, stack), "Delivery", pipeline=pipeline)
    assert str(refusal.value) == message


def test_buffers_that_outlast_a_function_are_refused() -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        App(delivery=DeliveryProps(buffering=BufferingProps(interval=cdk.Duration.seconds(900))))
    assert str(refusal.value) == (
        "delivery.buffering.interval keeps an event for up to 1,370 s, which a DeliveryVerification can't wait for: an "
        "interval with which it is 650 s at most is allowed, or a pipeline without verification."
    )
