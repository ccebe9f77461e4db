"""The things of the local organization that have names, whose ids are in generated events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from genesys_firehose_tools.local.values import Values


class Presence(NamedTuple):
    """A presence definition: its label, and the system's presence that it counts as, as events write it."""

    label: str
    system: str


class Directory(NamedTuple):
    """Things by their ids. The names of users are personal, those of all others are not."""

    divisions: Mapping[str, str]
    queues: Mapping[str, str]
    wrapup_codes: Mapping[str, str]
    skills: Mapping[str, str]
    flows: Mapping[str, str]
    presences: Mapping[str, Presence]
    users: Mapping[str, str]


def _directory(users: int) -> Directory:
    values = Values(seed=0, until=datetime(2026, 1, 1, tzinfo=UTC))

    def named(*names: str) -> dict[str, str]:
        return {values.uuid(): name for name in names}

    return Directory(
        divisions=named("Home", "EMEA"),
        queues=named("Billing EMEA", "Technical Support", "Sales Inbound"),
        wrapup_codes=named("Resolved", "Call back later", "Wrong number"),
        skills=named("Spanish", "Invoices"),
        flows=named("Main menu", "Out of hours"),
        presences={
            values.uuid(): Presence(*each)
            for each in (
                ("Available", "AVAILABLE"),
                ("On Queue", "ON_QUEUE"),
                ("Lunch", "MEAL"),
                ("Offline", "OFFLINE"),
            )
        },
        users={values.uuid(): values.name() for _ in range(users)},
    )


DIRECTORY = _directory(users=600)
"""The local organization's, the same in every process."""
