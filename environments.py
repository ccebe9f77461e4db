"""The settings of the app's environments, as they stand in the context of cdk.json."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from aws_cdk import RemovalPolicy

from genesys_firehose_cdk import (
    BusinessHoursProps,
    DataLakeBucketProps,
    DeliveryProps,
    GenesysNamesProps,
    GenesysRegion,
    GenesysWatchProps,
    InvalidPropertyError,
    IpAllowListProps,
    LakeManifestsProps,
    LakeProps,
    MaskingPolicy,
    MonitoringProps,
    PartnerBusProps,
    RetentionApplied,
    RetentionMode,
    TransformProps,
)
from genesys_firehose_cdk.common.validation import check_cidr, check_domain, check_email, check_one_of, did_you_mean

DEFAULT_ENVIRONMENT = "dev"
PROTECTED_ENVIRONMENT = "prod"

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")
_CERTIFICATE_ARN = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9A-Za-z-]+")
_WEB_ACL_ARN = re.compile(r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[0-9a-f-]+")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[0-9A-Za-z]{6}")
_KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-zA-Z-]+")
_HOSTED_ZONE_ID = re.compile(r"Z[0-9A-Z]{1,31}")
_FLAGS = (
    "acknowledge_compliance",
    "auto_delete_objects",
    "cloud_watch_role",
    "dynamic_partitioning",
    "ip_allow_list",
    "keep_user_names",
    "load_balancer",
    "manage_integration",
    "manifests",
    "verification",
    "webhook",
)
_OF_THE_WEBHOOK = ("load_balancer", "domain_name", "allowed_cidrs", "web_acl_arn", "cloud_watch_role", "ip_allow_list")
_OF_GENESYS = (
    "genesys_credentials_key_arn",
    "manage_integration",
    "ip_allow_list",
    "genesys_names",
    "reconciliation_credentials_arn",
    "backfill_credentials_arn",
)
_BUSINESS_HOURS = {"start_hour", "end_hour", "days"}
_REMOVAL_POLICIES = {
    policy.name: policy
    for policy in (RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, RemovalPolicy.RETAIN, RemovalPolicy.DESTROY)
}


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """One environment of the app; every attribute but the name is a key in cdk.json.

    Attributes:
        name: The environment's name, and the end of its stack's name.
        account: The AWS account, 12 digits. Default: the one of the current credentials.
        region: The AWS region. Default: the one of the current credentials.
        webhook: Take events over HTTPS. Default: true.
        org_id: The Genesys Cloud organization whose events come over Amazon EventBridge; with the two that
            follow. Default: none.
        event_source_suffix: See PartnerBusProps. Default: none.
        topics: See PartnerBusProps. Default: none.
        genesys_region: The organization's region, a name of GenesysRegion such as EU_CENTRAL_1. Default: none.
        genesys_credentials_arn: The full ARN of the secret with an OAuth client; see GenesysProps. Both
            or neither. Default: none.
        genesys_credentials_key_arn: The secret's KMS key. Default: the account's own of Secrets Manager.
        manage_integration: Create the integration that feeds the bus through them. Default: true.
        ip_allow_list: Keep everybody but Genesys Cloud's networks from the webhook. Default: false.
        genesys_names: The kinds of things whose names are taken into the lake; see GenesysNamesProps. Default: none.
        keep_user_names: With user among them: whether their names stay readable; see MaskingPolicy. Default: false.
        reconciliation_credentials_arn: The full ARN of the secret with an OAuth client that may read conversations'
            details; with it the lake is held against Genesys Cloud, see ReconciliationProps. Default: none.
        backfill_credentials_arn: The same for taking conversations' details into the lake; see BackfillProps. Default:
            none.
        business_hours: When silence is an alarm, an object of start_hour, end_hour and days; see
            BusinessHoursProps. Default: never.
        load_balancer: Whether a load balancer is the webhook's front door, at the own domain; see LoadBalancerProps.
            Default: false.
        domain_name: The webhook's own domain. Default: none.
        certificate_arn: A certificate for the domain. Default: a new one in the hosted zone.
        hosted_zone_id: The Route 53 zone in which the domain gets its record. Default: none.
        hosted_zone_name: The name of that zone; both or neither. Default: none.
        retention_mode: GOVERNANCE, COMPLIANCE, or, but in prod, NONE. Default: GOVERNANCE.
        retention_days: Default: 30.
        retention_applied: BY_DEFAULT or ON_ARRIVAL; see RetentionApplied. Default: BY_DEFAULT.
        acknowledge_compliance: See DataLakeBucketProps. Default: false.
        manifests: Sign what raw/ holds of each closed day; see LakeManifestsProps. Default: false.
        allowed_cidrs: The networks that may call the API. Default: all.
        web_acl_arn: The AWS WAF web ACL in front of the API. Default: none.
        cloud_watch_role: Whether this stack sets API Gateway's logging role for account and region.
            Default: true.
        dynamic_partitioning: Default: true.
        shards: Over how many delivery streams events are spread. Default: 1.
        removal_policy: RETAIN_ON_UPDATE_OR_DELETE, RETAIN, or, but in prod, DESTROY; see GenesysFirehosePipeline.
            Default: RETAIN_ON_UPDATE_OR_DELETE.
        verification: Whether a second stack tries the delivery after each change; see DeliveryVerification.
            Default: true.
        auto_delete_objects: Empty the buckets when the stack goes; only with DESTROY and NONE. Default: false.
        alarm_email: Is subscribed to the alarm topic; see MonitoringProps. Default: nobody is.
        tags: Tags of every resource. Default: none.
    """

    name: str
    account: str | None = None
    region: str | None = None
    webhook: bool = True
    org_id: str | None = None
    event_source_suffix: str | None = None
    topics: tuple[str, ...] | None = None
    genesys_region: str | None = None
    genesys_credentials_arn: str | None = None
    genesys_credentials_key_arn: str | None = None
    manage_integration: bool = True
    ip_allow_list: bool = False
    genesys_names: tuple[str, ...] | None = None
    keep_user_names: bool = False
    reconciliation_credentials_arn: str | None = None
    backfill_credentials_arn: str | None = None
    load_balancer: bool = False
    business_hours: Mapping[str, Any] | None = None
    domain_name: str | None = None
    certificate_arn: str | None = None
    hosted_zone_id: str | None = None
    hosted_zone_name: str | None = None
    retention_mode: str = "GOVERNANCE"
    retention_days: int = 30
    retention_applied: str = "BY_DEFAULT"
    acknowledge_compliance: bool = False
    manifests: bool = False
    allowed_cidrs: tuple[str, ...] | None = None
    web_acl_arn: str | None = None
    cloud_watch_role: bool = True
    dynamic_partitioning: bool = True
    shards: int = 1
    removal_policy: str = "RETAIN_ON_UPDATE_OR_DELETE"
    verification: bool = True
    auto_delete_objects: bool = False
    alarm_email: str | None = None
    tags: Mapping[str, str] | None = None

    @property
    def protected(self) -> bool:
        """Whether the stack is protected from deletion."""
        return self.name == PROTECTED_ENVIRONMENT

    @property
    def lake_props(self) -> LakeProps:
        """The bucket with its retention, and the manifests."""
        return LakeProps(
            bucket=DataLakeBucketProps(
                retention_mode=RetentionMode(self.retention_mode),
                retention_days=self.retention_days,
                retention_applied=RetentionApplied(self.retention_applied),
                acknowledge_compliance=self.acknowledge_compliance,
            ),
            manifests=LakeManifestsProps() if self.manifests else None,
        )

    @property
    def delivery_props(self) -> DeliveryProps:
        """The delivery streams."""
        return DeliveryProps(dynamic_partitioning=self.dynamic_partitioning, shards=self.shards)

    @property
    def partner_bus_props(self) -> PartnerBusProps | None:
        """The partner event bus; None without an organization."""
        if self.org_id is None or self.event_source_suffix is None or self.topics is None:
            return None
        return PartnerBusProps(org_id=self.org_id, event_source_suffix=self.event_source_suffix, topics=self.topics)

    @property
    def ip_allow_list_props(self) -> IpAllowListProps | None:
        """The allow-list; None without."""
        return IpAllowListProps() if self.ip_allow_list else None

    @property
    def names_props(self) -> GenesysNamesProps | None:
        """The names that are taken; None without."""
        return None if self.genesys_names is None else GenesysNamesProps(kinds=self.genesys_names)

    @property
    def transform_props(self) -> TransformProps | None:
        """What is masked; None for what the dictionary says."""
        return TransformProps(masking_policy=MaskingPolicy(keep_user_names=True)) if self.keep_user_names else None

    @property
    def watch_props(self) -> GenesysWatchProps | None:
        """What is watched; None for what is watched anyway."""
        hours = self.business_hours
        return None if hours is None else GenesysWatchProps(business_hours=BusinessHoursProps(**hours))

    @property
    def monitoring_props(self) -> MonitoringProps:
        """Who is told of alarms."""
        return MonitoringProps(alarm_email=self.alarm_email)

    @property
    def cdk_removal_policy(self) -> RemovalPolicy:
        """What happens to data when the stack goes."""
        return _REMOVAL_POLICIES[self.removal_policy]


def read_settings(environments: object, name: object) -> EnvironmentSettings:
    """Read and check the settings of the environment `name`.

    Args:
        environments: The value of the context key `environments`.
        name: The value of the context key `env`.

    Raises:
        InvalidPropertyError: A key is unknown or its value wrong; the message names the key and what is
            allowed.
    """
    if not isinstance(environments, dict) or not environments:
        raise InvalidPropertyError(
            "environments", "is missing in the context", "an object with one object per environment is allowed"
        )
    if name not in environments:
        raise InvalidPropertyError("env", f"is {name!r}", f"allowed are {', '.join(sorted(environments))}")
    prefix = f"environments.{name}"
    given = environments[name]
    if not isinstance(given, dict):
        raise InvalidPropertyError(prefix, "is no object", "an object of settings is allowed")
    allowed = {field.name: field for field in fields(EnvironmentSettings) if field.name != "name"}
    for key in given:
        if key not in allowed:
            problem = f"is unknown{did_you_mean(key, allowed)}"
            raise InvalidPropertyError(f"{prefix}.{key}", problem, f"allowed are {', '.join(sorted(allowed))}")
    values = {key: _typed(f"{prefix}.{key}", key, value) for key, value in given.items()}
    settings = EnvironmentSettings(name=str(name), **values)
    _check(prefix, settings)
    return settings


def _typed(path: str, key: str, value: Any) -> Any:
    """Return the value in the attribute's type, or refuse it."""
    match key, value:
        case (("allowed_cidrs" | "genesys_names" | "topics"), list()) if all(isinstance(item, str) for item in value):
            return tuple(value)
        case ("allowed_cidrs", _):
            raise InvalidPropertyError(path, f"is {value!r}", "a list of networks in CIDR notation is allowed")
        case ("genesys_names", _):
            raise InvalidPropertyError(path, f"is {value!r}", "a list of kinds is allowed")
        case ("topics", _):
            raise InvalidPropertyError(path, f"is {value!r}", "a list of topics and presets is allowed")
        case ("business_hours", dict()) if _are_business_hours(value):
            return value
        case ("business_hours", _):
            raise InvalidPropertyError(
                path, f"is {value!r}", "an object of start_hour and end_hour, and of days if you like, is allowed"
            )
        case ("tags", dict()) if all(isinstance(item, str) for item in value.values()):
            return value
        case ("tags", _):
            raise InvalidPropertyError(path, f"is {value!r}", "an object of texts is allowed")
        case ("retention_days", int()) if not isinstance(value, bool):
            return value
        case ("retention_days", _):
            raise InvalidPropertyError(path, f"is {value!r}", "a whole number of days is allowed")
        case ("shards", int()) if not isinstance(value, bool):
            return value
        case ("shards", _):
            raise InvalidPropertyError(path, f"is {value!r}", "a whole number of delivery streams is allowed")
        case (_, bool()) if key in _FLAGS:
            return value
        case _ if key in _FLAGS:
            raise InvalidPropertyError(path, f"is {value!r}", "true and false are allowed")
        case (_, str()):
            return value
        case _:
            raise InvalidPropertyError(path, f"is {value!r}", "a text is allowed")


def _are_business_hours(value: Mapping[str, Any]) -> bool:
    days = value.get("days", [])
    return (
        {"start_hour", "end_hour"} <= value.keys() <= _BUSINESS_HOURS
        and isinstance(days, list)
        and all(type(number) is int for number in (value["start_hour"], value["end_hour"], *days))
    )


def _refuse_given(prefix: str, settings: EnvironmentSettings, keys: Sequence[str], problem: str, allowed: str) -> None:
    defaults = {field.name: field.default for field in fields(EnvironmentSettings)}
    for key in keys:
        if getattr(settings, key) != defaults[key]:
            raise InvalidPropertyError(f"{prefix}.{key}", f"is given {problem}", allowed)


def _check(prefix: str, settings: EnvironmentSettings) -> None:
    for key, pattern, example in (
        ("account", _ACCOUNT, "an account id of 12 digits"),
        ("region", _REGION, "a region such as eu-west-1"),
        ("certificate_arn", _CERTIFICATE_ARN, "the ARN of an ACM certificate"),
        ("hosted_zone_id", _HOSTED_ZONE_ID, "the id of a Route 53 hosted zone, such as Z0123456789ABC"),
        ("web_acl_arn", _WEB_ACL_ARN, "the ARN of a regional AWS WAF web ACL"),
        ("genesys_credentials_arn", _SECRET_ARN, "the full ARN of a secret, with its last six characters,"),
        ("genesys_credentials_key_arn", _KEY_ARN, "the ARN of a KMS key"),
    ):
        value = getattr(settings, key)
        if value is not None and not pattern.fullmatch(value):
            raise InvalidPropertyError(f"{prefix}.{key}", f"is {value!r}", f"{example} is allowed")
    for key in ("domain_name", "hosted_zone_name"):
        if (value := getattr(settings, key)) is not None:
            check_domain(f"{prefix}.{key}", value)
    if settings.alarm_email is not None:
        check_email(f"{prefix}.alarm_email", settings.alarm_email)
    for cidr in settings.allowed_cidrs or ():
        check_cidr(f"{prefix}.allowed_cidrs", cidr)
    check_one_of(f"{prefix}.retention_mode", settings.retention_mode, tuple(RetentionMode.__members__))
    check_one_of(f"{prefix}.retention_applied", settings.retention_applied, tuple(RetentionApplied.__members__))
    check_one_of(f"{prefix}.removal_policy", settings.removal_policy, tuple(_REMOVAL_POLICIES))
    if settings.genesys_region is not None:
        check_one_of(f"{prefix}.genesys_region", settings.genesys_region, tuple(GenesysRegion.__members__))
    if not settings.webhook:
        _refuse_given(prefix, settings, _OF_THE_WEBHOOK, "with webhook false", "it is allowed with the webhook alone")
    if settings.genesys_region is None:
        _refuse_given(
            prefix,
            settings,
            _OF_GENESYS,
            "without genesys_region",
            "it is allowed with the organization's region alone",
        )
    bus = (settings.org_id, settings.event_source_suffix, settings.topics)
    if any(bus) and not all(bus):
        raise InvalidPropertyError(
            f"{prefix}.org_id", "and event_source_suffix and topics are not all given", "all or none are allowed"
        )
    if (settings.genesys_region is None) != (settings.genesys_credentials_arn is None):
        raise InvalidPropertyError(
            f"{prefix}.genesys_region", "and genesys_credentials_arn are not both given", "both or neither is allowed"
        )
    if (settings.hosted_zone_id is None) != (settings.hosted_zone_name is None):
        raise InvalidPropertyError(
            f"{prefix}.hosted_zone_id", "and hosted_zone_name are not both given", "both or neither is allowed"
        )
    if settings.load_balancer and settings.domain_name is None:
        raise InvalidPropertyError(
            f"{prefix}.load_balancer", "is true without a domain_name", "it is allowed with an own domain alone"
        )
    if settings.domain_name is None and (settings.certificate_arn or settings.hosted_zone_id):
        raise InvalidPropertyError(
            f"{prefix}.domain_name",
            "is missing",
            "a certificate or hosted zone is allowed with a domain alone",
        )
    if settings.domain_name is not None and not (settings.certificate_arn or settings.hosted_zone_id):
        raise InvalidPropertyError(
            f"{prefix}.domain_name",
            "has neither certificate_arn nor hosted_zone_id",
            "one of them is needed, to answer HTTPS",
        )
    if settings.certificate_arn is not None and settings.region not in (None, settings.certificate_arn.split(":")[3]):
        raise InvalidPropertyError(
            f"{prefix}.certificate_arn",
            f"is in another region than {settings.region}",
            "a regional API takes a certificate of its own region alone",
        )
    if settings.protected and settings.retention_mode == "NONE":
        raise InvalidPropertyError(f"{prefix}.retention_mode", "is NONE", "prod allows the others alone")
    if settings.protected and settings.cdk_removal_policy is RemovalPolicy.DESTROY:
        raise InvalidPropertyError(f"{prefix}.removal_policy", "is DESTROY", "prod allows the others alone")
