"""Finds the records of a person in clean/ and the originals in raw/, by values such as a telephone number.

The function's own code makes the token of a value, under every version of the key that the secret still has. A record
is found by a token, or by the value itself where a field passes unmasked. Neither a value nor a token nor an event is
in what this returns or raises.

In raw/ the originals are looked for by the `ingest_id` of the records found, in the hour of arrival and the hours
before and after it: an object of raw/ is filed under the arrival of its oldest record. Then the same hours are looked
through for what has the `dedup_key` of an original: its copies, of which clean/ may hold none.
"""

import gzip
import io
import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.lake_objects import is_packed
from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.clients import Clients

Layer = Literal["clean", "raw"]
_Found = TypeVar("_Found")

_READERS = 8
# So many objects are listed ahead of the readers.
_LISTED_AHEAD = 64
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KEY_ID = re.compile(rb"tok_([0-9a-f]{8})_[0-9a-f]{32}")
# The first ones in a record of raw/ are the envelope's: the event stands behind them.
_INGEST_ID = re.compile(rb'"ingest_id":"([0-9a-f]{32})"')
_DEDUP_KEY = re.compile(rb'"dedup_key":"([0-9a-f]{64})"')


class PersonSearchError(ToolError):
    """A search that can't begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a pipeline keeps its records and the key of its tokens.

    Attributes:
        bucket: The data lake's bucket.
        tokenization_secret: The ARN of the secret with the tokenization key.
    """

    bucket: str
    tokenization_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of an object.

    Attributes:
        layer: `clean` or `raw`.
        key: The object's key.
        version_id: The version's id, with which it is deleted for good.
    """

    layer: Layer
    key: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The lines of a version of an object that belong to a person.

    Attributes:
        version: The version.
        lines: The lines' numbers, from 1. An oversize original has none: the whole object is one event.
        ingest_ids: The `ingest_id` of each line.
    """

    version: Version
    lines: tuple[int, ...]
    ingest_ids: tuple[str, ...]


@dataclass(slots=True)
class Findings:
    """What a search found.

    Attributes:
        hits: The versions that hold records of the person.
        records: Different records in clean/, by `ingest_id`.
        in_clear: How many of these hold the value itself and not only its token.
        without_original: How many of these have no original in the hours of raw/ that were looked through.
        objects: Versions looked through, those of raw/ twice.
        unreadable: Versions that could not be read: the search is incomplete.
        other_keys: Ids of keys that the secret no longer has and that made other tokens seen on the way: what
            they hide can't be found.
    """

    hits: list[Hit] = field(default_factory=list)
    records: int = 0
    in_clear: int = 0
    without_original: int = 0
    objects: int = 0
    unreadable: list[Version] = field(default_factory=list)
    other_keys: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of clean/ that was found."""

    ingest_id: str
    received_at: datetime
    is_in_clear: bool


# The envelopes of an object of raw/ that were found, with their lines' numbers.
_RawLines = list[tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Needles:
    """What a line of clean/ is searched for: tokens, and texts that are the value itself."""

    tokens: tuple[bytes, ...]
    texts: tuple[bytes, ...]
    key_ids: frozenset[str]


class PersonSearch:
    """One search in one pipeline's lake.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        source: The pipeline.
    """

    def __init__(self, clients: Clients, source: Source) -> None:
        self._s3 = clients.client("s3")
        self._secrets = clients.client("secretsmanager")
        self._source = source

    def run(
        self,
        values: Sequence[str],
        first: date,
        last: date,
        *,
        with_raw: bool = True,
        report: Callable[[int], None] = lambda _: None,
    ) -> Findings:
        """Search the days of clean/ from ``first`` to ``last``, both included.

        Args:
            values: Numbers, addresses or names of one person, however they are written.
            first: The first day, as clean/ is filed: the event's own UTC day.
            last: The last day.
            with_raw: Whether the originals are looked for in raw/.
            report: Told how many versions have been looked through.

        Raises:
            PersonSearchError: There is no value, or the days are in the wrong order.
        """
        if last < first:
            raise PersonSearchError(f"The last day, {last}, is before the first, {first}.")
        needles = self._needles(values)
        findings = Findings()
        records: dict[str, _Record] = {}
        for version, found in self._read_all(
            self._versions("clean", self._clean_prefixes(first, last)),
            lambda lines: _search_clean(lines, needles),
            findings,
            report,
        ):
            lines, key_ids = found
            findings.other_keys |= key_ids - needles.key_ids
            records.update((record.ingest_id, record) for _, record in lines)
            _add_hit(findings, version, [(number, record.ingest_id) for number, record in lines])
        findings.records = len(records)
        findings.in_clear = sum(record.is_in_clear for record in records.values())
        if with_raw and records:
            self._find_originals(list(records.values()), findings, report)
        return findings

    def _needles(self, values: Sequence[str]) -> _Needles:
        values = [value.strip() for value in values if value.strip()]
        if not values:
            raise PersonSearchError("No value was given: a number, an address or a name is needed.")
        make_tokenizer = function_module("transform.tokens").Tokenizer
        tokens = [make_tokenizer(key)(value) for key in self._keys() for value in values]
        return _Needles(
            tokens=tuple(token.encode() for token in tokens),
            texts=tuple(_text_needle(value) for value in values),
            key_ids=frozenset(token.split("_")[1] for token in tokens),
        )

    def _keys(self) -> Iterator[bytes]:
        """Yield the key in every version that the secret still has: old tokens stay in clean/ when it changes."""
        request: dict[str, Any] = {"SecretId": self._source.tokenization_secret, "IncludeDeprecated": True}
        while True:
            page = self._secrets.list_secret_version_ids(**request)
            for version in page["Versions"]:
                secret = self._secrets.get_secret_value(
                    SecretId=self._source.tokenization_secret, VersionId=version["VersionId"]
                )
                yield secret["SecretString"].encode()
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def _clean_prefixes(self, first: date, last: date) -> Iterator[str]:
        """Yield the prefixes of the days, with dynamic partitioning and without."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._source.bucket, Prefix="clean/event_type=", Delimiter="/"
        )
        types = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ())]
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield from (f"{folder}date={day}/" for folder in types)
            yield f"clean/{day:%Y/%m/%d}/"

    def _versions(self, layer: Layer, prefixes: Iterable[str]) -> Iterator[Version]:
        """Yield every version, those that were overwritten or deleted among them."""
        pages = self._s3.get_paginator("list_object_versions")
        for prefix in prefixes:
            for page in pages.paginate(Bucket=self._source.bucket, Prefix=prefix):
                for entry in page.get("Versions", ()):
                    yield Version(layer=layer, key=entry["Key"], version_id=entry["VersionId"])

    def _read_all(
        self,
        versions: Iterator[Version],
        search: Callable[[Iterator[bytes]], _Found],
        findings: Findings,
        report: Callable[[int], None],
    ) -> Iterator[tuple[Version, _Found]]:
        """Search versions in parallel; what is in memory at once is one line of each that is being read."""

        def read(version: Version) -> _Found | None:
            try:
                return search(self._lines(version))
            except (ClientError, BotoCoreError, OSError, EOFError, zlib.error, ValueError, KeyError):
                return None

        with ThreadPoolExecutor(_READERS) as readers:
            while batch := list(itertools.islice(versions, _LISTED_AHEAD)):
                for version, found in zip(batch, readers.map(read, batch), strict=True):
                    if found is None:
                        if version not in findings.unreadable:
                            findings.unreadable.append(version)
                    else:
                        yield version, found
                findings.objects += len(batch)
                report(findings.objects)

    def _lines(self, version: Version) -> Iterator[bytes]:
        body = self._s3.get_object(Bucket=self._source.bucket, Key=version.key, VersionId=version.version_id)["Body"]
        with io.BufferedReader(body) as content:
            if is_packed(content.peek(1)):
                with gzip.open(content) as unpacked:
                    yield from unpacked
            else:
                yield from content

    def _find_originals(self, records: Sequence[_Record], findings: Findings, report: Callable[[int], None]) -> None:
        hours = sorted({hour for record in records for hour in _hours_around(record.received_at)})

        def raw_lines(pattern: re.Pattern[bytes], wanted: set[bytes]) -> Iterator[tuple[Version, _RawLines]]:
            versions = self._versions("raw", (f"raw/{hour:%Y/%m/%d/%H}/" for hour in hours))
            return self._read_all(versions, lambda lines: _search_raw(lines, pattern, wanted), findings, report)

        ingest_ids = {record.ingest_id.encode() for record in records}
        originals = [envelope for _, lines in raw_lines(_INGEST_ID, ingest_ids) for _, envelope in lines]
        dedup_keys = {envelope["dedup_key"].encode() for envelope in originals}
        oversize: set[str] = set()
        for version, lines in raw_lines(_DEDUP_KEY, dedup_keys) if dedup_keys else ():
            oversize.update(envelope["oversize"]["key"] for _, envelope in lines if "oversize" in envelope)
            _add_hit(findings, version, [(number, envelope["ingest_id"]) for number, envelope in lines])
        for version in self._versions("raw", sorted(oversize)):
            findings.hits.append(Hit(version=version, lines=(), ingest_ids=()))
        findings.without_original = len(ingest_ids) - len({envelope["ingest_id"] for envelope in originals})


def _search_clean(lines: Iterator[bytes], needles: _Needles) -> tuple[list[tuple[int, _Record]], set[str]]:
    """Return the records that were found, with their lines' numbers, and the ids of all tokens' keys."""
    found = []
    key_ids: set[str] = set()
    for number, line in enumerate(lines, 1):
        key_ids.update(match.decode() for match in _KEY_ID.findall(line))
        is_in_clear = any(text in line for text in needles.texts)
        if is_in_clear or any(token in line for token in needles.tokens):
            record = json.loads(line)
            received_at = datetime.fromisoformat(record["received_at"])
            found.append((number, _Record(record["ingest_id"], received_at, is_in_clear)))
    return found, key_ids


def _search_raw(lines: Iterator[bytes], pattern: re.Pattern[bytes], wanted: set[bytes]) -> _RawLines:
    """Return the envelopes in which the pattern finds something wanted."""
    found = []
    for number, line in enumerate(lines, 1):
        match = pattern.search(line)
        if match is not None and match[1] in wanted:
            found.append((number, json.loads(line)))
    return found


def _text_needle(value: str) -> bytes:
    """Return the value as it stands in JSON: an identifier anywhere, anything else as a whole text."""
    return value.encode() if _UUID.fullmatch(value) else json.dumps(value).encode()


def _hours_around(moment: datetime) -> list[datetime]:
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [hour + timedelta(hours=number) for number in (-1, 0, 1)]


def _add_hit(findings: Findings, version: Version, lines: Sequence[tuple[int, str]]) -> None:
    if lines:
        numbers, ingest_ids = zip(*lines, strict=True)
        findings.hits.append(Hit(version=version, lines=numbers, ingest_ids=ingest_ids))
