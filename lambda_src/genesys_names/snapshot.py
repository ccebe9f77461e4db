"""A snapshot of one kind: every thing of it at one moment, and the records that say so."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from genesys.client import GenesysClient
from genesys_names.kinds import KINDS
from shared.envelope import wrap
from shared.event import EventFacts, format_time
from shared.event_types import NAMES


class Thing(NamedTuple):
    """One thing: its id, its name, and what else is kept of it."""

    id: str
    name: str
    attributes: dict[str, Any]


class Snapshot(NamedTuple):
    """The things of a kind.

    Attributes:
        things: those that were listed, each once.
        total: how many there are. More than were listed when the listing changed while its pages were read.
    """

    kind: str
    things: list[Thing]
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether every thing was listed."""
        return len(self.things) == self.total


def take(kind: str, client: GenesysClient) -> Snapshot:
    """List all things of a kind.

    Raises:
        GenesysError: Genesys Cloud refused a listing, or did not answer in time.
    """
    described = KINDS[kind]
    things: dict[str, Thing] = {}
    unseen = 0
    for query in described.queries:
        seen: set[str] = set()
        said = 0
        for page in client.listings(described.path, query):
            for entity in page["entities"]:
                thing_id = entity.get("id")
                if isinstance(thing_id, str) and thing_id:
                    seen.add(thing_id)
                    name = described.name(entity)
                    things[thing_id] = Thing(
                        thing_id, name if isinstance(name, str) else "", described.attributes(entity)
                    )
            # What was deleted or added meanwhile moves others to another page, unseen or seen twice.
            said = max(said, page.get("total") or 0)
        unseen += max(0, said - len(seen))
    return Snapshot(kind, list(things.values()), len(things) + unseen)


def records(snapshot: Snapshot, moment: datetime) -> Iterator[bytes]:
    """Wrap each thing into its record. All of a snapshot are of one moment, so that they are in one partition.

    Args:
        snapshot: the things.
        moment: when it was taken.
    """
    taken_at = format_time(moment)
    for thing in snapshot.things:
        event = {
            "kind": snapshot.kind,
            "id": thing.id,
            "name": thing.name,
            "snapshotAt": taken_at,
            "total": snapshot.total,
            "attributes": thing.attributes,
        }
        facts = EventFacts(
            event_type=NAMES,
            event_time=None,
            topic=None,
            dedup_key=_digest([NAMES, snapshot.kind, thing.id, taken_at]),
            keyed_by="id",
        )
        yield wrap(_encode(event).encode(), facts, NAMES, moment)


def _digest(identity: Iterable[str]) -> str:
    return hashlib.sha256(_encode(identity).encode()).hexdigest()


_encode = json.JSONEncoder(separators=(",", ":")).encode
