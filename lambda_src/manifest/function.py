"""The function put together: reads what raw/ holds of a closed day, part by part, and signs it.

A run of the state machine calls it until it answers nothing: each call reads a part of a day and says where the next
one begins; the last call of a day signs. Whatever dies half-way, there is no manifest until the one call that writes it
whole, and what was written before are parts that no manifest names.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import Any

from botocore.exceptions import ClientError

from manifest import document
from manifest.contents import Contents
from manifest.days import closed_days, closes_at, manifest_key, part_key, prefixes_of
from manifest.settings import ManifestSettings
from manifest.tables import Tables
from shared.event import format_time
from shared.telemetry import Metrics, log

READERS = 8
# Read side by side before the clock is looked at: of the largest objects that Firehose writes, a minute's work.
_BATCH = 2 * READERS
# What a call leaves for its own end: a batch of the largest objects, and writing the part.
SPARE_SECONDS = 240.0

Event = dict[str, Any]


class ManifestHandler:
    """The function that a state machine calls until there is nothing more to do.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service; called once for each, when it is first needed.
        now: the time, UTC.
    """

    def __init__(
        self,
        settings: ManifestSettings,
        make_client: Callable[[str], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._client = cache(make_client)
        self._now = now

    def handle(self, event: Mapping[str, Any], remaining_seconds: Callable[[], float]) -> Event | None:
        """Do the next step.

        Args:
            event: nothing, for the oldest closed day that has no manifest; ``{"day": "2026-11-23"}`` for that day;
                or what the call before answered.
            remaining_seconds: how long the call may still take.

        Returns:
            The event to go on with; None when every closed day has its manifest.

        Raises:
            ValueError: the day that is asked for is not closed.
        """
        if "day" not in event:
            return self._begin_next()
        day = date.fromisoformat(event["day"])
        if self._now() < closes_at(day, self._settings.closed_after):
            raise ValueError("the day is not closed yet")
        if "prefix" not in event:
            # Asked for by hand.
            return {} if self._has_manifest(day) else _beginning(day)
        if event["prefix"] < len(prefixes_of(day)):
            return self._read_part(day, event, remaining_seconds)
        self._sign(day, event)
        return {}

    def _begin_next(self) -> Event | None:
        for day in closed_days(self._now(), self._settings.closed_after):
            if not self._has_manifest(day):
                return _beginning(day)
        metrics = Metrics()
        metrics.count("ManifestsWhole")
        metrics.flush()
        return None

    def _has_manifest(self, day: date) -> bool:
        """Tell whether there is or was one: a day that lost its manifest gets no other that would take its place."""
        return self._first_version(manifest_key(day)) is not None

    def _first_version(self, key: str) -> str | None:
        """Return the id of an object's oldest version; None where there is none."""
        page = self._s3.list_object_versions(Bucket=self._settings.bucket_name, Prefix=key)
        versions = [entry["VersionId"] for entry in page.get("Versions", ()) if entry["Key"] == key]
        # S3 lists the versions of a key from the newest on.
        return versions[-1] if versions else None

    def _read_part(self, day: date, event: Mapping[str, Any], remaining_seconds: Callable[[], float]) -> Event:
        """Read versions until a page is over or the time is, and write them down."""
        prefix = prefixes_of(day)[event["prefix"]]
        page = self._page(prefix, event["marker"])
        total = Counter(event["total"])
        records = Counter(event["records"])
        lines: list[dict[str, Any]] = []
        marker: dict[str, str] | None = None
        # Only what Firehose wrote, under the first prefix, has records in lines.
        describe = partial(self._describe, holds_records=event["prefix"] == 0)
        with ThreadPoolExecutor(READERS) as readers:
            for batch in _batches(page):
                # The first is read in any case, so that each call comes further.
                if lines and remaining_seconds() < SPARE_SECONDS:
                    marker = {"KeyMarker": lines[-1]["key"]}
                    break
                for line, counted in readers.map(describe, batch):
                    lines.append(line)
                    records.update(counted)
                    total.update(
                        versions="sha256" in line,
                        delete_markers="delete_marker" in line,
                        bytes=line.get("size", 0),
                        records=counted.total(),
                    )
        if marker is None and page["IsTruncated"]:
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        return {
            "day": day.isoformat(),
            "prefix": event["prefix"] + (marker is None),
            "marker": marker,
            "part": self._write_part(day, event["part"], lines) if lines else event["part"],
            "total": dict(total),
            "records": dict(records),
        }

    def _page(self, prefix: str, marker: Mapping[str, str] | None) -> dict[str, Any]:
        page: dict[str, Any] = self._s3.list_object_versions(
            Bucket=self._settings.bucket_name, Prefix=prefix, **(marker or {})
        )
        return page

    def _describe(self, entry: Mapping[str, Any], *, holds_records: bool) -> tuple[dict[str, Any], Counter[str]]:
        names = {"key": entry["Key"], "version_id": entry["VersionId"], "latest": entry["IsLatest"]}
        if "Size" not in entry:
            return {**names, "delete_marker": True}, Counter()
        body = self._s3.get_object(Bucket=self._settings.bucket_name, Key=entry["Key"], VersionId=entry["VersionId"])[
            "Body"
        ]
        found = Contents(body, holds_records=holds_records)
        return {**names, "size": found.size, "sha256": found.sha256}, found.records

    def _write_part(self, day: date, previous: Mapping[str, str] | None, lines: list[dict[str, Any]]) -> dict[str, str]:
        content = document.part_of(day.isoformat(), previous, lines)
        digest = document.sha256(content)
        key = part_key(day, digest)
        self._write(key, content)
        return {"key": key, "sha256": digest}

    def _sign(self, day: date, event: Mapping[str, Any]) -> None:
        settings = self._settings
        tables = Tables(settings, self._client) if settings.workgroup else None
        manifest = document.line_of(
            {
                "format": document.FORMAT,
                "pipeline": settings.pipeline,
                "bucket": settings.bucket_name,
                "day": day.isoformat(),
                "prefixes": prefixes_of(day),
                "made_at": format_time(self._now()),
                "raw": {**event["total"], "by_type": event["records"]},
                "clean": tables and tables.counts_of(day),
                "completeness": tables and tables.completeness_of(day),
                "last_part": event["part"],
                "previous": self._previous(day - timedelta(days=1)),
            }
        )
        signature = self._client("kms").sign(
            KeyId=settings.signing_key_arn,
            # A message itself may have 4,096 bytes (AWS KMS API Reference, "Sign").
            Message=hashlib.sha256(manifest).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=document.ALGORITHM,
        )["Signature"]
        is_new = self._write(manifest_key(day), document.signed(manifest, signature, settings.signing_key_arn))
        log("INFO", "a day of arrival has its manifest", day=day.isoformat(), new=is_new)

    def _previous(self, day: date) -> dict[str, str] | None:
        """Name the manifest of the day before by its SHA-256; None where there is none."""
        key = manifest_key(day)
        version_id = self._first_version(key)
        if version_id is None:
            return None
        body = self._s3.get_object(Bucket=self._settings.bucket_name, Key=key, VersionId=version_id)["Body"]
        return {"day": day.isoformat(), "sha256": document.sha256(document.first_line(body.read()))}

    def _write(self, key: str, content: bytes) -> bool:
        """Write an object under the key of raw/ unless there is one of its name, and tell whether it was written."""
        try:
            self._s3.put_object(
                Bucket=self._settings.bucket_name,
                Key=key,
                Body=content,
                ContentType="application/jsonl",
                IfNoneMatch="*",
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=self._settings.raw_key_arn,
                # Object Lock asks for a checksum on every upload under retention.
                ChecksumAlgorithm="SHA256",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailed":
                return False
            raise
        return True

    @property
    def _s3(self) -> Any:
        return self._client("s3")


def _beginning(day: date) -> Event:
    total = dict.fromkeys(("versions", "delete_markers", "bytes", "records"), 0)
    return {"day": day.isoformat(), "prefix": 0, "marker": None, "part": None, "total": total, "records": {}}


def _batches(page: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the versions and delete markers of a page, some at a time, all of a key together.

    S3 gives the two in lists of their own. A call that runs out of time between two keys can go on by the key alone.
    """
    entries = sorted([*page.get("Versions", ()), *page.get("DeleteMarkers", ())], key=lambda entry: str(entry["Key"]))
    batch: list[Mapping[str, Any]] = []
    for entry in entries:
        if len(batch) >= _BATCH and entry["Key"] != batch[-1]["Key"]:
            yield batch
            batch = []
        batch.append(entry)
    yield batch
