"""What the web ACLs in front of the webhook are made of."""

from collections.abc import Iterable, Sequence

from aws_cdk import Names
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_cidr, check_range

IP_VERSIONS = (4, 6)


def check_networks(name: str, cidrs: Sequence[str]) -> None:
    """Refuse what an IP set of AWS WAF refuses (AWS WAF Developer Guide, "AWS WAF quotas")."""
    for cidr in cidrs:
        check_cidr(name, cidr)
        if cidr.endswith("/0"):
            raise InvalidPropertyError(
                name, f"holds {cidr!r}", "a network narrower than everything is allowed, AWS WAF's limit"
            )
    for version, networks in _by_version(cidrs).items():
        check_range(name, len(networks), 0, 10_000, f"IPv{version} networks", "to fit an IP set of AWS WAF")


def ip_sets(scope: Construct, cidrs: Sequence[str]) -> dict[int, wafv2.CfnIPSet]:
    """Create the sets `OwnIPv4` and `OwnIPv6` of these networks; none for a version without."""
    return {
        version: wafv2.CfnIPSet(
            scope, f"OwnIPv{version}", scope="REGIONAL", ip_address_version=f"IPV{version}", addresses=networks
        )
        for version, networks in _by_version(cidrs).items()
        if networks
    }


def _by_version(cidrs: Sequence[str]) -> dict[int, list[str]]:
    return {version: [cidr for cidr in cidrs if (":" in cidr) == (version == 6)] for version in IP_VERSIONS}


def visibility(metric_name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    """Count in a metric, and keep no sample: it shows a request's headers, the signature among them."""
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric_name, sampled_requests_enabled=False
    )


def allow_rule(name: str, set_arns: Iterable[str]) -> wafv2.CfnWebACL.RuleProperty:
    """Return the first rule: what comes from these IP sets passes, and no other rule looks at it."""
    references = [wafv2.CfnWebACL.StatementProperty(ip_set_reference_statement={"arn": arn}) for arn in set_arns]
    # AWS WAF takes no OR of one.
    either = wafv2.CfnWebACL.StatementProperty(or_statement=wafv2.CfnWebACL.OrStatementProperty(statements=references))
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(allow={}),
        statement=either if len(references) > 1 else references[0],
        visibility_config=visibility(name),
    )


def web_acl(
    scope: Construct,
    *,
    description: str,
    default_action: wafv2.CfnWebACL.DefaultActionProperty,
    rules: Sequence[wafv2.CfnWebACL.RuleProperty],
) -> wafv2.CfnWebACL:
    """Create the regional web ACL `WebAcl`."""
    acl = wafv2.CfnWebACL(
        scope,
        "WebAcl",
        scope="REGIONAL",
        description=description,
        default_action=default_action,
        visibility_config=visibility(Names.unique_resource_name(scope, max_length=128)),
        rules=list(rules),
    )
    acknowledge(
        acl,
        "WAFv2LoggingEnabled",
        HIPAA,
        NIST,
        PCI,
        reason="AWS WAF would log every request's address and headers. Its metrics count what is blocked, and "
        "the API's own access log has a line for each request, without either.",
    )
    return acl
