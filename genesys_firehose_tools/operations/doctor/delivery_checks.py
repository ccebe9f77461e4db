"""Checks of the delivery streams, and of what came out of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection, Metric, StoredObject
from genesys_firehose_tools.operations.redrive_journal import ERRORS_PREFIX, JOURNAL_PREFIX

# What is no record of an event there: the journal of redrives.
# Events of the last minutes may still be in a buffer, of 900 s at most.
_UNDER_WAY = timedelta(minutes=30)
_LOOKED_BACK = timedelta(hours=3)
_RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A delivery stream, and where its settings differ from the template's.

    Attributes:
        name: Its name.
        status: Its status.
        encryption: The status of its encryption, or the reason why it failed.
        differences: The differences, each in words that begin with the setting's name.
    """

    name: str
    status: str
    encryption: str
    differences: tuple[str, ...]


def look_at_streams(inspection: Inspection) -> list[Stream]:
    """Ask for every stream."""
    found = []
    for name in inspection.streams:
        described = inspection.described_stream(name)
        [destination] = described["Destinations"]
        actual = destination["ExtendedS3DestinationDescription"]
        declared = dict(inspection.declared_stream(name).properties["ExtendedS3DestinationConfiguration"])
        backup = declared.pop("S3BackupConfiguration", {})
        differences = [
            *inspection.resources.differences(declared, actual),
            *inspection.resources.differences(backup, actual.get("S3BackupDescription", {}), "S3BackupConfiguration"),
        ]
        encryption = described.get("DeliveryStreamEncryptionConfiguration", {})
        found.append(
            Stream(
                name=name,
                status=described["DeliveryStreamStatus"],
                encryption=encryption.get("FailureDescription", {}).get("Type", encryption.get("Status", "DISABLED")),
                differences=tuple(differences),
            )
        )
    return found


def judge_status(streams: Iterable[Stream]) -> Iterator[Finding]:
    """A stream must be active, and its encryption as well."""
    for stream in streams:
        if stream.status != "ACTIVE":
            yield fault(
                f"The stream {stream.name} is {stream.status}.",
                means="It takes no events; they wait in the buffer queue.",
                fix="Look at the stream in the console; a stream that was deleted comes back with the next deployment.",
            )
        if stream.encryption not in ("ENABLED", "ENABLING"):
            yield fault(
                f"The encryption of the stream {stream.name} is {stream.encryption}.",
                means="Firehose may refuse events, or keep them without the key that was asked for.",
                fix="Check delivery.stream_encryption_key, then deploy again.",
            )


def judge_destination(streams: Iterable[Stream]) -> Iterator[Finding]:
    """Bucket, prefixes, keys and the backup of raw records must be the template's."""
    for stream in streams:
        rest = [each for each in stream.differences if not _is_buffering(each) and not _is_processing(each)]
        if rest:
            yield fault(
                f"The destination of {stream.name} is not the template's: {'; '.join(rest)}.",
                means="Events may go elsewhere, or raw/ may lack them.",
                fix="Deploy the stack again; CloudFormation puts back what drift detection shows.",
            )


def judge_buffering(streams: Iterable[Stream]) -> Iterator[Finding]:
    """The buffers must be the template's."""
    for stream in streams:
        if found := [each for each in stream.differences if _is_buffering(each)]:
            yield warning(
                f"The buffers of {stream.name} are not the template's: {'; '.join(found)}.",
                means="Events reach the bucket later, or in other objects, than delivery.buffering says.",
                fix="Set delivery.buffering, and deploy again.",
            )


def judge_processing(streams: Iterable[Stream]) -> Iterator[Finding]:
    """The transform function must be in the way, and the partitions as well."""
    for stream in streams:
        if found := [each for each in stream.differences if _is_processing(each)]:
            yield fault(
                f"The processing of {stream.name} is not the template's: {'; '.join(found)}.",
                means="clean/ may get events unmasked, or in the wrong partition.",
                fix="Deploy the stack again, then rebuild the days since the change.",
            )


def _is_buffering(difference: str) -> bool:
    return "BufferingHints" in difference


def _is_processing(difference: str) -> bool:
    return difference.startswith(("ProcessingConfiguration", "DynamicPartitioningConfiguration"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDelivery:
    """When events were accepted and delivered.

    Attributes:
        accepted: Records that Firehose took between three hours and half an hour ago; None without data.
        since: When that time begins.
        newest: The newest object of each layer, None where there is none.
    """

    accepted: float | None
    since: datetime
    newest: dict[str, datetime | None]


def look_at_last_delivery(inspection: Inspection) -> LastDelivery:
    """Ask for the newest objects, and whether events were accepted long enough ago to be there."""
    [recent, all_of_them] = (_records_taken(inspection, within) for within in (_UNDER_WAY, _LOOKED_BACK))
    newest = {
        layer: max((each.written for each in inspection.newest_objects(layer)), default=None)
        for layer in ("raw/", "clean/")
    }
    return LastDelivery(
        accepted=None if all_of_them is None else all_of_them - (recent or 0),
        since=inspection.now - _LOOKED_BACK,
        newest=newest,
    )


def _records_taken(inspection: Inspection, within: timedelta) -> float | None:
    """Return how many records the delivery streams have taken; None without data."""
    metrics = [
        Metric("AWS/Firehose", "IncomingRecords", (("DeliveryStreamName", stream),)) for stream in inspection.streams
    ]
    totals = [total for metric in metrics if (total := inspection.total(metric, within)) is not None]
    return sum(totals) if totals else None


def judge_last_delivery(delivery: LastDelivery) -> Iterator[Finding]:
    """What was accepted must have come into both layers."""
    late = [
        layer
        for layer, written in delivery.newest.items()
        if delivery.accepted and (written is None or written < delivery.since)
    ]
    if late:
        yield fault(
            f"Firehose took {delivery.accepted:,.0f} records over half an hour ago, and nothing new came under "
            f"{' and '.join(late)} since {delivery.since:%Y-%m-%d %H:%M} UTC.",
            means="Accepted events are not delivered; Firehose keeps them for 24 hours at most.",
            fix="Read the delivery stream's error log; `genesys-firehose smoke` names the cause.",
        )
    elif not any(delivery.newest.values()):
        yield not_applicable("no object has come yet; `genesys-firehose smoke` sends a first event")
    else:
        times = (f"{layer} {written:%Y-%m-%d %H:%M:%S} UTC" for layer, written in delivery.newest.items() if written)
        yield ok(f"The newest objects: {', '.join(times)}.")


@dataclass(frozen=True, slots=True)
class Errors:
    """What lies under ``errors/``.

    Attributes:
        objects: The objects, without the journal of redrives.
        now: The time, UTC.
    """

    objects: tuple[StoredObject, ...]
    now: datetime


def look_at_errors(inspection: Inspection) -> Errors:
    """List the objects."""
    objects = (each for each in inspection.objects(ERRORS_PREFIX) if not each.key.startswith(JOURNAL_PREFIX))
    return Errors(tuple(objects), inspection.now)


def judge_errors(errors: Errors) -> Iterator[Finding]:
    """Objects of the last day are a fault; older ones may be redriven already, for Object Lock keeps them."""
    recent = [each for each in errors.objects if errors.now - each.written < _RECENT]
    kinds = sorted({each.key.split("/")[1] for each in recent or errors.objects})
    fix = "`genesys-firehose redrive --dry-run` counts what is left; mend the cause, then redrive."
    if recent:
        yield fault(
            f"{len(recent)} objects came under errors/ within a day: {', '.join(kinds)}.",
            means="clean/ lacks their events; raw/ has them.",
            fix=fix,
        )
    elif errors.objects:
        yield warning(
            f"{len(errors.objects)} objects are under errors/, none of the last day: {', '.join(kinds)}.",
            means="If they were not redriven, clean/ lacks their events.",
            fix=fix,
        )
