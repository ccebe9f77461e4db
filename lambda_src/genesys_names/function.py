"""The function put together: list the things of each kind, and put a record for each to Firehose."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from genesys.client import Deadline, GenesysClient, GenesysError
from genesys.connection import CredentialsError, connect, read_credentials
from genesys_names.kinds import KINDS
from genesys_names.settings import NamesSettings
from genesys_names.snapshot import records, take
from ingest.delivery import StreamWriter
from shared.telemetry import Metrics, log, log_exception

# Of Lambda's 15 minutes. The rest is for the last puts, which end within four.
WORK_SECONDS = 600.0


class NamesHandler:
    """Takes a snapshot of each kind.

    A kind that fails does not keep the others from being taken. What comes of a kind is ``whole``, ``forbidden``, or
    ``failed``, which is everything else.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service; called once for each.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
        now: the time, UTC.
        clock: seconds, monotonic.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        settings: NamesSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client = cache(make_client)
        self._make_genesys = make_genesys
        self._now = now
        self._clock = clock
        self._writer = StreamWriter(partial(self._client, "firehose"), settings.stream_names, sleep)

    def take(self) -> dict[str, str]:
        """Take a snapshot of every kind; return what came of each in a word."""
        moment = self._now()
        work = Deadline(WORK_SECONDS, self._clock)
        metrics = Metrics()
        outcomes: dict[str, str] = {}
        kinds = self._settings.kinds
        for place, kind in enumerate(kinds):
            # A kind that hangs has its share of the time that is left, and no more.
            share = Deadline(work.seconds_left() / (len(kinds) - place), self._clock)
            outcomes[kind] = self._take(kind, moment, share, metrics)
        found = list(outcomes.values())
        metrics.count("NamesForbidden", found.count("forbidden"))
        metrics.count("NamesWhole", int("failed" not in found))
        metrics.flush()
        return outcomes

    def _take(self, kind: str, moment: datetime, deadline: Deadline, metrics: Metrics) -> str:
        settings = self._settings
        try:
            credentials = read_credentials(self._client("secretsmanager"), settings.credentials_secret_arn)
            snapshot = take(kind, self._make_genesys(settings.genesys_host, credentials, deadline))
            lost = self._writer.put_patiently(list(records(snapshot, moment)), self._clock)
        except GenesysError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                permission = KINDS[kind].permission
                log("ERROR", "the OAuth client lacks a permission", kind=kind, permission=permission, reason=str(error))
                return "forbidden"
            log("ERROR", "names can't be listed", kind=kind, reason=str(error))
            return "failed"
        except CredentialsError as error:
            log("ERROR", "names can't be listed", kind=kind, reason=str(error))
            return "failed"
        except Exception as error:
            log_exception(f"names of the kind {kind} can't be taken", error)
            return "failed"
        taken = len(snapshot.things) - lost
        metrics.count("NamesTaken", taken)
        is_whole = snapshot.is_whole and not lost
        log("INFO" if is_whole else "ERROR", "names were taken", kind=kind, taken=taken, total=snapshot.total)
        return "whole" if is_whole else "failed"
