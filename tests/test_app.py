"""The app reads its environments from cdk.json, protects prod, and says clearly which setting is wrong."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from environments import EnvironmentSettings, read_settings
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.genesys.region import GenesysRegion
from tests.library.synthesis import CERTIFICATE_ARN, CONTEXT, ROOT, WEB_ACL_ARN, Template, flat
from tests.library.test_regions import REGIONS

ENVIRONMENTS = ["dev", "staging", "prod", "local"]
FULL = {
    "account": "111122223333",
    "region": "eu-west-1",
    "webhook": True,
    "org_id": "3b1f3c1e-0000-4000-8000-000000000000",
    "event_source_suffix": "lake",
    "topics": ["quality"],
    "genesys_region": "EU_WEST_1",
    "genesys_credentials_arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:genesys-AbCdEf",
    "genesys_credentials_key_arn": "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000",
    "manage_integration": True,
    "ip_allow_list": False,
    "genesys_names": ["queue", "user"],
    "keep_user_names": True,
    "load_balancer": False,
    "business_hours": {"start_hour": 7, "end_hour": 18},
    "domain_name": "events.example.com",
    "certificate_arn": CERTIFICATE_ARN,
    "hosted_zone_id": "Z0123456789ABC",
    "hosted_zone_name": "example.com",
    "retention_mode": "COMPLIANCE",
    "retention_days": 400,
    "retention_applied": "BY_DEFAULT",
    "shards": 2,
    "acknowledge_compliance": True,
    "manifests": True,
    "allowed_cidrs": ["198.51.100.0/24"],
    "web_acl_arn": WEB_ACL_ARN,
    "cloud_watch_role": False,
    "dynamic_partitioning": False,
    "removal_policy": "RETAIN_ON_UPDATE_OR_DELETE",
    "verification": True,
    "auto_delete_objects": False,
    "alarm_email": "events@example.com",
    "tags": {"Team": "contact-centre"},
}


def _synthesize(name: str | None, **settings: Any) -> tuple[application.PipelineStack, Template]:
    """The stack and template of an environment of cdk.json, or of one with these settings."""
    context = dict(CONTEXT)
    if name is not None:
        context["env"] = name
    if settings:
        context["environments"] = {name: settings}
    app = cdk.App(analytics_reporting=False, context=context)
    stack = application.create_stack(app)
    return stack, Template(app.synth().get_stack_by_name(stack.stack_name).template)


@cache
def _environment(name: str) -> tuple[application.PipelineStack, Template]:
    return _synthesize(name)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_environment_of_cdk_json_synthesizes_past_every_check(name: str) -> None:
    stack, template = _environment(name)
    assert stack.stack_name == f"GenesysFirehose-{name}"
    of_the_bus = (
        {"BackfillStateMachineArn", "PartnerBusName", "ReconciliationStateMachineArn"} if name == "local" else set()
    )
    assert set(template.content["Outputs"]) == of_the_bus | {
        "IngestUrl",
        "HealthUrl",
        "IngestFunctionName",
        "BucketName",
        "RawKeyArn",
        "StreamNames",
        "SigningSecretArn",
        "TokenizationSecretArn",
        "AlarmTopicArn",
        "BufferQueueUrl",
        "DeadLetterQueueUrl",
        "DatabaseName",
        "WorkgroupName",
        "RebuildStateMachineArn",
        "TablesStateMachineArn",
    }


def test_the_environment_is_dev_unless_another_is_named() -> None:
    stack, _ = _synthesize(None)
    assert stack.stack_name == "GenesysFirehose-dev"


def test_cdk_json_has_no_environment_that_these_tests_do_not_know() -> None:
    assert list(CONTEXT["environments"]) == ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_only_prod_is_protected_from_deletion(name: str) -> None:
    stack, _ = _environment(name)
    assert stack.termination_protection is (name == "prod")


@pytest.mark.parametrize(
    ("name", "policy"), [("prod", "RetainExceptOnCreate"), ("dev", "RetainExceptOnCreate"), ("local", "Delete")]
)
def test_data_outlive_every_stack_but_the_local_one(name: str, policy: str) -> None:
    _, template = _environment(name)
    for bucket in template.resources("AWS::S3::Bucket").values():
        assert bucket["DeletionPolicy"] == policy


def test_every_setting_reaches_the_stack() -> None:
    stack, template = _synthesize("staging", **FULL)
    assert (stack.account, stack.region) == ("111122223333", "eu-west-1")
    assert stack.tags.tag_values() == {"Team": "contact-centre"}
    [bucket] = [
        resource["Properties"]
        for key, resource in template.resources("AWS::S3::Bucket").items()
        if "AccessLog" not in key
    ]
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 400}
    assert template.content["Outputs"]["IngestUrl"]["Value"] == "https://events.example.com/ingest/genesys-events"
    assert len(template.resources("AWS::Route53::RecordSet")) == 1
    [subscription] = template.resources("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == "events@example.com"
    assert len(template.resources("AWS::WAFv2::WebACLAssociation")) == 1
    assert template.resources("AWS::ApiGateway::Account") == {}
    [api] = template.resources("AWS::ApiGateway::RestApi").values()
    assert "198.51.100.0/24" in json.dumps(api["Properties"]["Policy"])
    [stream, _second] = template.resources("AWS::KinesisFirehose::DeliveryStream").values()
    destination = stream["Properties"]["ExtendedS3DestinationConfiguration"]
    assert "DynamicPartitioningConfiguration" not in destination
    [bus] = template.resources("AWS::Events::EventBus").values()
    assert bus["Properties"]["Name"].endswith("/3b1f3c1e-0000-4000-8000-000000000000/lake")
    assert [name for name in bus["DependsOn"] if "Integration" in name]
    assert [name for name in template.resources("AWS::CloudWatch::Alarm") if "EventBridgeSilent" in name]


def test_every_setting_is_accepted_in_the_european_sovereign_cloud() -> None:
    there = json.dumps(FULL).replace("arn:aws:", "arn:aws-eusc:").replace("eu-west-1", "eusc-de-east-1")
    settings = {**json.loads(there), "genesys_region": "EUSC_DE_EAST_1"}
    stack, template = _synthesize("staging", **settings)
    assert stack.region == "eusc-de-east-1"
    [association] = template.resources("AWS::WAFv2::WebACLAssociation").values()
    assert association["Properties"]["WebACLArn"].startswith("arn:aws-eusc:wafv2:eusc-de-east-1:")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_with_firehose_is_accepted(region: str) -> None:
    assert read_settings({"dev": {"region": region}}, "dev").region == region


def test_the_allow_list_is_a_setting() -> None:
    without = {key: value for key, value in FULL.items() if key not in ("web_acl_arn", "allowed_cidrs")}
    _, template = _synthesize("staging", **{**without, "ip_allow_list": True})
    assert len(template.resources("Custom::GenesysIpSets")) == 1


@pytest.mark.parametrize("wanted", [True, False])
def test_the_stack_that_tries_the_delivery_is_a_setting_and_is_deployed_after_the_pipelines(wanted: bool) -> None:
    app = cdk.App(analytics_reporting=False, context={**CONTEXT, "environments": {"dev": {"verification": wanted}}})
    application.create_stack(app)
    stacks = {stack.stack_name: stack for stack in app.synth().stacks}
    assert set(stacks) == {"GenesysFirehose-dev", *(["GenesysFirehose-dev-Verification"] if wanted else [])}
    if wanted:
        verification = stacks["GenesysFirehose-dev-Verification"]
        assert "GenesysFirehose-dev" in [each.id for each in verification.dependencies]
        assert set(verification.template["Outputs"]) == {
            "Seconds",
            "RawRetention",
            "RawEncryption",
            "CleanRetention",
            "CleanEncryption",
        }


def test_the_bus_alone_is_a_setting() -> None:
    _, template = _synthesize(
        "dev", webhook=False, **{key: FULL[key] for key in ("org_id", "event_source_suffix", "topics")}
    )
    assert template.resources("AWS::ApiGateway::RestApi") == {}


def test_a_retention_put_on_arrival_is_a_setting() -> None:
    _, template = _synthesize("prod", retention_days=365, retention_applied="ON_ARRIVAL")
    [bucket] = [
        resource["Properties"]
        for name, resource in template.resources("AWS::S3::Bucket").items()
        if "WithoutDefaultRetention" in name
    ]
    assert bucket["ObjectLockEnabled"] is True
    assert "ObjectLockConfiguration" not in bucket
    [days] = [
        variables["RETENTION_DAYS"]
        for function in template.resources("AWS::Lambda::Function").values()
        if "RETENTION_DAYS" in (variables := function["Properties"].get("Environment", {}).get("Variables", {}))
    ]
    assert days == "365"


def test_an_environment_that_is_thrown_away_with_all_it_holds_is_a_setting() -> None:
    _, template = _synthesize("dev", retention_mode="NONE", removal_policy="DESTROY", auto_delete_objects=True)
    emptied = {
        flat(each["Properties"]["BucketName"]) for each in template.resources("Custom::S3AutoDeleteObjects").values()
    }
    assert emptied == {f"<{name}>" for name in template.resources("AWS::S3::Bucket")}


def test_the_lake_is_held_against_genesys_cloud_by_a_client_of_its_own() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:readers-AbCdEf"
    wanted = {
        **FULL,
        "topics": ["conversation_details"],
        "dynamic_partitioning": True,
        "reconciliation_credentials_arn": arn,
        "backfill_credentials_arn": arn,
    }
    _, template = _synthesize("dev", **wanted)
    for package in ("genesys_reconciliation", "genesys_backfill"):
        [function] = [
            each["Properties"]
            for each in template.resources("AWS::Lambda::Function").values()
            if each["Properties"]["Handler"] == f"{package}.handler.handle"
        ]
        assert function["Environment"]["Variables"]["CREDENTIALS_SECRET_ARN"] == arn


def test_every_setting_is_tried_above() -> None:
    # What does not go with the others has a test of its own.
    of_its_own = {"name", "reconciliation_credentials_arn", "backfill_credentials_arn"}
    assert set(FULL) | of_its_own == set(EnvironmentSettings.__dataclass_fields__)


def test_a_load_balancer_is_the_front_door_where_an_environment_says_so() -> None:
    _, template = _synthesize(
        "dev",
        load_balancer=True,
        domain_name="events.example.com",
        hosted_zone_id="Z0123456789ABC",
        hosted_zone_name="example.com",
    )
    assert template.resources("AWS::ApiGateway::RestApi") == {}
    assert len(template.resources("AWS::ElasticLoadBalancingV2::LoadBalancer")) == 1
    assert "LoadBalancerName" in template.content["Outputs"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": (
        {"acount": "111122223333"},
        "environments.dev.acount is unknown, did you mean 'account': allowed are account, acknowledge_compliance, alarm_email, allowed_cidrs, "
        "auto_delete_objects, backfill_credentials_arn, business_hours, certificate_arn, cloud_watch_role, domain_name, dynamic_partitioning, event_source_suffix, "
        "genesys_credentials_arn, genesys_credentials_key_arn, genesys_names, genesys_region, hosted_zone_id, hosted_zone_name, "
        "ip_allow_list, keep_user_names, load_balancer, manage_integration, manifests, org_id, reconciliation_credentials_arn, region, removal_policy, retention_applied, retention_days, retention_mode, shards, "
        "tags, topics, verification, web_acl_arn, webhook.",
    ),
    "names as a text": (
        {"genesys_names": "queue"},
        "environments.dev.genesys_names is 'queue': a list of kinds is allowed.",
    ),
    "names without an organization": (
        {"genesys_names": ["queue"]},
        "environments.dev.genesys_names is given without genesys_region: it is allowed with the organization's region alone.",
    ),
    "short account": (
        {"account": "12345"},
        "environments.dev.account is '12345': an account id of 12 digits is allowed.",
    ),
    "account as a number": (
        {"account": 111122223333},
        "environments.dev.account is 111122223333: a text is allowed.",
    ),
    "region": ({"region": "Ireland"}, "environments.dev.region is 'Ireland': a region such as eu-west-1 is allowed."),
    "network": (
        {"allowed_cidrs": ["198.51.100.0/33"]},
        "environments.dev.allowed_cidrs holds '198.51.100.0/33': a network in CIDR notation with its host bits zero "
        "is allowed, such as 198.51.100.0/24.",
    ),
    "networks as a text": (
        {"allowed_cidrs": "198.51.100.0/24"},
        "environments.dev.allowed_cidrs is '198.51.100.0/24': a list of networks in CIDR notation is allowed.",
    ),
    "domain": (
        {"domain_name": "Events.Example.com", "certificate_arn": CERTIFICATE_ARN},
        "environments.dev.domain_name is 'Events.Example.com': a fully qualified domain name in lower case is "
        "allowed, such as events.example.com.",
    ),
    "domain alone": (
        {"domain_name": "events.example.com"},
        "environments.dev.domain_name has neither certificate_arn nor hosted_zone_id: one of them is needed, to "
        "answer HTTPS.",
    ),
    "load balancer without a domain": (
        {"load_balancer": True},
        "environments.dev.load_balancer is true without a domain_name: it is allowed with an own domain alone.",
    ),
    "certificate alone": (
        {"certificate_arn": CERTIFICATE_ARN},
        "environments.dev.domain_name is missing: a certificate or hosted zone is allowed with a domain alone.",
    ),
    "certificate": (
        {"domain_name": "events.example.com", "certificate_arn": "arn:aws:iam::111122223333:server-certificate/old"},
        "environments.dev.certificate_arn is 'arn:aws:iam::111122223333:server-certificate/old': the ARN of an ACM "
        "certificate is allowed.",
    ),
    "certificate of another region": (
        {"domain_name": "events.example.com", "certificate_arn": CERTIFICATE_ARN, "region": "us-east-1"},
        "environments.dev.certificate_arn is in another region than us-east-1: a regional API takes a certificate of "
        "its own region alone.",
    ),
    "zone without its name": (
        {"domain_name": "events.example.com", "hosted_zone_id": "Z0123456789ABC"},
        "environments.dev.hosted_zone_id and hosted_zone_name are not both given: both or neither is allowed.",
    ),
    "zone": (
        {"domain_name": "events.example.com", "hosted_zone_id": "example.com", "hosted_zone_name": "example.com"},
        "environments.dev.hosted_zone_id is 'example.com': the id of a Route 53 hosted zone, such as Z0123456789ABC "
        "is allowed.",
    ),
    "web acl": (
        {"web_acl_arn": "events"},
        "environments.dev.web_acl_arn is 'events': the ARN of a regional AWS WAF web ACL is allowed.",
    ),
    "retention mode": (
        {"retention_mode": "GOVERNMENT"},
        "environments.dev.retention_mode is 'GOVERNMENT', did you mean 'GOVERNANCE': allowed are COMPLIANCE, GOVERNANCE, NONE.",
    ),
    "retention applied": (
        {"retention_applied": "ARRIVAL"},
        "environments.dev.retention_applied is 'ARRIVAL', did you mean 'ON_ARRIVAL': allowed are BY_DEFAULT, ON_ARRIVAL.",
    ),
    "retention as a text": (
        {"retention_days": "30"},
        "environments.dev.retention_days is '30': a whole number of days is allowed.",
    ),
    "shards as a truth value": (
        {"shards": True},
        "environments.dev.shards is True: a whole number of delivery streams is allowed.",
    ),
    "acknowledgement as a text": (
        {"acknowledge_compliance": "yes"},
        "environments.dev.acknowledge_compliance is 'yes': true and false are allowed.",
    ),
    "removal policy": (
        {"removal_policy": "DELETE"},
        "environments.dev.removal_policy is 'DELETE': allowed are DESTROY, RETAIN, RETAIN_ON_UPDATE_OR_DELETE.",
    ),
    "topics as a text": (
        {"topics": "quality"},
        "environments.dev.topics is 'quality': a list of topics and presets is allowed.",
    ),
    "half a bus": (
        {"org_id": "3b1f3c1e-0000-4000-8000-000000000000"},
        "environments.dev.org_id and event_source_suffix and topics are not all given: all or none are allowed.",
    ),
    "genesys region by its host": (
        {"genesys_region": "mypurecloud.de"},
        "environments.dev.genesys_region is 'mypurecloud.de': allowed are "
        f"{', '.join(sorted(GenesysRegion.__members__))}.",
    ),
    "genesys region without credentials": (
        {"genesys_region": "EU_WEST_1"},
        "environments.dev.genesys_region and genesys_credentials_arn are not both given: both or neither is allowed.",
    ),
    "credentials by their name": (
        {"genesys_region": "EU_WEST_1", "genesys_credentials_arn": "genesys"},
        "environments.dev.genesys_credentials_arn is 'genesys': the full ARN of a secret, with its last six "
        "characters, is allowed.",
    ),
    "business hours as a text": (
        {"business_hours": "7-18"},
        "environments.dev.business_hours is '7-18': an object of start_hour and end_hour, and of days if you like, "
        "is allowed.",
    ),
    "business hours without an end": (
        {"business_hours": {"start_hour": 7}},
        "environments.dev.business_hours is {'start_hour': 7}: an object of start_hour and end_hour, and of days if "
        "you like, is allowed.",
    ),
    "alarm e-mail": (
        {"alarm_email": "operators"},
        "environments.dev.alarm_email is 'operators': an e-mail address is allowed.",
    ),
    "tags": (
        {"tags": {"CostCentre": 42}},
        "environments.dev.tags is {'CostCentre': 42}: an object of texts is allowed.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_what_is_allowed(case: str) -> None:
    settings, message = WRONG[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        read_settings({"dev": settings}, "dev")
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("environments", "name", "message"),
    [
        ({"dev": {}, "prod": {}}, "test", "env is 'test': allowed are dev, prod."),
        ({"dev": []}, "dev", "environments.dev is no object: an object of settings is allowed."),
        (
            None,
            "dev",
            "environments is missing in the context: an object with one object per environment is allowed.",
        ),
        (
            {"prod": {"removal_policy": "DESTROY"}},
            "prod",
            "environments.prod.removal_policy is DESTROY: prod allows the others alone.",
        ),
        (
            {"prod": {"retention_mode": "NONE"}},
            "prod",
            "environments.prod.retention_mode is NONE: prod allows the others alone.",
        ),
    ],
)
def test_a_wrong_environment_is_named(environments: object, name: str, message: str) -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        read_settings(environments, name)
    assert str(refusal.value) == message


def test_the_checks_stop_a_synthesis_with_a_finding() -> None:
    app = cdk.App(analytics_reporting=False, context=CONTEXT)
    cdk.aws_sqs.CfnQueue(application.create_stack(app), "Unencrypted")
    with pytest.raises(RuntimeError, match="Serverless-SQSRedrivePolicy"):
        app.synth()


def _run_app(tmp_path: Path, context: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Runs app.py as the CDK command line does."""
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_app_py_writes_the_stack_and_the_report_of_its_checks(tmp_path: Path) -> None:
    assert _run_app(tmp_path, {**CONTEXT, "env": "prod"}).returncode == 0
    assert (tmp_path / "GenesysFirehose-prod.template.json").is_file()
    assert (tmp_path / "GenesysFirehose-prod-Verification.template.json").is_file()


def test_app_py_ends_with_one_sentence_when_a_setting_is_wrong(tmp_path: Path) -> None:
    run = _run_app(tmp_path, {**CONTEXT, "environments": {"dev": {"region": "Ireland"}}})
    assert run.returncode == 1
    assert run.stderr == "error: environments.dev.region is 'Ireland': a region such as eu-west-1 is allowed.\n"
