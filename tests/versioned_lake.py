"""A versioned bucket, a key that signs and an Athena in memory, with faults at any call."""

# The arguments are named as AWS names them.
# ruff: noqa: N803, ARG002

import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from manifest.function import ManifestHandler
from manifest.settings import ManifestSettings
from tests.in_memory_aws import InMemoryAws, _Service, _Validated, refusal

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
"""A time at which the day is closed, and the six days before it."""
PIPELINE = "Lake/Pipeline"
KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/signs"
SETTINGS = ManifestSettings(
    pipeline=PIPELINE,
    bucket_name="lake",
    raw_key_arn="arn:aws:kms:eu-west-1:111122223333:key/raw",
    signing_key_arn=KEY_ARN,
    closed_after=timedelta(hours=26),
    workgroup="tables",
    database="lake",
    event_date_past_days=30,
    event_date_future_days=1,
)


@dataclass
class Stored:
    """A version; without a body it is a delete marker."""

    version_id: str
    body: bytes | None
    written: datetime


@dataclass
class LakeAws(InMemoryAws):
    """S3 with versions, KMS and Athena."""

    page_size: int = 1000
    keys: dict[str, list[Stored]] = field(default_factory=dict)
    signer: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    counts: list[tuple[str, str, int]] = field(default_factory=list)
    completeness: dict[str, str | None] | None = None
    athena_state: str = "SUCCEEDED"
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def client(self, service: str) -> Any:
        return _Validated(service, {"s3": _S3, "kms": _Kms, "athena": _Athena, "glue": _Glue}[service](self))

    def put(self, key: str, body: bytes | None) -> str:
        """Put a version on top; without a body a delete marker."""
        number = sum(map(len, self.keys.values()))
        written = NOW - timedelta(days=3) + timedelta(seconds=number)
        # Newest first, as S3 lists them.
        self.keys.setdefault(key, []).insert(0, Stored(f"v{number}", body, written))
        return f"v{number}"

    def remove(self, key: str, version_id: str) -> None:
        """Delete a version for good."""
        self.keys[key] = [each for each in self.keys[key] if each.version_id != version_id]
        if not self.keys[key]:
            del self.keys[key]

    def body(self, key: str) -> bytes:
        """Return the newest version's bytes."""
        body = self.keys[key][0].body
        assert body is not None
        return body

    @property
    def public_key_pem(self) -> bytes:
        return self.signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class _S3(_Service):
    _aws: LakeAws

    def get_paginator(self, method: str) -> Any:
        assert method == "list_object_versions"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self.list_object_versions(**request)
            yield page
            if not page["IsTruncated"]:
                return
            request |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def list_object_versions(
        self, *, Bucket: str, Prefix: str, KeyMarker: str = "", VersionIdMarker: str = ""
    ) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            entries = [
                (key, place, each)
                for key, versions in sorted(self._aws.keys.items())
                if key.startswith(Prefix)
                for place, each in enumerate(versions)
            ]
            if VersionIdMarker:
                ids = [(key, each.version_id) for key, _, each in entries]
                entries = entries[ids.index((KeyMarker, VersionIdMarker)) + 1 :]
            elif KeyMarker:
                entries = [each for each in entries if each[0] > KeyMarker]
            page = entries[: self._aws.page_size]
            answer: dict[str, Any] = {"Versions": [], "DeleteMarkers": [], "IsTruncated": len(entries) > len(page)}
            for key, place, each in page:
                entry = {
                    "Key": key,
                    "VersionId": each.version_id,
                    "IsLatest": place == 0,
                    "LastModified": each.written,
                }
                if each.body is None:
                    answer["DeleteMarkers"].append(entry)
                else:
                    answer["Versions"].append({**entry, "Size": len(each.body)})
            if answer["IsTruncated"]:
                answer |= {"NextKeyMarker": page[-1][0], "NextVersionIdMarker": page[-1][2].version_id}
            return {name: value for name, value in answer.items() if value != []}

        answer: dict[str, Any] = self._aws.call("ListObjectVersions", effect)
        return answer

    def get_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            for each in self._aws.keys.get(Key, ()):
                if each.version_id == VersionId and each.body is not None:
                    return {"Body": io.BytesIO(each.body)}
            raise refusal("NoSuchVersion", "GetObject")

        answer: dict[str, Any] = self._aws.call("GetObject", effect)
        return answer

    def put_object(self, **request: Any) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            assert request["ChecksumAlgorithm"] == "SHA256"
            assert request["SSEKMSKeyId"] == SETTINGS.raw_key_arn
            versions = self._aws.keys.get(request["Key"], [])
            if request.get("IfNoneMatch") == "*" and versions and versions[0].body is not None:
                raise refusal("PreconditionFailed", "PutObject")
            return {"VersionId": self._aws.put(request["Key"], request["Body"])}

        answer: dict[str, Any] = self._aws.call("PutObject", effect)
        return answer


class _Kms(_Service):
    _aws: LakeAws

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, Any]:
        assert (KeyId, MessageType, SigningAlgorithm) == (KEY_ARN, "DIGEST", "ECDSA_SHA_256")

        def effect(_partial: bool) -> dict[str, Any]:
            return {"Signature": self._aws.signer.sign(Message, ec.ECDSA(utils.Prehashed(SHA256())))}

        answer: dict[str, Any] = self._aws.call("Sign", effect)
        return answer

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            der = self._aws.signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return {"PublicKey": der}

        answer: dict[str, Any] = self._aws.call("GetPublicKey", effect)
        return answer


class _Athena(_Service):
    _aws: LakeAws

    def start_query_execution(self, *, QueryString: str, **_: Any) -> dict[str, Any]:
        self._aws.asked.append(QueryString)
        answer: dict[str, Any] = self._aws.call("StartQueryExecution", lambda _partial: {"QueryExecutionId": "q"})
        return answer

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:
        state = {"QueryExecution": {"Status": {"State": self._aws.athena_state}}}
        answer: dict[str, Any] = self._aws.call("GetQueryExecution", lambda _partial: state)
        return answer

    def get_query_results(self, *, QueryExecutionId: str) -> dict[str, Any]:
        rows: list[tuple[Any, ...]] = [("event_type", "transform_version", "records"), *self._aws.counts]
        if "FROM completeness" in self._aws.asked[-1]:
            assert self._aws.completeness is not None
            rows = [tuple(self._aws.completeness), tuple(self._aws.completeness.values())]
        data = [[{} if each is None else {"VarCharValue": str(each)} for each in row] for row in rows]
        results = {"ResultSet": {"Rows": [{"Data": row} for row in data]}}
        answer: dict[str, Any] = self._aws.call("GetQueryResults", lambda _partial: results)
        return answer


class _Glue(_Service):
    _aws: LakeAws

    def get_table(self, *, DatabaseName: str, Name: str) -> dict[str, Any]:
        def effect(_partial: bool) -> dict[str, Any]:
            if self._aws.completeness is None:
                raise refusal("EntityNotFoundException", "GetTable")
            return {"Table": {"Name": Name}}

        answer: dict[str, Any] = self._aws.call("GetTable", effect)
        return answer


def events(*types: str, ingress: str = "webhook") -> bytes:
    """An object of raw/ as Firehose writes it, with an event of each type."""
    lines = [
        f'{{"ingest_id":"{number:032x}","received_at":"2026-11-23T10:00:00.000Z","ingress":"{ingress}",'
        f'"dedup_key":"{number:064x}","keyed_by":"id","event_type":"{event_type}","event_time":null,"topic":null,'
        f'"event":{json.dumps({"event_type": "queue", "n": number})}}}\n'
        for number, event_type in enumerate(types)
    ]
    return gzip.compress("".join(lines).encode())


def filled(aws: LakeAws, *days: date) -> LakeAws:
    """Put into each day events, an oversize original and a dead letter."""
    for day in days or (DAY,):
        for hour in (9, 10):
            for name in "ab":
                aws.put(f"raw/{day:%Y/%m/%d}/{hour:02}/{name}.gz", events("call", "queue", "call"))
        aws.put(f"raw/oversize/{day:%Y/%m/%d}/{'0' * 32}.json.gz", gzip.compress(b'{"event":"large"}'))
        aws.put(f"raw/dead-letters/{day:%Y/%m/%d}/message.json", b'{"MessageId": "m"}')
    return aws


def handler(aws: LakeAws, now: datetime = NOW, **settings: Any) -> ManifestHandler:
    """Put the function together anew, as a new execution environment does."""
    values = {name: getattr(SETTINGS, name) for name in SETTINGS.__dataclass_fields__}
    return ManifestHandler(ManifestSettings(**{**values, **settings}), aws.client, lambda: now)


def run(
    aws: LakeAws,
    event: dict[str, Any] | None = None,
    now: datetime = NOW,
    remaining: Callable[[], float] = lambda: 900.0,
    **settings: Any,
) -> int:
    """Call the function as the state machine does, and return how often."""
    calls, following = 0, event or {}
    while True:
        calls += 1
        # What goes through a state machine is JSON.
        answer = handler(aws, now, **settings).handle(json.loads(json.dumps(following)), remaining)
        if answer is None:
            return calls
        following = answer
