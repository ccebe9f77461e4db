"""Only Genesys Cloud reaches the webhook; an empty or outdated list of its networks raises an alarm."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import (
    GenesysFirehosePipeline,
    GenesysProps,
    GenesysRegion,
    InvalidPropertyError,
    IpAllowListProps,
    WebhookProps,
)
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.synthesis import WEB_ACL_ARN, Template, as_list, flat, new_stack, statements, template_of

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:genesys-AbCdEf"


def genesys(stack: cdk.Stack, region: GenesysRegion = GenesysRegion.EU_CENTRAL_1, **properties: Any) -> GenesysProps:
    secret = secretsmanager.Secret.from_secret_attributes(
        stack,
        "Credentials",
        secret_complete_arn=SECRET_ARN,
        encryption_key=kms.Key.from_key_arn(stack, "CredentialsKey", "arn:aws:kms:eu-central-1:111122223333:key/a-b"),
    )
    return GenesysProps(region=region, credentials=secret, **properties)


def _pipeline(stack: cdk.Stack, **properties: Any) -> GenesysFirehosePipeline:
    allowed = IpAllowListProps(**{"additional_cidrs": ["198.51.100.0/24", "2001:db8::/32"], **properties})
    return GenesysFirehosePipeline(stack, "Pipeline", genesys=genesys(stack, ip_allow_list=allowed))


@pytest.fixture(scope="module")
def listed() -> Template:
    stack = new_stack()
    _pipeline(stack)
    return template_of(stack)


def _set(template: Template, version: str) -> dict[str, Any]:
    [ip_set] = [
        resource["Properties"]
        for resource in template.resources("AWS::WAFv2::IPSet").values()
        if resource["Properties"]["IPAddressVersion"] == version
    ]
    assert isinstance(ip_set, dict)
    return ip_set


def test_everything_is_blocked_but_the_networks_of_both_sets(listed: Template) -> None:
    acl = listed.properties("AWS::WAFv2::WebACL")
    assert (acl["Scope"], acl["DefaultAction"]) == ("REGIONAL", {"Block": {}})
    [rule] = acl["Rules"]
    assert rule["Action"] == {"Allow": {}}
    references = [
        flat(each["IPSetReferenceStatement"]["Arn"]) for each in rule["Statement"]["OrStatement"]["Statements"]
    ]
    assert ["IPv4" in references[0], "IPv6" in references[1], len(references)] == [True, True, 2]


def test_requests_are_counted_and_no_header_of_one_is_kept(listed: Template) -> None:
    acl = listed.properties("AWS::WAFv2::WebACL")
    for visible in (acl["VisibilityConfig"], acl["Rules"][0]["VisibilityConfig"]):
        assert (visible["CloudWatchMetricsEnabled"], visible["SampledRequestsEnabled"]) == (True, False)


def test_cloudformation_writes_the_owners_networks_alone(listed: Template) -> None:
    assert _set(listed, "IPV4")["Addresses"] == ["198.51.100.0/24"]
    assert _set(listed, "IPV6")["Addresses"] == ["2001:db8::/32"]


def _depends(template: Template, name: str) -> set[str]:
    """Everything that a resource waits for."""
    resource = template.content["Resources"][name]
    found = set(resource.get("DependsOn", []))
    for other in template.content["Resources"]:
        if f'"{other}"' in str(resource.get("Properties", {})).replace("'", '"'):
            found.add(other)
    return found | {deeper for each in found for deeper in _depends(template, each) if each != name}


def test_the_door_is_not_closed_before_the_list_holds_who_may_pass(listed: Template) -> None:
    [association] = listed.resources("AWS::WAFv2::WebACLAssociation")
    waits_for = {listed.content["Resources"][name]["Type"] for name in _depends(listed, association)}
    assert {"Custom::GenesysIpRanges", "AWS::WAFv2::IPSet", "AWS::WAFv2::WebACL", "AWS::ApiGateway::Stage"} <= waits_for


def test_the_first_run_waits_for_the_sets_and_gives_up_in_three_minutes(listed: Template) -> None:
    [run] = listed.resources("Custom::GenesysIpRanges")
    assert len([each for each in _depends(listed, run) if "IpAllowListIPv" in each]) == 2
    properties = listed.properties("Custom::GenesysIpRanges")
    assert properties["ServiceTimeout"] == "180"
    assert "RefreshFunction" in flat(properties["ServiceToken"])


def test_another_choice_of_networks_is_another_run_in_the_deployment(listed: Template) -> None:
    stack = new_stack()
    _pipeline(stack, services=["open-messaging"], max_shrink_ratio=1)
    changed = template_of(stack).properties("Custom::GenesysIpRanges")
    before = listed.properties("Custom::GenesysIpRanges")
    assert {name for name in before if before[name] != changed[name]} == {"Services", "MaxShrinkRatio"}


def test_the_function_may_read_its_credentials_and_change_the_two_sets(listed: Template) -> None:
    policy = statements(listed.properties("AWS::IAM::ManagedPolicy", "Refresh/Policy")["PolicyDocument"])
    assert policy.keys() == {
        "Logs",
        "Tracing",
        "ReadGenesysCredentials",
        "DecryptGenesysCredentials",
        "ChangeIpSets",
    }
    assert set(policy["ChangeIpSets"]["Action"]) == {"wafv2:GetIPSet", "wafv2:UpdateIPSet"}
    assert all("IpAllowListIPv" in flat(arn) for arn in as_list(policy["ChangeIpSets"]["Resource"]))
    assert policy["ReadGenesysCredentials"]["Resource"] == SECRET_ARN


def test_the_function_runs_every_hour_for_its_region_and_choice(listed: Template) -> None:
    assert listed.properties("AWS::Events::Rule", "Refresh/Schedule")["ScheduleExpression"] == "rate(1 hour)"
    variables = listed.properties("AWS::Lambda::Function", "Refresh/Function")["Environment"]["Variables"]
    assert variables["GENESYS_HOST"] == "mypurecloud.de"
    assert (variables["SERVICES"], variables["DIRECTIONS"]) == ("data-actions,open-messaging", "outbound,both")
    assert variables["ADDITIONAL_CIDRS"] == "198.51.100.0/24 2001:db8::/32"


def test_a_refused_list_and_a_list_that_is_not_checked_are_alarms(listed: Template) -> None:
    refused = listed.properties("AWS::CloudWatch::Alarm", "IpAllowList/IpRangesRefused")
    assert (refused["MetricName"], refused["Threshold"], refused["TreatMissingData"]) == (
        "IpRangesRefused",
        1,
        "notBreaching",
    )
    unchecked = listed.properties("AWS::CloudWatch::Alarm", "IpAllowList/IpRangesUnchecked")
    metrics = [each["MetricStat"] for each in unchecked["Metrics"] if "MetricStat" in each]
    assert {(each["Metric"]["MetricName"], each["Period"]) for each in metrics} == {("IpRangesChecked", 3600)}
    assert (unchecked["ComparisonOperator"], unchecked["DatapointsToAlarm"]) == ("LessThanThreshold", 3)
    for alarm in (refused, unchecked):
        assert "AlarmTopic" in flat(alarm["AlarmActions"][0])


def test_every_finding_is_acknowledged_and_no_acknowledgement_is_left_over() -> None:
    assert unacknowledged(_pipeline) == []
    assert unneeded(_pipeline) == set()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown service": (
        {"services": ["webhooks"]},
        "genesys.ip_allow_list.services is 'webhooks': allowed are api, audio-connector, audiohook, bot-connector, byo-smpp, "
        "byot-stt, data-actions, encryption, graphapi, imap, open-messaging, smtp, tts-connector.",
    ),
    "no service": (
        {"services": []},
        "genesys.ip_allow_list.services is empty: allowed are api, audio-connector, audiohook, bot-connector, byo-smpp, "
        "byot-stt, data-actions, encryption, graphapi, imap, open-messaging, smtp, tts-connector.",
    ),
    "unknown direction": (
        {"directions": ["up"]},
        "genesys.ip_allow_list.directions is 'up': allowed are both, inbound, outbound.",
    ),
    "host bits": (
        {"additional_cidrs": ["198.51.100.1/24"]},
        "genesys.ip_allow_list.additional_cidrs holds '198.51.100.1/24': a network in CIDR notation with its host bits zero "
        "is allowed, such as 198.51.100.0/24.",
    ),
    "everybody": (
        {"additional_cidrs": ["0.0.0.0/0"]},
        "genesys.ip_allow_list.additional_cidrs holds '0.0.0.0/0': a network narrower than everything is allowed, AWS WAF's "
        "limit.",
    ),
    "more than all": (
        {"max_shrink_ratio": 1.5},
        "genesys.ip_allow_list.max_shrink_ratio is 1.5 as a share: 0 to 1 as a share are allowed, from none to all.",
    ),
    "every minute": (
        {"interval": cdk.Duration.minutes(1)},
        "genesys.ip_allow_list.interval is 1 minutes: 5 to 1,440 minutes are allowed, within the rate limits of Genesys Cloud.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_property_that_cannot_work_is_refused(case: str) -> None:
    properties, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        IpAllowListProps(**properties)
    assert str(refusal.value) == message


@pytest.mark.parametrize("other", [{"web_acl_arn": WEB_ACL_ARN}, {"allowed_cidrs": ["198.51.100.0/24"]}])
def test_two_lists_at_once_are_refused(other: dict[str, Any]) -> None:
    stack = new_stack()
    with pytest.raises(InvalidPropertyError) as refusal:
        GenesysFirehosePipeline(
            stack,
            "Pipeline",
            webhook=WebhookProps(**other),
            genesys=genesys(stack, ip_allow_list=IpAllowListProps()),
        )
    assert str(refusal.value) == (
        f"webhook.{next(iter(other))} is given with genesys.ip_allow_list: one of the two is allowed."
    )
