"""The function put together: reads what raw/ holds of a closed day, part by part, and signs it.

A run of the state machine calls it until it answers nothing: each call reads a part of a day and names it; the last
call of a day signs. What was counted and where to go on stands in the part, which nobody else can write, so whoever may
call the function can have nothing signed but what it has read. Whatever dies half-way, there is no manifest until the
one call that writes it whole, and what was written before are parts that no manifest names.
"""

import hashlib
import json
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

_BEGINNING: Event = {
    "following": {"prefix": 0, "marker": None},
    "total": dict.fromkeys(("versions", "delete_markers", "bytes"), 0),
    "records": {},
}


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
                or what the call before answered, with the SHA-256 of the last part.
            remaining_seconds: how long the call may still take.

        Returns:
            The event to go on with; None when every closed day has its manifest.

        Raises:
            ValueError: the day that is asked for is not closed, or has no such part.
        """
        if "day" not in event:
            return self._begin_next()
        day = date.fromisoformat(event["day"])
        if self._now() < closes_at(day, self._settings.closed_after):
            raise ValueError("the day is not closed yet")
        if "part" not in event:
            return {} if self._has_manifest(day) else self._read_part(day, None, _BEGINNING, remaining_seconds)
        part = {"key": part_key(day, event["part"]), "sha256": event["part"]}
        head = self._head_of(part)
        if head["following"] is not None:
            return self._read_part(day, part, head, remaining_seconds)
        self._sign(day, part, head)
        return {}

    def _begin_next(self) -> Event | None:
        for day in closed_days(self._now(), self._settings.closed_after):
            if not self._has_manifest(day):
                return {"day": day.isoformat()}
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

    def _head_of(self, part: Mapping[str, str]) -> dict[str, Any]:
        """Read the first line of a part that the function has written."""
        content = self._read_first(part["key"])
        if content is None or document.sha256(content) != part["sha256"]:
            raise ValueError("the day has no such part")
        head: dict[str, Any] = json.loads(document.first_line(content))
        return head

    def _read_part(
        self,
        day: date,
        previous: Mapping[str, str] | None,
        head: Mapping[str, Any],
        remaining_seconds: Callable[[], float],
    ) -> Event:
        """Read versions until a page is over or the time is, and write them down."""
        place: dict[str, Any] | None = head["following"]
        total, records = Counter(head["total"]), Counter(head["records"])
        lines: list[dict[str, Any]] = []
        # A folder with nothing in it makes no part.
        while place is not None and not lines:
            place = self._read_page(day, place, remaining_seconds, lines, records)
        total.update(
            versions=sum("sha256" in line for line in lines),
            delete_markers=sum("delete_marker" in line for line in lines),
            bytes=sum(line.get("size", 0) for line in lines),
        )
        next_head = {
            "day": day.isoformat(),
            "previous": previous,
            "following": place,
            "total": dict(total),
            "records": dict(records),
        }
        content = document.part_of(next_head, lines)
        digest = document.sha256(content)
        self._write(part_key(day, digest), content)
        return {"day": day.isoformat(), "part": digest}

    def _read_page(
        self,
        day: date,
        place: Mapping[str, Any],
        remaining_seconds: Callable[[], float],
        lines: list[dict[str, Any]],
        records: Counter[str],
    ) -> dict[str, Any] | None:
        """Add what a page lists, as far as the time goes; return where to go on, None at the end of the day."""
        prefixes, number = prefixes_of(day), place["prefix"]
        page: dict[str, Any] = self._s3.list_object_versions(
            Bucket=self._settings.bucket_name, Prefix=prefixes[number], **(place["marker"] or {})
        )
        # Only what Firehose wrote, under the first prefix, has records in lines.
        describe = partial(self._describe, holds_records=number == 0)
        with ThreadPoolExecutor(READERS) as readers:
            for batch in _batches(page):
                # The first is read in any case, so that each call comes further.
                if lines and remaining_seconds() < SPARE_SECONDS:
                    return {"prefix": number, "marker": {"KeyMarker": lines[-1]["key"]}}
                for line, counted in readers.map(describe, batch):
                    lines.append(line)
                    records.update(counted)
        if page["IsTruncated"]:
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            return {"prefix": number, "marker": marker}
        return {"prefix": number + 1, "marker": None} if number + 1 < len(prefixes) else None

    def _describe(self, entry: Mapping[str, Any], *, holds_records: bool) -> tuple[dict[str, Any], Counter[str]]:
        names = {"key": entry["Key"], "version_id": entry["VersionId"], "latest": entry["IsLatest"]}
        if "Size" not in entry:
            return {**names, "delete_marker": True}, Counter()
        body = self._s3.get_object(Bucket=self._settings.bucket_name, Key=entry["Key"], VersionId=entry["VersionId"])[
            "Body"
        ]
        found = Contents(body, holds_records=holds_records)
        return {**names, "size": found.size, "sha256": found.sha256}, found.records

    def _sign(self, day: date, part: Mapping[str, str], head: Mapping[str, Any]) -> None:
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
                "raw": {
                    **head["total"],
                    "records": sum(head["records"].values()),
                    "by_type": head["records"],
                },
                "clean": tables and tables.counts_of(day),
                "completeness": tables and tables.completeness_of(day),
                "last_part": part,
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
        content = self._read_first(manifest_key(day))
        if content is None:
            return None
        return {"day": day.isoformat(), "sha256": document.sha256(document.first_line(content))}

    def _read_first(self, key: str) -> bytes | None:
        """Read an object's oldest version; None where there is none."""
        version_id = self._first_version(key)
        if version_id is None:
            return None
        body = self._s3.get_object(Bucket=self._settings.bucket_name, Key=key, VersionId=version_id)["Body"]
        content: bytes = body.read()
        return content

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
