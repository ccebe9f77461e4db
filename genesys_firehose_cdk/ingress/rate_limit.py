"""A limit of what one address may ask of the webhook."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_range
from genesys_firehose_cdk.ingress.web_acl import allow_rule, check_networks, ip_sets, visibility, web_acl

# AWS WAF API Reference, "RateBasedStatement".
_FEWEST, _MOST = 10, 2_000_000_000
_WINDOWS = (60, 120, 300, 600)


@dataclass(frozen=True, kw_only=True)
class RateLimitProps(Props, at="webhook.rate_limit"):
    """How many requests one address may make before AWS WAF answers 429, which the sender repeats.

    Where only known networks call, an allow-list keeps everybody else out and is better.

    Attributes:
        requests: How many of one address in a window pass, 10 to 2,000,000,000 (AWS WAF API Reference,
            "RateBasedStatement"). Take several times what your sender posts from one address at its busiest. Posts and
            health checks are counted apart, each up to this number.
        window: The window that is counted, 60, 120, 300 or 600 s (the same). Default: 60 s.
        exempt_cidrs: The networks that are not counted, such as your sender's; up to 10,000 of each IP version (AWS WAF
            Developer Guide, "AWS WAF quotas"). Default: none.

    Raises:
        InvalidPropertyError: A value that AWS WAF would refuse.
    """

    requests: int
    window: Duration = Duration.seconds(60)
    exempt_cidrs: Sequence[str] = ()

    def validate(self) -> None:
        """Check numbers and networks."""
        check_range(self.name_of("requests"), self.requests, _FEWEST, _MOST, "requests", "AWS WAF's limit")
        name = self.name_of("window")
        check_duration(name, self.window, _WINDOWS[0], _WINDOWS[-1], "seconds", "AWS WAF's limit")
        if self.window.to_seconds() not in _WINDOWS:
            problem = f"is {self.window.to_human_string()}"
            raise InvalidPropertyError(name, problem, "60, 120, 300 and 600 seconds are allowed, AWS WAF's limit")
        check_networks(self.name_of("exempt_cidrs"), self.exempt_cidrs)


class RateLimit(Construct):
    """A web ACL that answers 429 to an address that asks too often, and lets everybody else through.

    Genesys Cloud's Open Messaging repeats a request that was answered 429, but not one that was answered 403, AWS WAF's
    usual answer. What asks with GET, the health check, is counted apart from everything else.

    Attributes:
        web_acl: The web ACL; allows by default.
        exempt_sets: The sets of the networks that are not counted by IP version, 4 and 6; none for a version without.
    """

    def __init__(self, scope: Construct, id: str, *, props: RateLimitProps) -> None:
        """Create IP sets and web ACL.

        Args:
            scope: The parent construct.
            id: The construct's id.
            props: The limit.
        """
        super().__init__(scope, id)
        self.exempt_sets = ip_sets(self, props.exempt_cidrs)
        is_get = wafv2.CfnWebACL.StatementProperty(
            byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
                field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(method={}),
                positional_constraint="EXACTLY",
                search_string="GET",
                text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
            )
        )
        is_other = wafv2.CfnWebACL.StatementProperty(
            not_statement=wafv2.CfnWebACL.NotStatementProperty(statement=is_get)
        )
        exempt = [each.attr_arn for each in self.exempt_sets.values()]
        self.web_acl = web_acl(
            self,
            description="Answers 429 to an address that calls the webhook too often",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[
                *([allow_rule("Exempt", exempt)] if exempt else []),
                _limit("Posts", 1, is_other, props),
                _limit("HealthChecks", 2, is_get, props),
            ],
        )


def _limit(
    name: str, priority: int, counted: wafv2.CfnWebACL.StatementProperty, props: RateLimitProps
) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(
            block=wafv2.CfnWebACL.BlockActionProperty(
                custom_response=wafv2.CfnWebACL.CustomResponseProperty(response_code=429)
            )
        ),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP",
                limit=props.requests,
                evaluation_window_sec=int(props.window.to_seconds()),
                scope_down_statement=counted,
            )
        ),
        visibility_config=visibility(name),
    )
