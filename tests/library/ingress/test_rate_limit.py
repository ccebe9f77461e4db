"""An address that asks too often is answered 429, which the sender repeats; whoever is known is not counted."""

from typing import Any

import pytest

from genesys_firehose_cdk import RateLimitProps, WebhookProps
from tests.library.synthesis import Template, flat, synthesize
from tests.library.templates import template

EXEMPT_V4, EXEMPT_V6 = "198.51.100.0/24", "2001:db8::/32"
IS_GET = {
    "ByteMatchStatement": {
        "FieldToMatch": {"Method": {}},
        "PositionalConstraint": "EXACTLY",
        "SearchString": "GET",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
    }
}


@pytest.fixture(scope="module")
def limited() -> Template:
    return template("rate limit")


def rules(limited: Template) -> dict[str, dict[str, Any]]:
    """The rules by name, in the order of their priority."""
    acl = limited.properties("AWS::WAFv2::WebACL")
    return {rule["Name"]: rule for rule in sorted(acl["Rules"], key=lambda rule: rule["Priority"])}


def test_everybody_passes_but_who_asks_too_often(limited: Template) -> None:
    acl = limited.properties("AWS::WAFv2::WebACL")
    assert (acl["Scope"], acl["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    assert list(rules(limited)) == ["Exempt", "Posts", "HealthChecks"]


@pytest.mark.parametrize("name", ["Posts", "HealthChecks"])
def test_who_asks_too_often_is_answered_what_the_sender_repeats(limited: Template, name: str) -> None:
    rule = rules(limited)[name]
    assert rule["Action"] == {"Block": {"CustomResponse": {"ResponseCode": 429}}}
    rate = rule["Statement"]["RateBasedStatement"]
    assert (rate["AggregateKeyType"], rate["Limit"], rate["EvaluationWindowSec"]) == ("IP", 6000, 60)


def test_health_checks_take_nothing_from_posts(limited: Template) -> None:
    scopes = {
        name: rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
        for name, rule in rules(limited).items()
        if name != "Exempt"
    }
    assert scopes == {"Posts": {"NotStatement": {"Statement": IS_GET}}, "HealthChecks": IS_GET}


def test_exempt_networks_pass_before_anything_is_counted(limited: Template) -> None:
    rule = rules(limited)["Exempt"]
    assert rule["Action"] == {"Allow": {}}
    references = [
        flat(each["IPSetReferenceStatement"]["Arn"]) for each in rule["Statement"]["OrStatement"]["Statements"]
    ]
    sets = limited.resources("AWS::WAFv2::IPSet")
    assert [each["Properties"]["Addresses"] for each in sets.values()] == [[EXEMPT_V4], [EXEMPT_V6]]
    assert len(references) == len(sets) == 2
    assert all(any(name in reference for reference in references) for name in sets)


def test_exempt_networks_of_one_ip_version_are_no_or_of_one_which_aws_waf_refuses() -> None:
    rate_limit = RateLimitProps(requests=100, exempt_cidrs=[EXEMPT_V4])
    template = synthesize(webhook=WebhookProps(rate_limit=rate_limit))
    assert rules(template)["Exempt"]["Statement"].keys() == {"IPSetReferenceStatement"}


def test_the_web_acl_stands_before_the_stage_and_keeps_no_request(limited: Template) -> None:
    [name] = limited.resources("AWS::WAFv2::WebACL")
    association = limited.properties("AWS::WAFv2::WebACLAssociation")
    assert name in flat(association["WebACLArn"])
    assert "Stage" in flat(association["ResourceArn"])
    acl = limited.properties("AWS::WAFv2::WebACL")
    for each in (acl, *acl["Rules"]):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False
