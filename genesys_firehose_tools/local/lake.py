"""Reads the data lake back and judges what landed, knowing nothing of the code that put it there."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import urllib3

from genesys_firehose_tools.lake_objects import unpack
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.values import GeneratedEvent, find_markers, find_personal_values, personal_values

_READERS = 4
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the bucket lists it: its bytes, and when it was stored, UTC."""

    size: int
    at: datetime


class Lake:
    """The objects that come into a bucket under one prefix from now on, each read once.

    Args:
        deployment: Whose bucket.
        prefix: Which objects, as ``clean/``.
    """

    def __init__(self, deployment: Deployment, prefix: str) -> None:
        self._s3 = deployment.client("s3")
        self._bucket = deployment.bucket
        self._prefix = prefix
        self.objects: dict[str, list[str]] = {}
        """The lines of every object read so far, by key."""
        self.stored: dict[str, Stored] = {}
        """What the bucket says of each of these objects."""
        self._before = {key for key, _ in self._listed()}

    def refresh(self) -> None:
        """Read the objects that are new."""
        new = {key: stored for key, stored in self._listed() if key not in self.objects and key not in self._before}
        with ThreadPoolExecutor(_READERS) as readers:
            self.objects.update(zip(new, readers.map(self._lines, new), strict=True))
        self.stored.update(new)

    def lines(self) -> Iterator[str]:
        """Yield every line read so far."""
        for lines in self.objects.values():
            yield from lines

    def markers(self) -> set[str]:
        """Return everything read so far that may be an event's marker."""
        return set().union(*map(find_markers, self.lines()))

    def _listed(self) -> Iterator[tuple[str, Stored]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"], Stored(entry["Size"], entry["LastModified"])

    def _lines(self, key: str) -> list[str]:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return [line.decode() for line in unpack(body).splitlines()]  # text has further line ends, JSON has not


# What the transform function writes into such a record; see docs/events.md.
_UNCHECKED = '"deduplicated":false'


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of ``clean/`` found.

    Attributes:
        landed: Events that are there.
        lost: Accepted events that are not.
        unarchived: Accepted events that are not in ``raw/``.
        doubled: Events that are there more than once, though the transform function could tell a duplicate.
        intruders: Records that no accepted event accounts for, as those of a refused request.
        leaked: Personal values that can be read.
        unchecked: Records that landed while the de-duplication table did not answer, as their mark says.
        hostile: Records of an attacker; they are there, as others are.
        partitions: Records of each partition.
    """

    landed: int
    lost: int
    unarchived: int
    doubled: int
    intruders: int
    leaked: int
    unchecked: int = 0
    hostile: int = 0
    partitions: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether everything is as it must be."""
        return not (self.lost or self.unarchived or self.doubled or self.intruders or self.leaked)


def judge(
    clean: Lake,
    raw: Lake,
    sent: Sequence[GeneratedEvent],
    accepted: Set[str],
    forged: Sequence[GeneratedEvent] = (),
    hostile: Set[str] = frozenset(),
) -> Verdict:
    """Compare the lake with what was sent.

    Args:
        clean: What landed in ``clean/``.
        raw: What landed in ``raw/``.
        sent: Every event of the real sender. One that got no answer may have landed or not.
        accepted: The markers of those that the pipeline accepted.
        forged: The events that someone else sent.
        hostile: The marks of an attacker's events.
    """
    markers = {event.marker for event in sent}
    personal = personal_values([*sent, *forged])
    landed: set[str] = set()
    checked: Counter[str] = Counter()
    leaked: set[str] = set()
    intruders = attacks = unchecked = 0
    partitions: Counter[str] = Counter()
    for key, lines in clean.objects.items():
        # clean/event_type=call/date=2026-11-23/...: the partition is the two folders below the first.
        partitions["/".join(key.split("/")[1:3])] += len(lines)
        for line in lines:
            leaked |= find_personal_values(line) & personal
            found = find_markers(line)
            if found & hostile:
                attacks += 1
                continue
            intruders += not found & markers
            landed |= found & markers
            if _UNCHECKED in line:
                unchecked += 1
            else:
                checked.update(found & markers)
    return Verdict(
        landed=len(landed),
        lost=len(accepted - landed),
        unarchived=len(accepted - raw.markers()),
        doubled=sum(count > 1 for count in checked.values()),
        intruders=intruders,
        leaked=len(leaked),
        unchecked=unchecked,
        hostile=attacks,
        partitions=dict(sorted(partitions.items())),
    )


def wait_until_settled(deployment: Deployment, within_seconds: float) -> None:
    """Wait until neither the buffer queue nor Firehose holds anything, or the time is over."""
    deadline = time.monotonic() + within_seconds
    while not _is_settled(deployment) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _is_settled(deployment: Deployment) -> bool:
    # The queue first: what leaves it is in Firehose before it is deleted.
    attributes: dict[str, str] = deployment.client("sqs").get_queue_attributes(
        QueueUrl=deployment.queue,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    if any(int(count) for count in attributes.values()):
        return False
    streams = urllib3.request("GET", f"{deployment.firehose_url}/_local/streams").json()
    return not any(stream["buffered_records"] or stream["undelivered_objects"] for stream in streams.values())
