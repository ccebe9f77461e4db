"""The bill is estimated from a template and the traffic, and agrees with a calculation by hand."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_certificatemanager as acm
from typer.testing import CliRunner

from genesys_firehose_cdk import (
    DeliveryProps,
    GenesysFirehosePipeline,
    LoadBalancerProps,
    PartnerBusProps,
    WebhookDomainProps,
    WebhookProps,
)
from genesys_firehose_cdk.lake.tables.machine import definition
from genesys_firehose_tools.cli import app
from genesys_firehose_tools.operations.alternatives import alternatives
from genesys_firehose_tools.operations.cost import (
    _KEYS_IN_AN_ITEM,
    _SHARDS,
    STATES_OF_A_CHECK,
    STATES_OF_RUNS,
    Estimate,
    Month,
    Traffic,
    estimate,
)
from genesys_firehose_tools.operations.deployed_design import DEFAULT_DESIGN, Buffer, Design, TemplateError, read_design
from genesys_firehose_tools.operations.deployed_pipeline import PipelineError
from genesys_firehose_tools.operations.prices import Price, PricesError, Tier, read_prices
from tests.in_memory_aws import InMemoryAws
from tests.library.synthesis import CERTIFICATE_ARN, Template, maximal_pipeline, new_stack, synthesize, template_of
from transform.deduplication import FULL, SHARDS, Copy, Key, KeyOwners

# Prices of its own, so that a new price list leaves the calculation by hand as it is.
DOLLARS = {
    "athena_scanned_tb": 5.00,
    "api_gateway_rest_request": 3.50e-6,
    "cloudwatch_alarm_metric_month": 0.10,
    "cloudwatch_composite_alarm_month": 0.50,
    "cloudwatch_dashboard_month": 3.00,
    "cloudwatch_custom_metric_month": 0.30,
    "cloudwatch_logs_ingested_gb": 0.50,
    "cloudwatch_logs_stored_gb_month": 0.03,
    "dynamodb_read_unit": 0.125e-6,
    "dynamodb_recovery_gb_month": 0.20,
    "dynamodb_stored_gb_month": 0.25,
    "dynamodb_write_unit": 0.625e-6,
    "eventbridge_partner_event": 1.00e-6,
    "firehose_ingested_gb": 0.029,
    "firehose_partitioned_gb": 0.020,
    "firehose_partitioned_object": 0.005e-3,
    "kms_key_month": 1.00,
    "kms_request": 0.03e-4,
    "lambda_gb_second": 0.0000133334,
    "lambda_request": 0.20e-6,
    "load_balancer_capacity_hour": 0.008,
    "load_balancer_hour": 0.0225,
    "public_ipv4_hour": 0.005,
    "s3_glacier_instant_stored_gb_month": 0.004,
    "s3_glacier_instant_transition": 0.02e-3,
    "s3_get": 0.0004e-3,
    "s3_put": 0.005e-3,
    "s3_stored_gb_month": 0.023,
    "secrets_manager_request": 0.05e-4,
    "secrets_manager_secret_month": 0.40,
    "sqs_request": 0.40e-6,
    "step_functions_transition": 0.025e-3,
    "waf_request": 0.60e-6,
    "waf_rule_month": 1.00,
    "waf_web_acl_month": 5.00,
    "xray_trace": 5.00e-6,
}
TIERS = {
    "api_gateway_rest_request": ((333e6, 2.80e-6), (1e9, 2.38e-6)),
    "s3_stored_gb_month": ((51_200, 0.022),),
}
PRICES = {
    name: Price(
        usd=usd,
        unit="one",
        region="us-east-1",
        as_of="2026",
        source="this test",
        status="unverified",
        tiers=tuple(Tier(above=above, usd=more) for above, more in TIERS.get(name, ())),
    )
    for name, usd in DOLLARS.items()
}
A_MILLION_A_DAY = Traffic(events_per_day=1_000_000)


def bill(design: Design = DEFAULT_DESIGN, traffic: Traffic = A_MILLION_A_DAY) -> Estimate:
    return estimate(design, traffic, PRICES)


def cents(answer: Estimate) -> Mapping[tuple[str, str], float]:
    return {(item.usage.service, item.usage.what): round(item.dollars, 2) for item in answer.items}


def quantity(answer: Estimate, what: str) -> float:
    return sum(item.usage.quantity for item in answer.items if item.usage.what == what)


def test_a_million_events_a_day_cost_what_they_cost_by_hand() -> None:
    """Calculate a month of 30 days, 2,592,000 s, of 30,000,000 events of 1,500 bytes, one in a request, ten types.

    A record is 1,500 + 360 bytes. 11.574 events a second make 694 in 60 s and 231.48 in 20 s. GB are 2^30 bytes.
    """
    answer = bill()
    assert cents(answer) == {
        ("API Gateway", "requests"): 105.00,  # 30,000,000 x $3.50 / 1,000,000
        ("SQS", "asking the queue"): 0.26,  # 5 pollers x 2,592,000 s / 20 s = 648,000; x $0.40 / 1,000,000
        # A batch for the transform every 20 s: 2,592,000 / 20 = 129,600; 30,129,600 x $0.20 / 1,000,000
        ("Lambda", "requests"): 6.03,
        # 20 ms + 1.2 ms / (512 / 1,769 cores) = 24.146 ms; x 30,000,000 x 0.5 GB = 362,191 GB-s; x $0.0000133334
        ("Lambda", "ingest function"): 4.83,
        # A call for each of 20 seconds and one more: 21 x 8 ms + 231.48 x 0.12 ms / (1,024 / 1,769) = 215.99 ms;
        # x 129,600 x 1 GB
        ("Lambda", "transform function"): 0.37,
        ("Firehose", "ingestion, records rounded up to 5 KB"): 4.15,  # 30,000,000 x 5,120 = 143.05 GB; x $0.029
        ("Firehose", "partitioning"): 1.04,  # 30,000,000 x 1,860 = 51.97 GB; x $0.020
        # Ten partitions every 60 s, as 694 events reach all: 10 x 43,200 = 432,000; x $0.005 / 1,000
        ("Firehose", "partitioned objects"): 2.16,
        # raw/ fills 1 MiB first: 11.574 x 1,860 / 2^20 x 2,592,000 = 53,215; 485,215 in all; x $0.005 / 1,000
        ("S3", "objects written"): 2.43,
        ("S3", "clean/ stored"): 3.44,  # 51.97 GB x 0.24 = 12.472 GB a month; x 12 months x $0.023
        ("S3", "raw/ stored"): 0.86,  # objects of 246 KiB move after 90 days: 12.472 GB x 3 months x $0.023
        ("S3", "raw/ stored in the archive"): 0.45,  # 12.472 GB x 9 months x $0.004
        ("S3", "raw/ objects moved to the archive"): 1.06,  # 53,215 x $0.02 / 1,000
        (
            "DynamoDB",
            "keys claimed",
        ): 1.70,  # 30,000,000 / 11.574 in a second's item; x 1.05 at ends of batches; x $0.625 / M
        ("DynamoDB", "keys stored"): 0.25,  # 1,000,000 x 14 days x (64 + 150 / 11.574) bytes = 1.003 GB; x $0.25
        ("DynamoDB", "point-in-time recovery"): 0.20,  # 1.003 GB x $0.20
        ("KMS", "keys"): 5.00,  # 5 x $1.00
        # 1 % of 485,215 objects, and the reads of the secret; 22,132 x $0.03 / 10,000
        ("KMS", "requests"): 0.07,
        ("Secrets Manager", "secrets"): 0.80,  # 2 x $0.40
        ("Secrets Manager", "requests"): 0.09,  # one environment, 2 versions every 300 s = 17,280; x $0.05 / 10,000
        # 30,000,000 x 115 bytes + 129,600 x 633 bytes = 3.289 GB; x $0.50
        ("CloudWatch", "logs written"): 1.64,
        ("CloudWatch", "logs stored"): 0.18,  # 3.289 GB x 0.15 x 12 months x $0.03
        # 1,290 days are read: 720 runs x 1.5, 30 x 2.5 and 30 / 7 x 31.5. Each has 1,000,000 events x
        # (1,860 x 0.24 + 400) bytes = 1.092 TB; x $5.00
        ("Athena", "tables: data read"): 5.46,
        ("S3", "tables: objects of clean/ read"): 7.43,  # 1,290 x 432,000 / 30 objects; x $0.0004 / 1,000
        ("S3", "tables stored"): 2.61,  # 30,000,000 x 260 bytes x 1.3 = 9.444 GB; x 12 months x $0.023
        # 720 runs x 28 states, 30 x 46 and 30 / 7 x 52 = 21,763; x $0.025 / 1,000
        ("Step Functions", "tables: states"): 0.54,
        ("CloudWatch", "tables: alarms"): 0.80,  # six of one metric, one of two; x $0.10
        ("CloudWatch", "tables: metric"): 0.30,
        ("CloudWatch", "alarms"): 3.60,  # 24 of one metric, three of two, one of six; x $0.10
        ("CloudWatch", "composite alarms"): 0.50,  # 1 x $0.50
        ("CloudWatch", "dashboards"): 3.00,  # 1 x $3.00
        ("CloudWatch", "metrics"): 3.30,  # 6, and 5 of the method that takes events; x $0.30
        ("X-Ray", "traces"): 0.30,  # 0.2 % of 30,000,000 requests; x $5.00 / 1,000,000
    }
    assert round(answer.dollars, 2) == 169.85
    assert round(answer.dollars_per_million_events, 2) == 5.66
    # 5.46 + 7.43 + 2.61 + 0.54 + 0.80 + 0.30
    assert round(answer.dollars_of_tables, 2) == 17.14
    assert round(answer.by_service["Firehose"], 2) == 7.35


def test_names_cost_the_metrics_of_their_runs() -> None:
    with_names, without = (cents(bill(replace(DEFAULT_DESIGN, names=names))) for names in (True, False))
    # Three metrics x $0.30; one run a day is nothing.
    assert {place for place in without if with_names[place] != without[place]} == {("CloudWatch", "metrics")}
    assert with_names["CloudWatch", "metrics"] - without["CloudWatch", "metrics"] == pytest.approx(0.90)


def test_manifests_cost_a_key_a_metric_and_reading_raw_once() -> None:
    signed = replace(DEFAULT_DESIGN, manifests=True, keys=DEFAULT_DESIGN.keys + 1)
    with_manifests, without = cents(bill(signed)), cents(bill())
    more = {place: with_manifests[place] - without.get(place, 0) for place in with_manifests}
    assert {place: dollars for place, dollars in more.items() if round(dollars, 4)} == {
        ("KMS", "keys"): pytest.approx(1.00),
        ("CloudWatch", "metrics"): pytest.approx(0.30),
        # 55.8 GB of records in objects of 1 MiB: 53,215 x $0.0004 / 1,000
        ("S3", "manifests: objects of raw/ read"): pytest.approx(0.02),
        # 55.8 GB / 75 MB + 53,215 x 0.03 s / 8 = 944 s x 1.73 GB x $0.0000133334
        ("Lambda", "manifests"): pytest.approx(0.02),
        # 120 runs x 12 states, and two for a thousand objects: 1,546 x $0.000025
        ("Step Functions", "manifests: states"): pytest.approx(0.04),
    }


def test_a_hundred_million_events_a_day_reach_the_tiers_of_api_gateway_by_hand() -> None:
    traffic = replace(A_MILLION_A_DAY, events_per_day=100_000_000)
    # 3,000 million requests: 333 x $3.50 = 1,165.50; 667 x $2.80 = 1,867.60; 2,000 x $2.38 = 4,760.00
    assert cents(bill(traffic=traffic))["API Gateway", "requests"] == 7793.10


def test_a_load_balancer_costs_its_hours_its_capacity_and_its_addresses_by_hand() -> None:
    balanced = replace(DEFAULT_DESIGN, load_balancer_zones=2, api_methods=0, access_log=False, ingest_traced=False)
    found = cents(bill(balanced))
    assert {what: dollars for (service, what), dollars in found.items() if service == "Load balancer"} == {
        "hours": 16.20,  # 720 x $0.0225
        # 11.574 connections a second / 25 = 0.463; more than 11.574 x 3,600 x 2,400 bytes / 0.4 GB = 0.233;
        # x 720 x $0.008
        "capacity": 2.67,
        "public addresses": 7.20,  # 2 x 720 x $0.005
    }
    assert not {service for service, _ in found} & {"API Gateway", "X-Ray"}
    # 46.296 x 720 x $0.008
    of_many = cents(bill(balanced, replace(A_MILLION_A_DAY, events_per_day=100_000_000)))
    assert of_many["Load balancer", "capacity"] == 266.67


def test_events_share_their_claims_but_for_those_whose_key_has_an_item_of_its_own() -> None:
    # 11.574 of a second in an item, one in 20 of which two batches ask.
    assert quantity(bill(), "keys claimed") == pytest.approx(30_000_000 / 11.574 * 1.05, rel=1e-3)
    half = bill(traffic=replace(A_MILLION_A_DAY, claimed_alone=0.5))
    assert quantity(half, "keys claimed") == pytest.approx(15_000_000 + 2_592_000 * 1.05, rel=1e-3)


def test_items_and_shards_are_counted_as_the_code_has_them() -> None:
    assert (_KEYS_IN_AN_ITEM, _SHARDS) == (FULL, SHARDS)


@pytest.mark.parametrize("per_second", [1, 12, 40, 120, 400, 1200])
def test_the_write_units_of_claims_are_about_those_that_the_claims_make(per_second: int) -> None:
    """Counted by the table in memory, with batches of the size that Firehose's are."""
    traffic = Traffic(events_per_day=per_second * 86_400.0)
    batch = round(traffic.events_per_day * 30 / Month(DEFAULT_DESIGN, traffic).transforms)
    aws = InMemoryAws()
    owners = KeyOwners(lambda: aws.client("dynamodb"), "owners", 7 * 24 * 60 * 60)
    keys = [
        Key(sha256(b"%d" % number).hexdigest()[:32], number // per_second) for number in range(max(5 * batch, 2400))
    ]
    for start in range(0, len(keys), batch):
        owners.claim({key: Copy("0" * 32, "0" * 32) for key in keys[start : start + batch]})
    made = aws.write_units / len(keys)
    reckoned = quantity(bill(traffic=traffic), "keys claimed") / (30 * 86_400 * per_second)
    # Events that come late ask for their second once more, which the bill has some room for.
    assert 0.9 * made <= reckoned <= 2 * made


def test_the_tables_states_are_those_of_their_state_machine() -> None:
    states = definition()["States"]
    inner = states["Refresh"]["ItemProcessor"]["States"]
    alone = {"Days", "Chunks", "Others", "Alone", "Views due", "Refresh", "Vacuum due", "Report"}
    looking = [name for name in states if name.startswith(("Look ", "Columns "))]
    every_run = (
        len(alone) + len(looking) + sum(not name.startswith("Optimize ") or name == "Optimize due" for name in inner)
    )
    nightly = every_run + 1 + len(states["Views"]["Items"]) + sum(name.startswith("Optimize ") for name in inner) - 1
    weekly = nightly + sum(name.startswith("Vacuum ") for name in states) - 1
    assert (every_run, nightly, weekly) == STATES_OF_RUNS


def test_days_that_are_held_against_genesys_cloud_cost_two_checks_a_day() -> None:
    reconciled = bill(replace(DEFAULT_DESIGN, reconciled=True))
    of_it = {item.usage.what for item in reconciled.items if item.usage.what.startswith("reconciliation: ")}
    assert of_it == {
        "reconciliation: data read",
        "reconciliation: objects of clean/ read",
        "reconciliation: states",
    }
    assert quantity(reconciled, "reconciliation: states") == 60 * (STATES_OF_A_CHECK + STATES_OF_RUNS[0])
    # Three metrics x $0.30.
    more = cents(reconciled)["CloudWatch", "metrics"] - cents(bill())["CloudWatch", "metrics"]
    assert more == pytest.approx(0.90)


def test_what_has_one_price_reaches_its_tiers_together() -> None:
    without_tables = replace(DEFAULT_DESIGN, tables_seconds=None)
    answer = bill(without_tables, replace(A_MILLION_A_DAY, events_per_day=100_000_000, months=60))
    # 3,000,000,000 x 1,860 bytes x 0.24 = 1,247.227 GB a month: 60 months of clean/ and 3 of raw/, 78,575.3 GB in all.
    # 51,200 GB x $0.023 = 1,177.60; 27,375.3 GB x $0.022 = 602.26
    stored = [item.dollars for item in answer.items if item.usage.price == "s3_stored_gb_month"]
    assert len(stored) == 2
    assert round(sum(stored), 2) == 1779.86


def test_a_record_is_billed_in_steps_of_five_kilobytes() -> None:
    what = "ingestion, records rounded up to 5 KB"
    of_five, of_ten = (quantity(bill(traffic=replace(A_MILLION_A_DAY, event_bytes=n)), what) for n in (4760, 4761))
    assert of_ten == 2 * of_five


def test_few_events_make_an_object_each_and_many_make_objects_by_partition_and_interval() -> None:
    few = bill(traffic=replace(A_MILLION_A_DAY, events_per_day=100))
    assert quantity(few, "partitioned objects") == pytest.approx(3000)
    five_minutes = replace(DEFAULT_DESIGN, clean=Buffer(seconds=300, mebibytes=64))
    assert quantity(bill(five_minutes), "partitioned objects") == 432_000 / 5
    more_types = replace(A_MILLION_A_DAY, event_types=18)
    assert quantity(bill(traffic=more_types), "partitioned objects") == pytest.approx(432_000 * 1.8)


def test_objects_too_small_for_the_archive_stay_where_they_are() -> None:
    answer = bill(traffic=replace(A_MILLION_A_DAY, events_per_day=100_000))
    assert quantity(answer, "raw/ stored in the archive") == 0
    assert quantity(answer, "raw/ stored") == pytest.approx(quantity(answer, "clean/ stored"))


def test_what_expires_is_not_paid_for_any_longer() -> None:
    expiring = replace(DEFAULT_DESIGN, clean_expiration_days=60, raw_expiration_days=120)
    assert quantity(bill(expiring), "clean/ stored") == pytest.approx(quantity(bill(), "clean/ stored") / 6)
    assert quantity(bill(expiring), "raw/ stored in the archive") == pytest.approx(12.47, rel=0.01)


def test_without_bucket_keys_every_object_is_a_request_to_kms() -> None:
    without = replace(DEFAULT_DESIGN, bucket_keys=False)
    assert quantity(bill(without), "objects written") + 17_280 == pytest.approx(
        next(item.usage.quantity for item in bill(without).items if item.usage.price == "kms_request")
    )


def test_a_duplicate_is_received_claimed_and_read_but_lands_once() -> None:
    doubled = bill(traffic=replace(A_MILLION_A_DAY, duplicates=0.1, claimed_alone=1))
    assert quantity(doubled, "keys claimed") == pytest.approx(33_000_000)
    assert quantity(doubled, "owners of duplicates read") == pytest.approx(3_000_000)
    assert quantity(doubled, "clean/ stored") == quantity(bill(), "clean/ stored")
    # What an item of a second holds is in the answer to the claim.
    assert quantity(bill(traffic=replace(A_MILLION_A_DAY, duplicates=0.1)), "owners of duplicates read") == 0


def test_a_probe_writes_five_metrics() -> None:
    probed = bill(replace(DEFAULT_DESIGN, probed=True))
    assert quantity(probed, "metrics") == quantity(bill(), "metrics") + 5


def test_events_of_the_bus_pay_for_bus_and_queue_and_not_for_the_api() -> None:
    answer = bill(traffic=replace(A_MILLION_A_DAY, ingress="eventbridge"))
    assert "API Gateway" not in answer.by_service
    assert answer.by_service["EventBridge"] == pytest.approx(30.00)
    # A batch holds ten at most: each event sent, each batch received and deleted.
    assert quantity(answer, "events sent, received and deleted") == pytest.approx(30_000_000 + 2 * 3_000_000)


def test_events_of_the_bus_are_billed_in_steps_of_64_kilobytes() -> None:
    answer = bill(traffic=replace(A_MILLION_A_DAY, ingress="eventbridge", event_bytes=65_537))
    assert quantity(answer, "partner events") == pytest.approx(60_000_000)
    # Each event is sent as 2; a batch of ten, 655,370 bytes, is received as 11 and deleted as 1.
    assert quantity(answer, "events sent, received and deleted") == pytest.approx(60_000_000 + 12 * 3_000_000)


def test_options_say_what_they_save_or_add_and_whether_there_is_such_an_option() -> None:
    found = {other.name: other for other in alternatives(DEFAULT_DESIGN, A_MILLION_A_DAY, PRICES)}
    assert {other.kind for other in found.values()} == {"property", "design"}
    assert found["delivery.buffering.interval 300 s"].difference < 0
    assert found["delivery.shards 2"].difference > 0
    # 5.46 + 7.43 + 2.61 + 0.54 of the tables themselves, eight metrics of alarms and one of their own.
    assert round(found["lake.tables None"].difference, 2) == -17.14
    assert found["partner_bus instead of the webhook"].difference < 0
    single = found["PutRecord per event, idempotency utility"]
    assert (single.kind, single.difference > 18) == ("design", True)


def test_what_comes_by_the_bus_has_no_other_front_door() -> None:
    bus = replace(A_MILLION_A_DAY, ingress="eventbridge")
    names = {other.name for other in alternatives(DEFAULT_DESIGN, bus, PRICES)}
    assert not [name for name in names if "front_door" in name or "instead of the webhook" in name]


def test_the_alternative_front_door_costs_what_a_template_with_it_does(tmp_path: Path) -> None:
    [other] = [
        each for each in alternatives(DEFAULT_DESIGN, A_MILLION_A_DAY, PRICES) if each.name.startswith("webhook.front")
    ]
    stack = new_stack()
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    domain = WebhookDomainProps(domain_name="events.example.com", certificate=certificate)
    GenesysFirehosePipeline(stack, "Pipeline", webhook=WebhookProps(front_door=LoadBalancerProps(), domain=domain))
    design = read_design(written(template_of(stack), tmp_path / "a.template.json"))
    assert (design.load_balancer_zones, design.has_webhook, design.api_methods) == (2, True, 0)
    assert other.dollars == pytest.approx(bill(design).dollars)


# The template


def written(template: Template, path: Path) -> Path:
    path.write_text(json.dumps(template.content))
    return path


def test_the_built_in_design_is_that_of_a_pipeline_by_its_defaults(tmp_path: Path) -> None:
    assert read_design(written(synthesize(), tmp_path / "a.template.json")) == DEFAULT_DESIGN


def test_a_template_is_read_for_what_it_holds(tmp_path: Path) -> None:
    stack = new_stack()
    maximal_pipeline(stack)
    design = read_design(written(template_of(stack), tmp_path / "a.template.json"))
    assert (design.clean, design.raw) == (Buffer(seconds=900, mebibytes=128), Buffer(seconds=900, mebibytes=128))
    assert (design.raw_expiration_days, design.clean_expiration_days) == (3650, 1825)
    assert design.web_acl_used
    assert design.probed
    assert design.manifests
    # The stream's, and the one that signs.
    assert design.keys == DEFAULT_DESIGN.keys + 2


def test_a_directory_such_as_cdk_out_will_do_when_it_holds_one_pipeline(tmp_path: Path) -> None:
    bus = PartnerBusProps(
        org_id="3b1f3c1e-0000-4000-8000-000000000000", event_source_suffix="lake", topics=["conversation_details"]
    )
    written(
        synthesize(webhook=None, partner_bus=bus, delivery=DeliveryProps(shards=2, dynamic_partitioning=False)),
        tmp_path / "a.template.json",
    )
    (tmp_path / "other.template.json").write_text('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}')
    design = read_design(tmp_path)
    assert (design.streams, design.partitioned, design.api_methods, design.event_bus) == (2, False, 0, True)
    assert design.raw_archive_days == 90


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "is no CloudFormation template"), ('{"Resources": {}}', "holds no template of a pipeline")],
)
def test_a_file_without_a_pipeline_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "a.template.json"
    file.write_text(content)
    with pytest.raises(TemplateError, match=complaint):
        read_design(file)


def test_of_several_templates_one_must_be_named(tmp_path: Path) -> None:
    template = synthesize()
    for name in ("a", "b"):
        written(template, tmp_path / f"{name}.template.json")
    with pytest.raises(TemplateError, match=r"name one with --template: .*a\.template\.json, .*b\.template"):
        read_design(tmp_path)


def test_each_pipeline_of_a_template_is_read_by_itself(tmp_path: Path) -> None:
    stack = new_stack()
    for name, shards in (("Sales", 1), ("Care", 3)):
        GenesysFirehosePipeline(stack, name, delivery=DeliveryProps(shards=shards))
    file = written(template_of(stack), tmp_path / "a.template.json")
    assert read_design(file, "Sales") == DEFAULT_DESIGN
    assert read_design(file, f"{stack.node.path}/Care").streams == 3
    with pytest.raises(PipelineError, match=r"holds 2 pipelines; name one with --pipeline: .*/Care, .*/Sales"):
        read_design(file)


def test_a_pipeline_of_a_template_that_names_none_is_refused(tmp_path: Path) -> None:
    file = written(Template({"Resources": {"S": {"Type": "AWS::KinesisFirehose::DeliveryStream"}}}), tmp_path / "a")
    with pytest.raises(PipelineError, match="names no pipelines, for it has no Metadata"):
        read_design(file, "Sales")


# Prices


def test_every_built_in_price_says_where_it_is_from() -> None:
    for price in read_prices().values():
        assert len(price.source) > 20
        assert price.as_of
        assert price.unit
        assert (price.status == "unverified") == (
            "at second hand" in price.source or "from memory" in price.source or "is not verified" in price.source
        )


def test_a_file_replaces_prices_by_name(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    mine = {
        "usd": 4.0,
        "unit": "key",
        "region": "eu-central-1",
        "as_of": "2026",
        "source": "ours",
        "status": "documented",
    }
    file.write_text(json.dumps({"kms_key_month": mine}))
    prices = read_prices(file)
    assert prices["kms_key_month"] == Price(**mine)
    assert prices["s3_put"] == read_prices()["s3_put"]


def test_a_file_gives_tiers_in_the_form_in_which_the_command_prints_them(tmp_path: Path) -> None:
    answer = json.loads(run("--events-per-day", "1000000", "--json"))
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(answer["prices"]))
    assert read_prices(file) == read_prices()
    assert read_prices()["api_gateway_rest_request"].dollars(1e9) == pytest.approx(3033.10)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"usd": -1}, "-1 for kms_key_month; a number of US dollars"),
        ({"usd": "1"}, "a number of US dollars"),
        ({"status": "certain"}, "'certain'; documented and unverified"),
        ({"colour": "red"}, "is no JSON object of prices"),
        ({"tiers": 5}, "is no JSON object of prices"),
        ({"tiers": [{"above": 100}]}, "each with above and usd, may be left out"),
        ({"tiers": [{"above": 100, "usd": "less"}]}, "'less' for kms_key_month; a number of US dollars"),
        ({"tiers": [{"above": 0, "usd": 1}]}, r"tiers above \[0\] for kms_key_month; growing numbers above 0"),
        ({"tiers": [{"above": 20, "usd": 1}, {"above": 10, "usd": 1}]}, r"above \[20, 10\] for kms_key_month"),
        ({"tiers": [{"above": "many", "usd": 1}]}, r"above \['many'\] for kms_key_month"),
    ],
)
def test_a_wrong_price_is_refused(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    file = tmp_path / "prices.json"
    fine = {"usd": 1, "unit": "key", "region": "r", "as_of": "2026", "source": "ours", "status": "documented"}
    file.write_text(json.dumps({"kms_key_month": {**fine, **change}}))
    with pytest.raises(PricesError, match=complaint):
        read_prices(file)


def test_a_price_that_is_not_used_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    fine = {"usd": 1, "unit": "key", "region": "r", "as_of": "2026", "source": "ours", "status": "documented"}
    file.write_text(json.dumps({"kms_key": fine}))
    with pytest.raises(PricesError, match=r"names kms_key; the names are .*kms_key_month"):
        read_prices(file)


# The command


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["cost", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_answers_in_json_with_prices_and_their_sources() -> None:
    answer = json.loads(run("--events-per-day", "1000000", "--json"))
    assert answer["dollars_per_month"] == pytest.approx(sum(item["dollars"] for item in answer["items"]))
    assert answer["prices"].keys() == {item["price"] for item in answer["items"]}
    assert answer["prices"]["firehose_partitioned_gb"]["status"] == "unverified"


def test_the_command_reads_the_template_that_it_is_given(tmp_path: Path) -> None:
    template = written(synthesize(delivery=DeliveryProps(shards=2)), tmp_path / "a.template.json")
    answer = json.loads(run("--events-per-day", "1000000", "--template", str(template), "--json"))
    alarms = [item["quantity"] for item in answer["items"] if item["what"] in ("alarms", "tables: alarms")]
    assert sum(alarms) == DEFAULT_DESIGN.alarm_metrics + 13


def test_the_table_marks_what_is_not_verified_and_prices_of_another_region() -> None:
    result = CliRunner().invoke(
        app, ["cost", "--events-per-day", "1000", "--region", "eu-central-1"], env={"COLUMNS": "200"}
    )
    assert "unverified" in result.output
    assert "give those of eu-central-1 with --prices" in result.output


def test_a_webhook_that_the_template_does_not_have_is_refused(tmp_path: Path) -> None:
    bus = PartnerBusProps(
        org_id="3b1f3c1e-0000-4000-8000-000000000000", event_source_suffix="lake", topics=["conversation_details"]
    )
    template = written(synthesize(webhook=None, partner_bus=bus), tmp_path / "a.template.json")
    asked = ["cost", "--events-per-day", "1", "--template", str(template)]
    assert CliRunner().invoke(app, [*asked, "--ingress", "webhook"]).exit_code == 2
    assert "EventBridge" in json.loads(run(*asked[1:], "--json"))["by_service"]
