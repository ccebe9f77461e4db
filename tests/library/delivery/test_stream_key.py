"""A stream under a customer managed key: whoever puts records may use the key, and an alarm watches it."""

from tests.library.synthesis import Template, as_list, flat, statements


def _put_statements(template: Template) -> list[tuple[str, dict[str, dict[str, object]]]]:
    """The policies that may put records, by logical id."""
    found = []
    for name, policy in template.resources("AWS::IAM::ManagedPolicy").items():
        by_sid = statements(policy["Properties"]["PolicyDocument"])
        actions = {action for statement in by_sid.values() for action in as_list(statement["Action"])}
        if actions & {"firehose:PutRecord", "firehose:PutRecordBatch"}:
            found.append((name, by_sid))
    return found


def test_every_role_that_puts_records_may_use_the_streams_key(maximal: Template) -> None:
    [stream] = maximal.resources("AWS::KinesisFirehose::DeliveryStream").values()
    key = stream["Properties"]["DeliveryStreamEncryptionConfigurationInput"]["KeyARN"]
    policies = _put_statements(maximal)
    assert policies
    for name, by_sid in policies:
        statement = by_sid["StreamKey"]
        assert flat(statement["Resource"]) == flat(key), name
        assert set(as_list(statement["Action"])) == {"kms:Decrypt", "kms:GenerateDataKey"}, name
        assert "Condition" not in statement, name


def test_without_a_key_there_is_nothing_to_allow_and_nothing_to_watch(default: Template) -> None:
    assert all("StreamKey" not in by_sid for _, by_sid in _put_statements(default))
    alarms = [alarm["Metadata"]["aws:cdk:path"] for alarm in default.resources("AWS::CloudWatch::Alarm").values()]
    assert not [path for path in alarms if "StreamKey" in path]


def test_an_alarm_watches_all_that_can_be_wrong_with_the_key(maximal: Template) -> None:
    alarm = maximal.properties("AWS::CloudWatch::Alarm", "Alarms/StreamKey")
    watched = {each["MetricStat"]["Metric"]["MetricName"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert watched == {"KMSKeyAccessDenied", "KMSKeyDisabled", "KMSKeyInvalidState", "KMSKeyNotFound"}
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
