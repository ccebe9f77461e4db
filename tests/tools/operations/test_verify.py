"""Every way to tamper with a day is found and named, and what can't be believed is refused in a sentence."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.lake_versions import BucketStore, DirectoryStore, VersionsError
from genesys_firehose_tools.operations.manifest_signature import PublicKey, PublicKeyError
from genesys_firehose_tools.operations.verify import Verification, Verifier, VerifyError
from tests.in_memory_aws import Fault
from tests.versioned_lake import DAY, KEY_ARN, NOW, PIPELINE, LakeAws, events, filled, run

BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
EVENTS = "raw/2026/11/23/09/a.gz"
MANIFEST = "manifests/2026/11/23/manifest.jsonl"
LATER = NOW + timedelta(days=2)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_NAMESPACE", "GenesysFirehose")
    monkeypatch.setenv("PIPELINE_NAME", PIPELINE)


@pytest.fixture
def aws() -> LakeAws:
    """Three days, each with its manifest."""
    aws = filled(LakeAws(), BEFORE, DAY, AFTER)
    run(aws, now=NOW + timedelta(days=1))
    return aws


def verify(aws: LakeAws, day: date = DAY, pipeline: str = PIPELINE, now: datetime = LATER) -> Verification:
    key = PublicKey.of_kms(aws.client("kms"), KEY_ARN)
    return Verifier(BucketStore(aws, "lake"), key, pipeline, lambda: now).verify(day)


def differences(found: Verification) -> list[tuple[str, str]]:
    return [(each.kind, each.key) for each in found.differences]


def sentence(error: type[ToolError], attempt: Callable[[], Any]) -> str:
    with pytest.raises(error) as caught:
        attempt()
    return str(caught.value)


def test_a_day_that_nobody_touched_is_what_it_was(aws: LakeAws) -> None:
    found = verify(aws)
    assert found.differences == []
    assert found.versions == 6
    assert found.manifest["raw"]["by_type"] == {"call": 8, "queue": 4}
    assert found.chain == ["names the manifest of the day before", "the manifest of the day after names it"]


def test_a_rebuild_changes_nothing_of_it(aws: LakeAws) -> None:
    aws.put("clean/event_type=call/date=2026-11-23/rebuild-0010-a.gz", events("call"))
    aws.put("raw/2026/11/24/09/redriven.gz", events("call"))
    assert verify(aws).differences == []


def test_a_day_with_old_versions_and_delete_markers_in_its_manifest_is_what_it_was() -> None:
    aws = filled(LakeAws())
    aws.put(EVENTS, events("queue"))
    aws.put(EVENTS, None)
    run(aws)
    found = verify(aws)
    assert (found.differences, found.versions) == ([], 7)


@dataclass(frozen=True)
class Tampering:
    """What somebody does to a day, and what must be said of it."""

    does: Callable[[LakeAws], object]
    found: list[tuple[str, str]]


def _rewrite(aws: LakeAws, key: str, body: bytes) -> None:
    """Change a version in place, as nobody can in S3, and anybody in a copy."""
    aws.keys[key][0].body = body


TAMPERINGS = {
    "a byte is changed in place": Tampering(
        lambda aws: _rewrite(aws, EVENTS, aws.body(EVENTS)[:-1] + b"\xff"), [("changed", EVENTS)]
    ),
    "other bytes are put on top": Tampering(lambda aws: aws.put(EVENTS, events("call")), [("changed", EVENTS)]),
    "the same bytes are put on top": Tampering(lambda aws: aws.put(EVENTS, aws.body(EVENTS)), [("changed", EVENTS)]),
    "a delete marker hides it": Tampering(lambda aws: aws.put(EVENTS, None), [("missing", EVENTS)]),
    "the version is deleted for good": Tampering(
        lambda aws: aws.remove(EVENTS, aws.keys[EVENTS][0].version_id), [("missing", EVENTS)]
    ),
    "it is replaced and the old version deleted for good": Tampering(
        lambda aws: (aws.put(EVENTS, events("call")), aws.remove(EVENTS, aws.keys[EVENTS][1].version_id)),
        [("changed", EVENTS), ("missing", EVENTS)],
    ),
    "an object is added": Tampering(
        lambda aws: aws.put("raw/2026/11/23/09/c.gz", events("call")), [("added", "raw/2026/11/23/09/c.gz")]
    ),
    "a delete marker is put where nothing was": Tampering(
        lambda aws: aws.put("raw/2026/11/23/09/c.gz", None), [("added", "raw/2026/11/23/09/c.gz")]
    ),
    "an oversize original is deleted for good": Tampering(
        lambda aws: aws.keys.pop(f"raw/oversize/2026/11/23/{'0' * 32}.json.gz"),
        [("missing", f"raw/oversize/2026/11/23/{'0' * 32}.json.gz")],
    ),
    "a dead letter is added": Tampering(
        lambda aws: aws.put("raw/dead-letters/2026/11/23/new.json", b"{}"),
        [("added", "raw/dead-letters/2026/11/23/new.json")],
    ),
    "the manifest is hidden": Tampering(lambda aws: aws.put(MANIFEST, None), [("missing", MANIFEST)]),
    "another manifest is laid over it": Tampering(
        lambda aws: aws.put(MANIFEST, aws.body(MANIFEST)), [("changed", MANIFEST)]
    ),
    "the manifest of the day before is deleted for good": Tampering(
        lambda aws: aws.keys.pop("manifests/2026/11/22/manifest.jsonl"),
        [("missing", "manifests/2026/11/22/manifest.jsonl")],
    ),
    "the manifest of the day before is another one": Tampering(
        lambda aws: _rewrite(aws, "manifests/2026/11/22/manifest.jsonl", aws.body(MANIFEST)),
        [("changed", "manifests/2026/11/22/manifest.jsonl")],
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_named(aws: LakeAws, name: str) -> None:
    TAMPERINGS[name].does(aws)
    found = verify(aws)
    assert sorted(differences(found)) == sorted(TAMPERINGS[name].found)
    assert all(each.reason for each in found.differences)


def test_whoever_may_have_the_function_sign_again_is_found_by_the_manifest_of_the_day_after(aws: LakeAws) -> None:
    aws.keys = {key: versions for key, versions in aws.keys.items() if not key.startswith("manifests/2026/11/23/")}
    aws.put("raw/2026/11/23/09/false.gz", events("call"))
    run(aws, {"day": "2026-11-23"})
    assert differences(verify(aws)) == [("changed", MANIFEST)]


def _cut(content: bytes, by: int) -> bytes:
    line, signature = content.splitlines(keepends=True)
    described = json.loads(signature)
    return line + json.dumps({**described, "signature": described["signature"][:-by]}).encode()


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "a count is changed": lambda content: content.replace(b'"records":12', b'"records":13'),
    "another bucket is named": lambda content: content.replace(b'"bucket":"lake"', b'"bucket":"lakf"'),
    "its signature is cut": lambda content: _cut(content, 4),
    "its signature is taken away": lambda content: content.splitlines(keepends=True)[0],
    "the signature is no JSON": lambda content: content.splitlines(keepends=True)[0] + b"signed\n",
    "it is empty": lambda _: b"",
    "it is nonsense": lambda _: b"\xff\n[]\n",
    "it is a list": lambda content: b"[]\n" + content.splitlines(keepends=True)[1],
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_manifest_whose_signature_is_not_the_keys_is_refused(aws: LakeAws, name: str) -> None:
    forged = FORGERIES[name](aws.body(MANIFEST))
    assert forged != aws.body(MANIFEST)
    _rewrite(aws, MANIFEST, forged)
    said = sentence(VerifyError, lambda: verify(aws))
    assert said == (
        f"The signature of the manifest of 2026-11-23 is not that of {KEY_ARN}: it was changed or cut, or another key "
        "made it."
    )


def test_a_manifest_of_another_key_is_refused(aws: LakeAws) -> None:
    aws.signer = ec.generate_private_key(ec.SECP256R1())
    assert "is not that of" in sentence(VerifyError, lambda: verify(aws))


def test_the_manifest_of_another_day_is_refused_though_its_signature_is_good(aws: LakeAws) -> None:
    _rewrite(aws, MANIFEST, aws.body("manifests/2026/11/22/manifest.jsonl"))
    said = sentence(VerifyError, lambda: verify(aws))
    assert said.endswith("is signed, and is another one: its day is 2026-11-22, not 2026-11-23.")


def test_the_manifest_of_another_pipeline_is_refused(aws: LakeAws) -> None:
    assert "its pipeline is Lake/Pipeline, not Other" in sentence(VerifyError, lambda: verify(aws, pipeline="Other"))


@pytest.mark.parametrize("tamper", [lambda body: body[:-2] + b"0\n", lambda _: b""])
def test_a_part_that_is_changed_is_refused(aws: LakeAws, tamper: Callable[[bytes], bytes]) -> None:
    part = json.loads(aws.body(MANIFEST).splitlines()[0])["last_part"]["key"]
    _rewrite(aws, part, tamper(aws.body(part)))
    said = sentence(VerifyError, lambda: verify(aws))
    assert said == f"A part of the manifest of 2026-11-23 is gone or changed, so nothing is said of the day: {part}."


def test_a_part_that_something_was_laid_over_is_read_as_it_was(aws: LakeAws) -> None:
    part = json.loads(aws.body(MANIFEST).splitlines()[0])["last_part"]["key"]
    aws.put(part, b"other")
    aws.put(part, None)
    assert verify(aws).differences == []


def test_a_day_that_is_not_closed_and_one_without_a_manifest_are_told_apart(aws: LakeAws) -> None:
    assert "is not closed" in sentence(VerifyError, lambda: verify(aws, now=datetime(2026, 11, 25, tzinfo=UTC)))
    assert "The day 2026-01-01 has no manifest in lake" in sentence(VerifyError, lambda: verify(aws, date(2026, 1, 1)))


def test_who_may_not_is_told_what_is_missing(aws: LakeAws) -> None:
    with aws.unwatched():
        verifier = Verifier(BucketStore(aws, "lake"), PublicKey.of_kms(aws.client("kms"), KEY_ARN), PIPELINE)
        verifier.verify(DAY)
        calls = len(aws.calls)
    for number in range(calls):
        aws.calls.clear()
        aws.schedule = {number: Fault.REFUSED}
        said = sentence(ToolError, lambda: verify(aws))
        assert "AccessDenied" in said
        assert "pipeline.manifests.grant_verify" in said


def test_a_copy_of_the_bucket_is_verified_with_nothing_but_the_public_key(aws: LakeAws, tmp_path: Path) -> None:
    aws.put("raw/2026/11/20/09/a.gz", events("call"))
    copy, pem = tmp_path / "copy", tmp_path / "key.pem"
    pem.write_bytes(aws.public_key_pem)
    for key in aws.keys:
        (copy / key).parent.mkdir(parents=True, exist_ok=True)
        (copy / key).write_bytes(aws.body(key))

    def found() -> Verification:
        return Verifier(DirectoryStore(copy), PublicKey.of_file(pem), now=lambda: LATER).verify(DAY)

    assert (found().differences, found().versions, found().not_looked_at) == ([], 6, 0)
    (copy / EVENTS).write_bytes(gzip.compress(b"other"))
    (copy / "raw/2026/11/23/10/a.gz").unlink()
    shutil.copy(copy / EVENTS, copy / "raw/2026/11/23/10/c.gz")
    assert differences(found()) == [
        ("added", "raw/2026/11/23/10/c.gz"),
        ("changed", EVENTS),
        ("missing", "raw/2026/11/23/10/a.gz"),
    ]


def test_a_copy_tells_how_much_it_can_not_show(tmp_path: Path) -> None:
    aws = filled(LakeAws())
    aws.put(EVENTS, events("queue"))
    aws.put("raw/2026/11/23/10/a.gz", None)
    run(aws)
    for key, versions in aws.keys.items():
        if versions[0].body is not None:
            (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / key).write_bytes(versions[0].body)
    key = PublicKey.of_kms(aws.client("kms"), KEY_ARN)
    found = Verifier(DirectoryStore(tmp_path), key, now=lambda: LATER).verify(DAY)
    assert (found.differences, found.versions, found.not_looked_at) == ([], 5, 3)


def test_bad_files_are_a_sentence_each(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no key")
    other = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pem").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for name, said in {
        "none.pem": "holds no public key in PEM.",
        "bad.pem": "holds no public key in PEM.",
        "rsa.pem": "is no public key of an elliptic curve, as that of the manifests is.",
    }.items():
        assert sentence(PublicKeyError, lambda name=name: PublicKey.of_file(tmp_path / name)).endswith(said)  # type: ignore[misc]
    said = sentence(VersionsError, lambda: DirectoryStore(tmp_path / "none"))
    assert said == f"There is no directory {tmp_path / 'none'}."


def test_the_command_verifies_a_copy_without_aws_and_asks_for_the_key_it_needs(aws: LakeAws, tmp_path: Path) -> None:
    for key in aws.keys:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(aws.body(key))
    (tmp_path / "key.pem").write_bytes(aws.public_key_pem)

    def run_command(*options: str) -> Any:
        return CliRunner().invoke(app, ["verify", "--day", "2026-11-23", "--directory", str(tmp_path), *options])

    missing = run_command()
    assert missing.exit_code == 2
    assert "--directory needs --public-key" in missing.stderr
    key_option = ("--public-key", str(tmp_path / "key.pem"))
    good = run_command(*key_option)
    assert good.exit_code == 0, good.output
    assert "raw/ holds of 2026-11-23 what it held when the manifest was made." in good.stdout
    (tmp_path / EVENTS).unlink()
    bad = run_command(*key_option)
    assert bad.exit_code == 1
    assert f"missing: {EVENTS}" in bad.stdout
    assert "Error: raw/ differs from the manifest of 2026-11-23 in one place." in bad.stderr
