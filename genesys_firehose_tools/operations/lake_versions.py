"""Where the versions of the lake's objects are: in the bucket, or in a directory with a copy of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients

_GONE = ("NoSuchKey", "NoSuchVersion", "404")


class VersionsError(ToolError):
    """Versions can't be listed or read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version of an object, or a delete marker.

    Attributes:
        key: The object's key.
        version_id: The version's id; empty in a copy, where nobody knows it.
        written: When it was written; None in a copy.
        is_delete_marker: Whether it only hides the versions before it.
    """

    key: str
    version_id: str
    written: datetime | None = None
    is_delete_marker: bool = False


class Store(Protocol):
    """Holds versions."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def has_versions(self) -> bool:
        """Whether it knows all versions, or the latest alone."""
        ...

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Yield what is under a prefix, of a key the newest first."""
        ...

    def open(self, version: StoredVersion) -> IO[bytes] | None:
        """Open a version; None where it is gone."""
        ...


class BucketStore:
    """The bucket itself.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        bucket: The bucket's name.
    """

    has_versions = True

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._s3 = clients.client("s3")
        self.name = bucket

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Yield what is under a prefix.

        Raises:
            VersionsError: S3 refuses.
        """
        try:
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
                for kind in ("Versions", "DeleteMarkers"):
                    for entry in page.get(kind, ()):
                        yield StoredVersion(
                            key=entry["Key"],
                            version_id=entry["VersionId"],
                            written=entry["LastModified"],
                            is_delete_marker=kind == "DeleteMarkers",
                        )
        except ClientError as error:
            raise self._refused(f"The versions under {prefix} of {self.name} can't be listed", error) from error

    def open(self, version: StoredVersion) -> IO[bytes] | None:
        """Open a version; None where it is gone.

        Raises:
            VersionsError: S3 refuses.
        """
        try:
            body: IO[bytes] = self._s3.get_object(Bucket=self.name, Key=version.key, VersionId=version.version_id)[
                "Body"
            ]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise self._refused(f"The version {version.version_id} of {version.key} can't be read", error) from error
        return body

    def _refused(self, what: str, error: ClientError) -> VersionsError:
        code = error.response["Error"]["Code"]
        denied = "let pipeline.manifests.grant_verify give you the rights" if "Denied" in code else "try again later"
        return VersionsError(f"{what} ({code}), so nothing is said of the day: {denied}.")


class DirectoryStore:
    """A directory that mirrors the bucket: each object's latest version under its key.

    Args:
        directory: The directory.

    Raises:
        VersionsError: There is no such directory.
    """

    has_versions = False

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise VersionsError(f"There is no directory {directory}.")
        self._directory = directory
        self.name = str(directory)

    def versions(self, prefix: str) -> Iterator[StoredVersion]:
        """Yield the files under a prefix."""
        folder = self._directory / prefix.rpartition("/")[0]
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            key = path.relative_to(self._directory).as_posix()
            if key.startswith(prefix):
                yield StoredVersion(key=key, version_id="")

    def open(self, version: StoredVersion) -> IO[bytes] | None:
        """Open a file; None where it is gone."""
        try:
            return (self._directory / version.key).open("rb")
        except FileNotFoundError:
            return None
