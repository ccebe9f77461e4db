"""The functions run on the newest Python, with what they need and nothing else."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match

from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    IngestProps,
    MonitoringProps,
    SignatureEncoding,
    SignatureProps,
    TransformProps,
    WebhookProps,
)
from tests.library.ingress.test_partner_bus import bus_props
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize, template_of

FUNCTIONS = ["Ingest", "Transform"]


def _policy(template: Template, function: str) -> dict[str, dict[str, Any]]:
    return statements(template.properties("AWS::IAM::ManagedPolicy", f"{function}/Policy")["PolicyDocument"])


def _environment(template: Template, function: str) -> dict[str, Any]:
    environment: dict[str, Any] = template.properties("AWS::Lambda::Function", f"{function}/Function")["Environment"]
    variables: dict[str, Any] = environment["Variables"]
    return variables


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_python_3_14_on_arm64(default: Template, function: str) -> None:
    properties = default.properties("AWS::Lambda::Function", f"{function}/Function")
    assert properties["Runtime"] == "python3.14"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Handler"] == f"{function.lower()}.handler.handle"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_logs_to_its_own_group_for_a_year(default: Template, function: str) -> None:
    properties = default.properties("AWS::Lambda::Function", f"{function}/Function")
    assert f"{function}LogGroup" in flat(properties["LoggingConfig"]["LogGroup"])
    assert default.properties("AWS::Logs::LogGroup", f"{function}/LogGroup")["RetentionInDays"] == 365


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_writes_no_line_of_an_invocation_that_succeeds(default: Template, function: str) -> None:
    logging = default.properties("AWS::Lambda::Function", f"{function}/Function")["LoggingConfig"]
    levels = (logging["LogFormat"], logging["SystemLogLevel"], logging["ApplicationLogLevel"])
    assert levels == ("JSON", "WARN", "INFO")


def _traced(template: Template) -> set[str]:
    return {
        function
        for function in FUNCTIONS
        if template.properties("AWS::Lambda::Function", f"{function}/Function")["TracingConfig"]["Mode"] == "Active"
        and "Tracing" in _policy(template, function)
    }


def test_of_both_functions_the_one_behind_the_api_is_traced_unless_tracing_is_asked_for(default: Template) -> None:
    assert _traced(default) == {"Ingest"}
    assert _traced(synthesize(webhook=None, partner_bus=bus_props())) == set()
    assert _traced(synthesize(monitoring=MonitoringProps(active_tracing=True))) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_waits_for_the_policy_of_its_role(default: Template, function: str) -> None:
    depends_on = default.one("AWS::Lambda::Function", f"{function}/Function")["DependsOn"]
    assert any(name.startswith(f"Pipeline{function}Policy") for name in depends_on)


def test_ingest_times_out_before_the_api_and_the_api_before_the_sender(default: Template) -> None:
    function = default.properties("AWS::Lambda::Function", "Ingest/Function")["Timeout"]
    for method in default.resources("AWS::ApiGateway::Method").values():
        integration = method["Properties"]["Integration"]["TimeoutInMillis"] / 1000
        assert 8 < function < integration < 10


def test_transform_may_run_as_long_as_firehose_waits(default: Template) -> None:
    assert default.properties("AWS::Lambda::Function", "Transform/Function")["Timeout"] == 300


def test_ingest_may_do_exactly_this(default: Template) -> None:
    policy = _policy(default, "Ingest")
    assert {sid: set(as_list(statement["Action"])) for sid, statement in policy.items()} == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Tracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "PutEvents": {"firehose:PutRecordBatch", "firehose:DescribeDeliveryStream"},
        "Buffer": {
            "sqs:SendMessage",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
        },
        "SetAside": {"sqs:SendMessage"},
        "BufferKey": {"kms:Decrypt", "kms:GenerateDataKey"},
        "ReadHmacKey": {"secretsmanager:GetSecretValue"},
        "DecryptHmacKey": {"kms:Decrypt"},
        "WriteOversize": {"s3:PutObject"},
        "EncryptOversize": {"kms:GenerateDataKey"},
    }
    assert flat(policy["WriteOversize"]["Resource"]).endswith(".Arn>/raw/oversize/*")
    assert "BufferQueue" in flat(policy["Buffer"]["Resource"])
    assert "DeadLetterQueue" in flat(policy["SetAside"]["Resource"])
    assert "SigningKeySecret" in flat(policy["ReadHmacKey"]["Resource"])


def test_transform_may_do_exactly_this(default: Template) -> None:
    policy = _policy(default, "Transform")
    assert {sid: set(as_list(statement["Action"])) for sid, statement in policy.items()} == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "ClaimKeys": {"dynamodb:UpdateItem", "dynamodb:PartiQLInsert", "dynamodb:BatchGetItem"},
        "ReadHmacKey": {"secretsmanager:GetSecretValue"},
        "DecryptHmacKey": {"kms:Decrypt"},
        "ReadOversize": {"s3:GetObject"},
        "DecryptOversize": {"kms:Decrypt"},
    }
    assert flat(policy["ReadOversize"]["Resource"]).endswith(".Arn>/raw/oversize/*")
    assert "TokenizationKeySecret" in flat(policy["ReadHmacKey"]["Resource"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_role_of_a_function_has_no_other_policy(default: Template, function: str) -> None:
    [role_id] = [key for key in default.resources("AWS::IAM::Role") if key.startswith(f"Pipeline{function}Role")]
    attached = [
        key
        for type_name in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for key, policy in default.resources(type_name).items()
        if {"Ref": role_id} in policy["Properties"]["Roles"]
    ]
    assert len(attached) == 1
    assert not {"Policies", "ManagedPolicyArns"} & set(default.resources("AWS::IAM::Role")[role_id]["Properties"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_tracing_names_every_resource(default: Template, function: str) -> None:
    everything = [
        sid for sid, statement in _policy(default, function).items() if "*" in map(flat, as_list(statement["Resource"]))
    ]
    assert everything == (["Tracing"] if function == "Ingest" else [])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_uses_each_key_through_its_service_alone(default: Template, function: str) -> None:
    for sid, statement in _policy(default, function).items():
        if any(action.startswith("kms:") for action in as_list(statement["Action"])):
            assert "kms:ViaService" in statement["Condition"]["StringEquals"], sid


def test_queue_is_drained_in_batches_that_may_fail_in_part(default: Template) -> None:
    mapping = default.properties("AWS::Lambda::EventSourceMapping")
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_signature_defaults_to_the_header_x_genesys_signature_in_hex(default: Template) -> None:
    environment = _environment(default, "Ingest")
    assert environment["SIGNATURE_HEADER"] == "X-Genesys-Signature"
    assert environment["SIGNATURE_PREFIX"] == ""
    assert environment["SIGNATURE_ENCODING"] == "hex"
    assert environment["TIMESTAMP_HEADER"] == ""
    assert environment["PREVIOUS_KEY_VALIDITY_HOURS"] == "24"


def test_open_messaging_is_one_argument_away(maximal: Template) -> None:
    environment = _environment(maximal, "Ingest")
    assert environment["SIGNATURE_HEADER"] == "X-Hub-Signature-256"
    assert environment["SIGNATURE_PREFIX"] == "sha256="
    assert environment["SIGNATURE_ENCODING"] == "base64"


@pytest.mark.parametrize("signature", [SignatureProps.shared_key(), SignatureProps.basic()])
def test_a_key_in_a_header_is_warned_of_and_rotates_as_others_do(signature: SignatureProps) -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", webhook=WebhookProps(signature=signature))
    warnings = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("TLS is the only protection"))
    assert len(warnings) == 1
    environment = _environment(template_of(stack), "Ingest")
    assert environment["SIGNATURE_KIND"] == signature.kind.value
    assert environment["PREVIOUS_KEY_VALIDITY_HOURS"] == "24"


def test_a_signature_over_the_body_is_not_warned_of() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", webhook=WebhookProps(signature=SignatureProps.open_messaging()))
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("TLS is the only protection"))


def test_every_setting_of_the_functions_reaches_them() -> None:
    template = synthesize(
        webhook=WebhookProps(
            signature=SignatureProps(
                header="X-Signature",
                prefix="v1=",
                encoding=SignatureEncoding.BASE64,
                timestamp_header="X-Timestamp",
                timestamp_tolerance=cdk.Duration.minutes(2),
                previous_key_validity=cdk.Duration.days(2),
            ),
            max_body_bytes=100_000,
        ),
        ingest=IngestProps(
            event_id_field="event.id",
            oversize_fields=["transcripts", "body"],
            max_events=50,
            queue_max_concurrency=5,
            memory_size=256,
        ),
        transform=TransformProps(
            deduplication_ttl_days=14, event_date_past_days=60, event_date_future_days=2, memory_size=2048
        ),
        monitoring=MonitoringProps(metrics_namespace="Contact/Centre"),
    )
    ingest = _environment(template, "Ingest")
    assert {
        "SIGNATURE_HEADER": "X-Signature",
        "SIGNATURE_PREFIX": "v1=",
        "SIGNATURE_ENCODING": "base64",
        "TIMESTAMP_HEADER": "X-Timestamp",
        "TIMESTAMP_TOLERANCE_SECONDS": "120",
        "PREVIOUS_KEY_VALIDITY_HOURS": "48",
        "MAX_BODY_BYTES": "100000",
        "MAX_EVENTS": "50",
        "EVENT_ID_FIELD": "event.id",
        "OVERSIZE_FIELDS": "transcripts,body",
        "METRICS_NAMESPACE": "Contact/Centre",
        "PIPELINE_NAME": "Test/Pipeline",
    }.items() <= ingest.items()
    transform = _environment(template, "Transform")
    assert {
        "DEDUPLICATION_TTL_DAYS": "14",
        "EVENT_DATE_WINDOW_PAST_DAYS": "60",
        "EVENT_DATE_WINDOW_FUTURE_DAYS": "2",
        "METRICS_NAMESPACE": "Contact/Centre",
        "PIPELINE_NAME": "Test/Pipeline",
    }.items() <= transform.items()
    assert template.properties("AWS::Lambda::EventSourceMapping")["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert template.properties("AWS::Lambda::Function", "Ingest/Function")["MemorySize"] == 256
    assert template.properties("AWS::Lambda::Function", "Transform/Function")["MemorySize"] == 2048


def test_functions_can_read_every_setting_they_need(default: Template) -> None:
    from ingest.settings import IngestSettings
    from transform.settings import TransformSettings

    ingest = {name: flat(value) for name, value in _environment(default, "Ingest").items()}
    assert IngestSettings.from_environment(ingest).max_body_bytes == 4_194_304
    assert TransformSettings.from_environment(_environment(default, "Transform")).owner_ttl.days == 7
