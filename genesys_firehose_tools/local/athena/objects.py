"""The objects and the Glue tables that a query of the local Athena works on, with the rights of whoever asks."""

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

_READERS = 8
_METADATA = "metadata_location"
_FORMAT_LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class DataFile:
    """An object of a table, as a file.

    Attributes:
        path: Where its bytes are.
        size: How many.
        partition: The values of the partition columns, by name; empty for a table that keeps them in its files.
    """

    path: Path
    size: int
    partition: Mapping[str, str]


class Catalog:
    """A Glue database, as one caller may see it.

    Args:
        client: Makes the caller's clients.
        database: The database's name.
        directory: Where the bytes of objects are kept. No object changes under its name and version.
    """

    def __init__(self, client: Callable[[str], Any], database: str, directory: Path) -> None:
        self._glue, self._s3 = client("glue"), client("s3")
        self._database = database
        self._directory = directory

    def table(self, name: str) -> dict[str, Any] | None:
        """Return a table or view; None where there is none.

        Raises:
            ClientError: The caller may not see it.
        """
        try:
            table: dict[str, Any] = self._glue.get_table(DatabaseName=self._database, Name=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return None
        return table

    def create(self, table: Mapping[str, Any]) -> None:
        """Create a table or view."""
        self._glue.create_table(DatabaseName=self._database, TableInput=table)

    def update(self, table: Mapping[str, Any]) -> None:
        """Replace a table or view."""
        kept = ("Name", "Description", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys")
        entry = {key: table[key] for key in (*kept, "ViewOriginalText") if key in table}
        self._glue.update_table(DatabaseName=self._database, TableInput=entry)

    def drop(self, table: Mapping[str, Any]) -> None:
        """Drop a table, and its objects if Athena manages them."""
        self._glue.delete_table(DatabaseName=self._database, Name=table["Name"])
        if is_iceberg(table):
            bucket, prefix = _place(table["StorageDescriptor"]["Location"])
            self._delete(bucket, [key for key, _ in self._list(bucket, prefix)])

    def is_empty(self, location: str) -> bool:
        """Tell whether no object lies at a location."""
        return not any(True for _ in self._list(*_place(location)))

    def files(self, table: Mapping[str, Any]) -> list[DataFile]:
        """Return what a query of a table reads."""
        bucket, _ = _place(table["StorageDescriptor"]["Location"])
        found: list[tuple[str, int, dict[str, str]]] = (
            [(key, size, {}) for key, size in self._snapshot(table).items()]
            if is_iceberg(table)
            else list(self._projected(table))
        )
        # The first is always fetched, so that it takes the right to read it.
        paths = [self._fetch(bucket, key, anew=True) for key, *_ in found[:1]]
        with ThreadPoolExecutor(_READERS) as readers:
            paths += readers.map(lambda each: self._fetch(bucket, each[0]), found[1:])
        return [DataFile(path, size, partition) for path, (_, size, partition) in zip(paths, found, strict=True)]

    def commit(self, table: Mapping[str, Any], replaced: Sequence[str], added: Sequence[Path]) -> None:
        """Make the next snapshot of an Iceberg table.

        Args:
            table: The table as it was read.
            replaced: The names of the files that are no longer part of it.
            added: The files that are.

        Raises:
            CommitError: Somebody else was faster.
        """
        bucket, prefix = _place(table["StorageDescriptor"]["Location"])
        snapshot = {key: size for key, size in self._snapshot(table).items() if Path(key).name not in replaced}
        for path in added:
            key = f"{prefix}data/{path.parent.name}/{path.name}"
            self._s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
            snapshot[key] = path.stat().st_size
        metadata = f"{prefix}metadata/{secrets.token_hex(8)}.json"
        self._s3.put_object(Bucket=bucket, Key=metadata, Body=json.dumps(snapshot).encode())
        present = self.table(table["Name"])
        if present is None or present["Parameters"].get(_METADATA) != table["Parameters"].get(_METADATA):
            raise CommitError(f"ICEBERG_COMMIT_ERROR: Failed to commit to {table['Name']}: it was changed meanwhile")
        self.update({**present, "Parameters": {**present["Parameters"], _METADATA: f"s3://{bucket}/{metadata}"}})

    def vacuum(self, table: Mapping[str, Any]) -> None:
        """Delete the objects that the newest snapshot of a table does not need."""
        bucket, prefix = _place(table["StorageDescriptor"]["Location"])
        needed = {*self._snapshot(table), _place(table["Parameters"].get(_METADATA, ""))[1]}
        self._delete(bucket, [key for key, _ in self._list(bucket, prefix) if key not in needed])

    def put(self, location: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = _place(location)
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def _snapshot(self, table: Mapping[str, Any]) -> dict[str, int]:
        """The keys and sizes of the files of a table."""
        location = table["Parameters"].get(_METADATA)
        if location is None:
            return {}
        bucket, key = _place(location)
        snapshot: dict[str, int] = json.loads(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return snapshot

    def _projected(self, table: Mapping[str, Any]) -> Iterator[tuple[str, int, dict[str, str]]]:
        """The objects of a table whose partitions are projected, with their partitions' values."""
        parameters = table["Parameters"]
        names = [each["Name"] for each in table["PartitionKeys"]]
        _, template = _place(parameters["storage.location.template"])
        pattern = re.escape(template)
        for name in names:
            mark = re.escape(f"${{{name}}}")
            form = _FORMAT_LETTERS.sub(r"\\d+", parameters.get(f"projection.{name}.format", ""))
            values = parameters.get(f"projection.{name}.values", "").replace(",", "|")
            pattern = pattern.replace(mark, f"(?P<{name}>{form or values})")
        bucket, prefix = _place(table["StorageDescriptor"]["Location"])
        for key, size in self._list(bucket, prefix):
            if match := re.match(pattern, key):
                yield key, size, match.groupdict()

    def _list(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"], entry["Size"]

    def _fetch(self, bucket: str, key: str, *, anew: bool = False) -> Path:
        path = self._directory / bucket / key
        if anew or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            part.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            part.rename(path)
        return path

    def _delete(self, bucket: str, keys: Sequence[str]) -> None:
        for key in keys:
            self._s3.delete_object(Bucket=bucket, Key=key)


class CommitError(Exception):
    """A snapshot is not the newest any more."""


def is_iceberg(table: Mapping[str, Any]) -> bool:
    """Tell whether a table is one that Athena writes."""
    return bool(table.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG")


def _place(location: str) -> tuple[str, str]:
    parts = urlsplit(location)
    return parts.netloc, parts.path.lstrip("/")
