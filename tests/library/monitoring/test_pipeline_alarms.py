"""Every way to lose, delay or refuse an event has its alarm, and every alarm reports to the topic."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk.assertions import Annotations, Match

from genesys_firehose_cdk import (
    AlarmThresholdsProps,
    BufferingProps,
    CertificateAlarms,
    DeliveryProps,
    GenesysFirehosePipeline,
    IngestProps,
    MonitoringProps,
    WebhookDomainProps,
)
from tests.library.synthesis import (
    CERTIFICATE_ARN,
    Template,
    flat,
    new_context,
    new_stack,
    statements,
    synthesize,
    template_of,
)

# Alarm: namespace, metric, statistic, comparison, threshold.
ALARMS = {
    "DeliveryFreshness": ("AWS/Firehose", "DeliveryToS3.DataFreshness", "Maximum", ">=", 300),
    "BackupFreshness": ("AWS/Firehose", "BackupToS3.DataFreshness", "Maximum", ">=", 300),
    "ProcessingSuccess": ("AWS/Firehose", "ExecuteProcessing.Success", "Average", "<", 1),
    "DeliverySuccess": ("AWS/Firehose", "DeliveryToS3.Success", "Average", "<", 1),
    "BackupSuccess": ("AWS/Firehose", "BackupToS3.Success", "Average", "<", 1),
    "StreamThrottled": ("AWS/Firehose", "ThrottledRecords", "Sum", ">=", 1),
    "PartitionCountExceeded": ("AWS/Firehose", "PartitionCountExceeded", "Maximum", ">=", 1),
    "IngestErrors": ("AWS/Lambda", "Errors", "Sum", ">=", 1),
    "IngestThrottles": ("AWS/Lambda", "Throttles", "Sum", ">=", 1),
    "TransformErrors": ("AWS/Lambda", "Errors", "Sum", ">=", 1),
    "RebuildWorkerErrors": ("AWS/Lambda", "Errors", "Sum", ">=", 1),
    "RebuildExecutionsFailed": ("AWS/States", "ExecutionsFailed", "Sum", ">=", 1),
    "TransformThrottles": ("AWS/Lambda", "Throttles", "Sum", ">=", 1),
    "ClientErrors": ("AWS/ApiGateway", "4XXError", "Sum", ">=", 100),
    "QueueAge": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", ">=", 300),
    "DeadLetters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", ">=", 1),
    "FailedRecords": ("GenesysFirehose", "RecordsFailed", "Sum", ">=", 1),
    "DeduplicationUnavailable": ("GenesysFirehose", "DeduplicationUnavailable", "Sum", ">=", 1),
    "ConflictingRecords": ("GenesysFirehose", "RecordsConflicting", "Sum", ">=", 1),
    "TokenVolume": ("GenesysFirehose", "TokensMade", "Maximum", ">=", 10_000),
    "SchemaDrift": ("GenesysFirehose", "SchemaDrift", "Sum", ">=", 1),
}
OPERATORS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_watches_its_metric_for_five_minutes(default: Template, name: str) -> None:
    alarm = default.properties("AWS::CloudWatch::Alarm", f"Alarms/{name}")
    assert (
        alarm["Namespace"],
        alarm["MetricName"],
        alarm["Statistic"],
        OPERATORS[alarm["ComparisonOperator"]],
        alarm["Threshold"],
    ) == ALARMS[name]
    assert alarm["Period"] == 300
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["Dimensions"]


def test_quota_alarm_compares_each_rate_with_its_own_limit(default: Template) -> None:
    alarm = default.properties("AWS::CloudWatch::Alarm", "Alarms/QuotaUse")
    expressions = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
    assert expressions == [
        "MAX([bytesIn / 300 / bytesLimit, recordsIn / 300 / recordsLimit, requestsIn / 300 / requestsLimit])"
    ]
    assert {metric["MetricStat"]["Metric"]["MetricName"] for metric in alarm["Metrics"] if "MetricStat" in metric} == {
        "IncomingBytes",
        "BytesPerSecondLimit",
        "IncomingRecords",
        "RecordsPerSecondLimit",
        "IncomingPutRequests",
        "PutRequestsPerSecondLimit",
    }
    assert alarm["Threshold"] == 0.8


def test_the_alarm_on_refused_requests_is_on_their_share_of_ten_or_more_posts(default: Template) -> None:
    alarm = default.properties("AWS::CloudWatch::Alarm", "Alarms/RefusedShare")
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    assert expression == "IF(requests >= 10, share, 0)"
    metrics = {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert {name: (each["Stat"], each["Period"]) for name, each in metrics.items()} == {
        "share": ("Average", 900),
        "requests": ("SampleCount", 900),
    }
    for each in metrics.values():
        dimensions = {one["Name"]: flat(one["Value"]) for one in each["Metric"]["Dimensions"]}
        assert each["Metric"]["MetricName"] == "4XXError"
        assert (dimensions["Method"], dimensions["Resource"]) == ("POST", "/ingest/genesys-events")
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0.5, "notBreaching")


def test_the_alarm_on_server_errors_leaves_out_what_is_undecided_after_a_change_of_the_key(default: Template) -> None:
    alarm = default.properties("AWS::CloudWatch::Alarm", "Alarms/ServerErrors")
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    assert expression == "errors - FILL(undecided, 0)"
    names = {
        each["Id"]: each["MetricStat"]["Metric"]["MetricName"] for each in alarm["Metrics"] if "MetricStat" in each
    }
    assert names == {"errors": "5XXError", "undecided": "RequestsUndecided"}


@pytest.mark.parametrize(("concurrency", "threshold"), [(10, 500), (100, 5000)])
def test_the_alarm_on_the_queues_depth_counts_what_waits_for_its_next_try(concurrency: int, threshold: int) -> None:
    template = synthesize(ingest=IngestProps(queue_max_concurrency=concurrency))
    alarm = template.properties("AWS::CloudWatch::Alarm", "Alarms/QueueDepth")
    metrics = [each["MetricStat"]["Metric"]["MetricName"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert sorted(metrics) == ["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesVisible"]
    assert [each["Expression"] for each in alarm["Metrics"] if "Expression" in each] == ["visible + hidden"]
    assert alarm["Threshold"] == threshold


@pytest.mark.parametrize("name", ["DeliverySuccess", "BackupSuccess", "ProcessingSuccess"])
def test_one_failed_attempt_which_firehose_repeats_pages_nobody(default: Template, name: str) -> None:
    alarm = default.properties("AWS::CloudWatch::Alarm", f"Alarms/{name}")
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3)


@pytest.mark.parametrize("name", ["DeliverySuccess", "BackupSuccess"])
def test_delivery_alarm_names_the_checksum_that_object_lock_requires(default: Template, name: str) -> None:
    description = default.properties("AWS::CloudWatch::Alarm", f"Alarms/{name}")["AlarmDescription"]
    assert "checksum that S3 Object Lock requires" in description


def test_thresholds_are_properties() -> None:
    template = synthesize(
        monitoring=MonitoringProps(thresholds=AlarmThresholdsProps(client_errors=5, queue_age_seconds=60))
    )
    assert template.properties("AWS::CloudWatch::Alarm", "Alarms/ClientErrors")["Threshold"] == 5
    assert template.properties("AWS::CloudWatch::Alarm", "Alarms/QueueAge")["Threshold"] == 60


def test_topic_is_encrypted_refuses_plain_http_and_takes_alarms_of_this_account(default: Template) -> None:
    assert "OperationsKey" in flat(default.properties("AWS::SNS::Topic")["KmsMasterKeyId"])
    policy = statements(default.properties("AWS::SNS::TopicPolicy", "Topic/Policy")["PolicyDocument"])
    assert policy["AllowPublishThroughSSLOnly"]["Effect"] == "Deny"
    assert policy["CloudWatchAlarms"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert policy["CloudWatchAlarms"]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert len(policy) == 2


def _warnings(stack: cdk.Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("Nobody is subscribed"))
    return [each.id for each in found]


def test_synthesis_warns_where_nobody_is_subscribed_to_the_topic() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline")
    sns.Topic(stack, "Other").add_subscription(subscriptions.EmailSubscription("events@example.com"))
    assert _warnings(stack) == ["/Test/Pipeline/AlarmTopic/Topic"]


def test_synthesis_does_not_warn_where_another_stack_subscribes_a_queue() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    queue = cdk.aws_sqs.Queue(cdk.Stack(stack.node.root, "Other"), "Queue")
    pipeline.alarm_topic.add_subscription(subscriptions.SqsSubscription(queue))
    assert _warnings(stack) == []


def test_an_e_mail_address_is_subscribed_to_the_alarm_topic() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline", monitoring=MonitoringProps(alarm_email="events@example.com"))
    assert _warnings(stack) == []
    subscription = template_of(stack).properties("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "events@example.com")
    assert "AlarmTopic" in flat(subscription["TopicArn"])


def test_an_existing_topic_takes_the_alarms_instead() -> None:
    stack = new_stack()
    arn = "arn:aws:sns:eu-west-1:111122223333:alarms"
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        monitoring=MonitoringProps(existing_alarm_topic=sns.Topic.from_topic_arn(stack, "Topic", arn)),
    )
    template = template_of(stack)
    assert template.resources("AWS::SNS::Topic") == {}
    assert _warnings(stack) == []
    assert all(
        alarm["Properties"]["AlarmActions"] == [arn] for alarm in template.resources("AWS::CloudWatch::Alarm").values()
    )


def test_certificate_alarm_goes_off_30_days_ahead_and_stays_on_after_the_expiry(maximal: Template) -> None:
    alarm = maximal.properties("AWS::CloudWatch::Alarm", "CertificateAlarms/DaysToExpiry")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
        "AWS/CertificateManager",
        "DaysToExpiry",
        "Minimum",
    )
    assert alarm["Period"] == 24 * 3600
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanOrEqualToThreshold", 30)
    assert alarm["TreatMissingData"] == "ignore"
    assert alarm["Dimensions"] == [{"Name": "CertificateArn", "Value": CERTIFICATE_ARN}]


def test_expiry_events_of_this_certificate_reach_the_topic(maximal: Template) -> None:
    rule = maximal.properties("AWS::Events::Rule", "ExpiryEvents")
    assert rule["EventPattern"] == {
        "source": ["aws.acm"],
        "resources": [CERTIFICATE_ARN],
        "detail-type": [
            "ACM Certificate Approaching Expiration",
            "ACM Certificate Expired",
            "ACM Certificate Renewal Action Required",
        ],
    }
    [target] = rule["Targets"]
    assert "AlarmTopic" in flat(target["Arn"])
    publishers = [
        statement["Principal"]
        for statement in maximal.properties("AWS::SNS::TopicPolicy", "Topic/Policy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert {"Service": "events.amazonaws.com"} in publishers


def test_without_a_certificate_there_is_nothing_to_expire(default: Template) -> None:
    assert not [
        rule for rule in default.resources("AWS::Events::Rule").values() if "EventPattern" in rule["Properties"]
    ]


def _certificate(stack: cdk.Stack) -> cdk.aws_certificatemanager.ICertificate:
    return cdk.aws_certificatemanager.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)


def test_certificate_alarms_stand_alone() -> None:
    stack = new_stack()
    alarms = CertificateAlarms(
        stack, "Alarms", certificate=_certificate(stack), context=new_context(stack), days_to_expiry=45
    )
    assert alarms.expiry_events_rule.rule_arn
    assert template_of(stack).properties("AWS::CloudWatch::Alarm")["Threshold"] == 45


def test_a_certificate_that_may_be_imported_can_be_warned_of_earlier_than_acm_renews_its_own() -> None:
    domain = WebhookDomainProps(
        domain_name="events.example.com", certificate=_certificate(new_stack()), days_to_expiry=90
    )
    assert domain.days_to_expiry == 90


@pytest.mark.parametrize(
    ("seconds", "is_partitioned", "threshold"),
    [(60, True, 300), (900, True, 2 * (20 + 1350)), (900, False, 2 * (20 + 900)), (0, False, 300)],
)
def test_the_alarm_on_late_delivery_allows_for_the_buffering(
    seconds: int, is_partitioned: bool, threshold: int
) -> None:
    buffering = BufferingProps(interval=cdk.Duration.seconds(seconds))
    template = synthesize(delivery=DeliveryProps(buffering=buffering, dynamic_partitioning=is_partitioned))
    for name in ("DeliveryFreshness", "BackupFreshness"):
        assert template.properties("AWS::CloudWatch::Alarm", f"Alarms/{name}")["Threshold"] == threshold


def test_a_threshold_for_late_delivery_that_is_given_counts() -> None:
    template = synthesize(monitoring=MonitoringProps(thresholds=AlarmThresholdsProps(delivery_freshness_seconds=7)))
    assert template.properties("AWS::CloudWatch::Alarm", "Alarms/DeliveryFreshness")["Threshold"] == 7


def test_partitions_are_watched_only_where_there_are_any(default: Template, unpartitioned: Template) -> None:
    def watched(template: Template) -> set[str]:
        alarms = template.resources("AWS::CloudWatch::Alarm").values()
        names = {alarm["Metadata"]["aws:cdk:path"].split("/")[-2] for alarm in alarms}
        return {name for name in names if not name.startswith(("Rebuild", "Tables"))}

    assert watched(default) - watched(unpartitioned) == {"PartitionCountExceeded"}
