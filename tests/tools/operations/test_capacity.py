"""The rate at which each quota is exceeded is estimated."""

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.firehose.limits import direct_put_throughput
from genesys_firehose_tools.operations.capacity import QUOTAS, Limit, limits, shards_needed
from genesys_firehose_tools.operations.cost import Traffic
from genesys_firehose_tools.operations.deployed_design import DEFAULT_DESIGN, Design

A_DAY = 24 * 3600
# The API's own throttle is a property; what counts behind it is AWS's.
OPEN = replace(DEFAULT_DESIGN, api_rate=None)


def traffic(rate: float, **others: float) -> Traffic:
    return Traffic(events_per_day=rate * A_DAY, **others)  # type: ignore[arg-type]


def of(name: str, rate: float, region: str = "us-east-1", design: Design = DEFAULT_DESIGN) -> Limit:
    return next(limit for limit in limits(design, traffic(rate), region) if limit.name == name)


def test_the_api_s_own_throttle_binds_first_then_firehose() -> None:
    names = [limit.name for limit in limits(DEFAULT_DESIGN, traffic(100), "us-east-1")]
    assert names[:3] == ["API throttling", "Firehose requests", "Firehose bytes"]
    assert of("API throttling", 100).binds_at == pytest.approx(500, rel=0.001)


def test_several_events_in_a_request_spare_requests_and_not_bytes() -> None:
    packed = limits(DEFAULT_DESIGN, traffic(100, events_per_request=10), "us-east-1")
    binding = {limit.name: limit.binds_at for limit in packed}
    assert binding["API throttling"] == pytest.approx(5000, rel=0.001)
    assert binding["Firehose requests"] == pytest.approx(20_000, rel=0.001)
    assert binding["Firehose bytes"] == pytest.approx(5 * 1024 * 1024 / 1860, rel=0.001)


def test_a_smaller_region_has_smaller_quotas() -> None:
    assert of("Firehose bytes", 100, "eu-central-1").quota == 1024 * 1024
    assert of("KMS requests", 100, "eu-central-1").quota == 20_000
    assert of("API Gateway, an account", 100, "eu-south-1").quota == 2_500


@pytest.mark.parametrize(
    ("rate", "region", "shards"),
    [
        (100, "us-east-1", 1),
        (1_000, "us-east-1", 1),
        (10_000, "us-east-1", 5),
        (1_000, "eu-central-1", 2),
        (10_000, "eu-central-1", 18),
        (100_000, "us-east-1", 50),
    ],
)
def test_so_many_streams_are_needed(rate: float, region: str, shards: int) -> None:
    assert shards_needed(OPEN, traffic(rate), region) == shards


def test_with_these_streams_firehose_does_not_bind_and_with_one_less_it_does() -> None:
    for shards, is_enough in ((18, True), (17, False)):
        sharded = replace(OPEN, streams=shards)
        firehose = [
            limit for limit in limits(sharded, traffic(10_000), "eu-central-1") if limit.name.startswith("Firehose")
        ]
        assert all(not limit.is_exceeded for limit in firehose) == is_enough


def test_a_request_of_many_events_calls_every_stream() -> None:
    one, four = (
        next(
            limit.used
            for limit in limits(replace(OPEN, streams=streams), traffic(1000, events_per_request=100), "us-east-1")
            if limit.name == "Firehose requests"
        )
        for streams in (1, 4)
    )
    assert one == pytest.approx(four)


def test_partitions_do_not_grow_with_the_rate() -> None:
    limit = of("Firehose partitions", 100_000)
    assert math.isinf(limit.binds_at)
    assert limit.used == 20


def test_the_bus_is_bound_by_deliveries_and_by_what_the_queue_hands_over_at_once() -> None:
    bus = replace(traffic(10_000), ingress="eventbridge")
    by_name = {limit.name: limit for limit in limits(DEFAULT_DESIGN, bus, "eu-central-1")}
    assert by_name["EventBridge deliveries"].quota == 4_500
    assert by_name["EventBridge deliveries"].is_exceeded
    assert by_name["Batches from the queue"].is_exceeded
    assert "API throttling" not in by_name


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_what_uses_a_quota_up_does_so_at_the_rate_that_is_named(region: str) -> None:
    for limit in limits(DEFAULT_DESIGN, traffic(700), region):
        if math.isfinite(limit.binds_at):
            again = of(limit.name, limit.binds_at, region)
            assert again.used == pytest.approx(limit.quota, rel=0.01), limit.name


def test_every_quota_names_its_document() -> None:
    for quota in QUOTAS.values():
        assert '"' in quota.source
        assert quota.status == "documented"


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "sa-east-1"])
def test_the_local_firehose_has_the_same_quotas(region: str) -> None:
    throughput = direct_put_throughput(region)
    assert (throughput.records, throughput.requests, throughput.bytes) == tuple(
        QUOTAS[f"firehose_{name}"].of(region) for name in ("records", "requests", "bytes")
    )


def test_the_command_says_which_binds_first_and_how_many_shards_help() -> None:
    arguments = ["capacity", "--events-per-second", "1000", "--region", "eu-central-1"]
    answer = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert answer["limits"][0]["name"] == "API throttling"
    assert answer["shards_needed"] == 2
    assert answer["limits"][-1]["binds_at"] is None
    table = CliRunner().invoke(app, arguments).stdout
    assert "API throttling is exceeded first. Firehose's default quotas need 2 delivery streams" in table
    enough = CliRunner().invoke(app, ["capacity", "--events-per-second", "100"]).stdout
    assert "Firehose's default quotas suffice with 1 delivery stream." in enough


def test_streams_that_a_request_of_many_events_calls_one_by_one_are_counted() -> None:
    """Half as many requests of 40 events each reach a stream only when there are more than 40 streams."""
    packed = traffic(100_000, events_per_request=40, event_bytes=1)
    needed = shards_needed(OPEN, packed, "eu-central-1")
    firehose = [
        [
            limit.is_exceeded
            for limit in limits(replace(OPEN, streams=streams), packed, "eu-central-1")
            if limit.name.startswith("Firehose")
        ]
        for streams in (needed - 1, needed)
    ]
    assert [any(exceeded) for exceeded in firehose] == [True, False]
    assert needed > 40
