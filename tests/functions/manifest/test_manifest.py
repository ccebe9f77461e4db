"""A closed day gets one manifest of every version there was; whatever dies on the way leaves none, or this one."""

import base64
import contextlib
import gzip
import hashlib
import io
import itertools
import json
import subprocess
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from manifest.contents import Contents
from tests.in_memory_aws import Crash, Fault
from tests.versioned_lake import DAY, KEY_ARN, NOW, PIPELINE, LakeAws, events, filled, handler, run

MANIFEST = "manifests/2026/11/23/manifest.jsonl"
EVENTS = "raw/2026/11/23/09/a.gz"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_NAMESPACE", "GenesysFirehose")
    monkeypatch.setenv("PIPELINE_NAME", PIPELINE)


def manifest_of(aws: LakeAws, key: str = MANIFEST) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(aws.body(key).splitlines()[0])
    return values


def listed(aws: LakeAws, key: str = MANIFEST) -> list[dict[str, Any]]:
    """Everything that a manifest lists, found as an auditor with a shell would."""

    def lines(part: dict[str, str] | None) -> Iterator[dict[str, Any]]:
        while part is not None:
            content = aws.body(part["key"])
            assert hashlib.sha256(content).hexdigest() == part["sha256"]
            head, *entries = map(json.loads, content.splitlines())
            yield from entries
            part = head["previous"]

    return list(lines(manifest_of(aws, key)["last_part"]))


def test_a_manifest_lists_every_version_and_delete_marker_of_the_day_with_its_sha256() -> None:
    aws = filled(LakeAws())
    aws.put(EVENTS, events("queue"))
    aws.put(EVENTS, None)
    expected = {
        (key, each.version_id): None if each.body is None else hashlib.sha256(each.body).hexdigest()
        for key, versions in aws.keys.items()
        for each in versions
    }
    run(aws)
    entries = listed(aws)
    assert {(each["key"], each["version_id"]): each.get("sha256") for each in entries} == expected
    assert len(entries) == len(expected)
    assert [each["key"] for each in entries if "delete_marker" in each] == [EVENTS]
    raw = manifest_of(aws)["raw"]
    assert (raw["versions"], raw["delete_markers"]) == (7, 1)
    assert raw["bytes"] == sum(len(each.body or b"") for key in aws.keys if key[:4] == "raw/" for each in aws.keys[key])


def test_records_are_counted_by_type() -> None:
    aws = filled(LakeAws())
    aws.put("raw/2026/11/23/11/names.gz", events("unknown", ingress="names"))
    aws.put("raw/2026/11/23/11/odd.gz", events("invented-by-a-sender"))
    aws.put("raw/2026/11/23/11/torn.gz", events("call")[:-9])
    run(aws)
    raw = manifest_of(aws)["raw"]
    assert raw["by_type"] == {"call": 8, "queue": 4, "names": 1, "unreadable": 2}
    assert raw["records"] == 15


def test_openssl_finds_the_signature_good_and_a_changed_manifest_not(tmp_path: Path) -> None:
    aws = filled(LakeAws())
    run(aws)
    line, signature = aws.body(MANIFEST).splitlines(keepends=True)
    described = json.loads(signature)
    assert (described["algorithm"], described["key"]) == ("ECDSA_SHA_256", KEY_ARN)
    (tmp_path / "key.pem").write_bytes(aws.public_key_pem)
    (tmp_path / "signature").write_bytes(base64.b64decode(described["signature"]))

    def openssl_says(content: bytes) -> str:
        (tmp_path / "manifest").write_bytes(content)
        command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "manifest"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.strip()

    assert openssl_says(line) == "Verified OK"
    assert openssl_says(line.replace(b"2026-11-23", b"2026-11-22")) == "Verification failure"


def test_every_closed_day_of_the_last_week_gets_one_the_oldest_first_each_naming_the_one_before() -> None:
    aws = filled(LakeAws())
    run(aws)
    days = [f"manifests/2026/11/{day}/manifest.jsonl" for day in range(17, 24)]
    assert [key for key in sorted(aws.keys) if key.endswith("manifest.jsonl")] == days
    assert manifest_of(aws, days[0])["previous"] is None
    for before, key in itertools.pairwise(days):
        digest = hashlib.sha256(aws.body(before).splitlines(keepends=True)[0]).hexdigest()
        assert manifest_of(aws, key)["previous"] == {"day": manifest_of(aws, before)["day"], "sha256": digest}
    empty = manifest_of(aws, days[0])
    assert (empty["raw"]["versions"], listed(aws, days[0])) == (0, [])


@pytest.mark.parametrize(("hours", "has_one"), [(25.99, False), (26, True)])
def test_a_day_is_closed_26_hours_after_its_end(hours: float, has_one: bool) -> None:
    aws = filled(LakeAws())
    run(aws, now=datetime.fromisoformat("2026-11-24T00:00:00Z") + timedelta(hours=hours))
    assert (MANIFEST in aws.keys) is has_one


def test_a_day_that_is_not_closed_is_refused_and_an_earlier_one_is_made_when_it_is_asked_for() -> None:
    aws = filled(LakeAws(), DAY - timedelta(days=100))
    with pytest.raises(ValueError, match="not closed"):
        run(aws, {"day": "2026-11-24"})
    run(aws, {"day": "2026-08-15"})
    assert manifest_of(aws, "manifests/2026/08/15/manifest.jsonl")["raw"]["versions"] == 6


def test_a_second_run_writes_nothing_and_says_that_all_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    aws = filled(LakeAws())
    run(aws)
    before = {key: [each.version_id for each in versions] for key, versions in aws.keys.items()}
    aws.put("raw/2026/11/23/12/late.gz", events("call"))
    capsys.readouterr()
    assert run(aws) == 1
    after = {key: [each.version_id for each in versions] for key, versions in aws.keys.items()}
    assert {key for key in after if key not in before} == {"raw/2026/11/23/12/late.gz"}
    assert '"ManifestsWhole":1' in capsys.readouterr().out


def test_a_manifest_that_somebody_hid_gets_no_successor() -> None:
    aws = filled(LakeAws())
    run(aws)
    aws.put(MANIFEST, None)
    run(aws)
    assert [each.body is None for each in aws.keys[MANIFEST]] == [True, False]


@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
@pytest.mark.parametrize("has_time", [True, False])
def test_however_the_listing_is_cut_every_version_is_listed_once(page_size: int, has_time: bool) -> None:
    aws = filled(LakeAws(page_size=page_size))
    for number in range(40):
        aws.put(f"raw/2026/11/23/13/{number % 20:02}.gz", events("call"))
    run(aws, {"day": "2026-11-23"}, remaining=lambda: 900.0 if has_time else 1.0)
    entries = [(each["key"], each["version_id"]) for each in listed(aws)]
    assert len(entries) == len(set(entries)) == manifest_of(aws)["raw"]["versions"] == 46


def test_what_the_tables_hold_of_the_day_is_noted_with_the_transforms_version() -> None:
    aws = filled(LakeAws())
    aws.counts = [("call", "0009-1", 8), ("queue", "0009-1", 4)]
    run(aws)
    assert manifest_of(aws)["clean"] == [
        {"event_type": "call", "transform_version": "0009-1", "records": 8},
        {"event_type": "queue", "transform_version": "0009-1", "records": 4},
    ]
    assert "BETWEEN DATE '2026-10-24' AND DATE '2026-11-24'" in aws.asked[-1]
    assert manifest_of(aws)["completeness"] is None


def test_what_is_known_of_the_days_completeness_is_noted_where_the_lake_has_a_table_of_it() -> None:
    aws = filled(LakeAws(), DAY)
    aws.completeness = {"day": "2026-11-23", "missing": "0", "state": "complete", "reason": None}
    run(aws)
    assert manifest_of(aws)["completeness"] == aws.completeness
    assert aws.asked[-1] == "SELECT * FROM completeness WHERE day = DATE '2026-11-23'"


def test_tables_that_can_not_be_asked_keep_no_manifest_back() -> None:
    aws = filled(LakeAws(athena_state="FAILED"))
    run(aws)
    assert manifest_of(aws)["clean"] is None
    without = filled(LakeAws())
    run(without, workgroup="", database="")
    assert manifest_of(without)["clean"] is None
    assert without.asked == []


def test_a_line_of_any_length_is_read_in_bounded_memory() -> None:
    bomb = gzip.compress(b"x" * 100_000_000)
    tracemalloc.start()
    found = Contents(io.BytesIO(bomb), holds_records=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.records == {"unreadable": 1}
    assert found.sha256 == hashlib.sha256(bomb).hexdigest()
    assert peak < 20_000_000


def _day() -> LakeAws:
    """A day that takes several steps, and the day before it, which has its manifest."""
    aws = LakeAws(page_size=3)
    filled(aws, DAY - timedelta(days=1), DAY)
    run(aws, now=NOW - timedelta(days=1))
    return aws


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.PARTIAL])
def test_whatever_goes_wrong_at_any_call_the_day_has_no_manifest_or_the_right_one(fault: Fault) -> None:
    for number in itertools.count():
        aws = _day()
        expected = {
            (key, each.version_id) for key, versions in aws.keys.items() if "/2026/11/23/" in key for each in versions
        }
        aws.calls.clear()
        aws.schedule = {number: fault}
        _run_with_retries(aws, expected)
        if number >= len(aws.calls):
            break
    assert number > 20


def _run_with_retries(aws: LakeAws, expected: set[tuple[str, str]]) -> None:
    """Run to the end, and look at the manifest whenever a step has died."""
    following: dict[str, Any] | None = {}
    while following is not None:
        # The state machine tries the same step again, in a new environment.
        with contextlib.suppress(Crash, ClientError, BotoCoreError):
            following = handler(aws).handle(json.loads(json.dumps(following)), lambda: 900.0)
        if MANIFEST in aws.keys:
            assert len(aws.keys[MANIFEST]) == 1
            with aws.unwatched():
                assert {(each["key"], each["version_id"]) for each in listed(aws)} == expected
            assert manifest_of(aws)["raw"]["versions"] == len(expected)
    assert MANIFEST in aws.keys


def test_whoever_may_call_the_function_can_have_nothing_signed_but_what_it_has_read() -> None:
    aws = filled(LakeAws(), DAY - timedelta(days=1), DAY)
    run(aws, {"day": "2026-11-22"})
    of_another_day = manifest_of(aws, "manifests/2026/11/22/manifest.jsonl")["last_part"]["sha256"]
    for part in (of_another_day, "0" * 64, "../../x"):
        with pytest.raises(ValueError, match="no such part"):
            handler(aws).handle({"day": "2026-11-23", "part": part, "total": {"versions": 0}}, lambda: 900.0)
    begun = handler(aws).handle({"day": "2026-11-23"}, lambda: 900.0)
    assert begun is not None
    run(aws, {**begun, "total": {"versions": 0}, "records": {"call": 1000}, "following": None})
    assert manifest_of(aws)["raw"]["by_type"] == {"call": 8, "queue": 4}
    assert len(listed(aws)) == 6


def test_two_runs_at_once_make_one_manifest() -> None:
    aws = _day()
    one, other = handler(aws), handler(aws)
    states: list[Any] = [{}, {}]
    while any(state is not None for state in states):
        for place, each in enumerate((one, other)):
            if states[place] is not None:
                states[place] = each.handle(json.loads(json.dumps(states[place])), lambda: 900.0)
    assert len(aws.keys[MANIFEST]) == 1
    assert len(listed(aws)) == 6
