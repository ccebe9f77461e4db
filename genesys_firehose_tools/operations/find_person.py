"""Finds the records of a person in the lake, by a value that identifies them, and prints neither.

`clean/` has the person's token in place of the value. The token is made by the function's own code, with the pipeline's
tokenization key. A record of `clean/` says when its event was received, and so in which hour of `raw/` the original is.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.clients import Clients

_READERS = 8
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The bucket and the tokenization key of a pipeline.

    Attributes:
        bucket: The data lake's bucket.
        tokenization_secret: The ARN of the secret with the tokenization key.
    """

    bucket: str
    tokenization_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A record of `clean/` that holds a token of the person; nothing in it is personal.

    Attributes:
        key: The object.
        version_id: The object's version.
        line: The number of the record's line, from 1.
        ingest_id: The received copy of the event, by which the line in `raw/` is found.
        raw_prefix: The hour under `raw/` in which the event was received. Firehose names an object by the hour of its
            first record, so the line may also be in the hour before.
        fields: How many values of the record are a token of the person.
    """

    key: str
    version_id: str
    line: int
    ingest_id: str
    raw_prefix: str
    fields: int


class FindPerson:
    """Looks through the days of `clean/`.

    Args:
        clients: Makes the AWS clients.
        source: Where to look.
    """

    def __init__(self, clients: Clients, source: Source) -> None:
        self._s3 = clients.client("s3")
        self._secrets = clients.client("secretsmanager")
        self._source = source
        self.objects_read = 0

    def tokens(self, values: Iterable[str]) -> set[str]:
        """Return the tokens of values: telephone numbers, e-mail addresses, ids of external contacts, names."""
        secret = self._secrets.get_secret_value(SecretId=self._source.tokenization_secret)["SecretString"]
        token = function_module("transform.tokens").tokenizer(secret.encode())
        return {token(value.strip()) for value in values if value.strip()}

    def find(
        self, tokens: Iterable[str], first: date, last: date, progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[Finding]:
        """Yield every record of these days that holds one of the tokens.

        Args:
            tokens: What to look for.
            first: The first day of the events, as `clean/` is partitioned.
            last: The last day.
            progress: Told the number of objects read so far.
        """
        wanted = tuple(token.encode() for token in tokens)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        with ThreadPoolExecutor(_READERS) as readers:
            for prefix in (prefix for day in days for prefix in self._prefixes(day)):
                for found in readers.map(lambda key: list(self._in_object(key, wanted)), self._keys(prefix)):
                    self.objects_read += 1
                    progress(self.objects_read)
                    yield from found

    def _prefixes(self, day: date) -> Iterator[str]:
        """The prefixes of a day: one for each event type, and the one of a pipeline without partitions."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._source.bucket, Prefix="clean/", Delimiter="/"
        )
        for page in pages:
            for entry in page.get("CommonPrefixes", []):
                if entry["Prefix"].startswith("clean/event_type="):
                    yield f"{entry['Prefix']}date={day.isoformat()}/"
        yield f"clean/{day:%Y/%m/%d}/"

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._source.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"]

    def _in_object(self, key: str, tokens: tuple[bytes, ...]) -> Iterator[Finding]:
        answer = self._s3.get_object(Bucket=self._source.bucket, Key=key)
        body: bytes = answer["Body"].read()
        text = gzip.decompress(body) if body.startswith(_GZIP_MAGIC) else body
        for number, line in enumerate(text.splitlines(), start=1):
            count = sum(line.count(token) for token in tokens)
            if count:
                record = json.loads(line)
                yield Finding(
                    key=key,
                    version_id=answer.get("VersionId", ""),
                    line=number,
                    ingest_id=record["ingest_id"],
                    raw_prefix=_raw_prefix(record),
                    fields=count,
                )


def _raw_prefix(record: dict[str, Any]) -> str:
    # 2026-11-23T10:00:00.123Z
    received: str = record["received_at"]
    return f"raw/{received[:4]}/{received[5:7]}/{received[8:10]}/{received[11:13]}/"
