"""Holds a day of arrival in raw/ against its signed manifest.

What it proves: the versions under the day's folders are those, byte for byte, that the manifest lists, the manifest was
signed with the key, and it is the one that the manifests of the days around it name. What it does not prove: that what
was there when the manifest was made is what the senders sent, nor that nobody who may use the key and replace manifests
made all of them anew; S3 Object Lock and the key's record in CloudTrail stand against that.
"""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.lake_versions import Store, StoredVersion
from genesys_firehose_tools.operations.manifest_signature import PublicKey

Kind = Literal["changed", "missing", "added"]

_READERS = 8
# So many versions are listed ahead of the readers.
_LISTED_AHEAD = 64
_CHUNK_BYTES = 1024 * 1024
# Before, no property lets a day have a manifest.
_NEVER_BEFORE = timedelta(hours=25)


class VerifyError(ToolError):
    """Nothing can be said of the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is not as the manifest says.

    Attributes:
        kind: What became of it.
        key: The object's key.
        version_id: The version's id; empty in a copy of the bucket.
        reason: How it differs.
    """

    kind: Kind
    key: str
    version_id: str
    reason: str


@dataclass(slots=True)
class Verification:
    """What a verification found.

    Attributes:
        manifest: The manifest, whose signature is good.
        key: The name of the key that signed it.
        chain: How the manifests of the days around it name it.
        versions: How many versions were hashed.
        not_looked_at: Older versions and delete markers that a copy of the bucket can't show.
        differences: What is not as the manifest says.
    """

    manifest: Mapping[str, Any]
    key: str
    chain: list[str] = field(default_factory=list)
    versions: int = 0
    not_looked_at: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Signed:
    """A manifest as it was first written, with its signature."""

    line: bytes
    signature: bytes
    values: Mapping[str, Any]


class Verifier:
    """Verifies days of one lake.

    Args:
        store: Where the versions are.
        key: The public key.
        pipeline: The pipeline whose manifests are expected. Default: any.
        now: The time, UTC.
    """

    def __init__(
        self,
        store: Store,
        key: PublicKey,
        pipeline: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._key = key
        self._pipeline = pipeline
        self._now = now
        self._days = function_module("manifest.days")

    def verify(self, day: date, report: Callable[[int], None] = lambda _: None) -> Verification:
        """Hold a day against its manifest.

        Args:
            day: The day of arrival, UTC.
            report: Told how many versions were hashed.

        Raises:
            VerifyError: There is no manifest that can be believed.
            VersionsError: A version can't be listed or read.
        """
        if self._now() < self._days.closes_at(day, _NEVER_BEFORE):
            raise VerifyError(
                f"The day {day} is not closed: what arrives on a day may come into the lake until a day after it, and "
                "the day gets its manifest then."
            )
        signed = self._believed(day)
        found = Verification(signed.values, self._key.name)
        found.differences += self._of_manifest(day)
        self._check_chain(day, signed, found)
        listed = {(entry["key"], entry["version_id"]): entry for entry in self._entries(day, signed.values)}
        if not self._store.has_versions:
            latest = {(key, ""): entry for (key, _), entry in listed.items() if _is_seen_in_a_copy(entry)}
            found.not_looked_at = len(listed) - len(latest)
            listed = latest
        self._compare(listed, found, report)
        return found

    def _believed(self, day: date) -> _Signed:
        """Return a day's manifest if its signature is good and it is of this day, lake and pipeline."""
        signed = self._read_manifest(day)
        if signed is None:
            raise VerifyError(
                f"The day {day} has no manifest in {self._store.name}: the alarm ManifestMissing and the log of the "
                "manifests' function say why, or the pipeline did not make any at the time."
            )
        if not self._key.has_signed(signed.line, signed.signature):
            raise VerifyError(
                f"The signature of the manifest of {day} is not that of {self._key.name}: it was changed or cut, or "
                "another key made it."
            )
        values = signed.values
        expected = {
            "format": function_module("manifest.document").FORMAT,
            "day": day.isoformat(),
            **({"bucket": self._store.name} if self._store.has_versions else {}),
            **({} if self._pipeline is None else {"pipeline": self._pipeline}),
        }
        for name, value in expected.items():
            if values.get(name) != value:
                raise VerifyError(
                    f"What lies as the manifest of {day} is signed, and is another one: its {name} is "
                    f"{values.get(name)}, not {value}."
                )
        return signed

    def _read_manifest(self, day: date) -> _Signed | None:
        """Read the oldest version: what was written over it counts for nothing."""
        key = self._days.manifest_key(day)
        versions = [each for each in self._versions_of(key) if not each.is_delete_marker]
        if not versions:
            return None
        line, _, rest = self._read(versions[-1]).partition(b"\n")
        try:
            values = json.loads(line)
            signature = base64.b64decode(json.loads(rest)["signature"], validate=True)
            if isinstance(values, dict):
                return _Signed(line + b"\n", signature, values)
        except (ValueError, KeyError, TypeError):
            pass
        # Of no key: what can't be read has no good signature.
        return _Signed(line, b"", {})

    def _versions_of(self, key: str) -> list[StoredVersion]:
        return [each for each in self._store.versions(key) if each.key == key]

    def _read(self, version: StoredVersion) -> bytes:
        opened = self._store.open(version)
        if opened is None:
            return b""
        with opened as content:
            return content.read()

    def _of_manifest(self, day: date) -> Iterator[Difference]:
        """Yield what was laid over a manifest: the oldest version counts, but somebody tried."""
        versions = self._versions_of(self._days.manifest_key(day))
        oldest = [each for each in versions if not each.is_delete_marker][-1]
        for version in versions:
            if version.is_delete_marker:
                yield _difference("missing", version, "the manifest is hidden by a delete marker")
            elif version != oldest:
                yield _difference("changed", version, "a newer version lies over the manifest")

    def _check_chain(self, day: date, signed: _Signed, found: Verification) -> None:
        digest = hashlib.sha256(signed.line).hexdigest()
        previous = signed.values["previous"]
        if previous is None:
            found.chain.append("names no manifest of the day before")
        else:
            self._check_previous(date.fromisoformat(previous["day"]), previous["sha256"], found)
        following = self._read_manifest(day + timedelta(days=1))
        if following is None:
            found.chain.append("no manifest of the day after yet")
        elif not self._key.has_signed(following.line, following.signature):
            found.chain.append("the manifest of the day after has no good signature")
        elif following.values["day"] != (day + timedelta(days=1)).isoformat():
            found.chain.append("what lies as the manifest of the day after is another one")
        elif following.values["previous"] is None:
            found.chain.append("the manifest of the day after was made before")
        elif following.values["previous"]["sha256"] != digest:
            key = self._days.manifest_key(day)
            reason = "the manifest of the day after, which is signed, names another one"
            found.differences.append(Difference(kind="changed", key=key, version_id="", reason=reason))
        else:
            found.chain.append("the manifest of the day after names it")

    def _check_previous(self, day: date, sha256: str, found: Verification) -> None:
        key = self._days.manifest_key(day)
        previous = self._read_manifest(day)
        if previous is None:
            reason = "the manifest of the day before is gone"
            found.differences.append(Difference(kind="missing", key=key, version_id="", reason=reason))
        elif hashlib.sha256(previous.line).hexdigest() != sha256:
            reason = "the manifest of the day before is not the one that this one names"
            found.differences.append(Difference(kind="changed", key=key, version_id="", reason=reason))
        else:
            found.chain.append("names the manifest of the day before")

    def _entries(self, day: date, manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield what the manifest lists, part by part, from the last one back."""
        part = manifest["last_part"]
        while part is not None:
            for version in self._versions_of(part["key"]):
                content = b"" if version.is_delete_marker else self._read(version)
                if hashlib.sha256(content).hexdigest() == part["sha256"]:
                    break
            else:
                raise VerifyError(
                    f"A part of the manifest of {day} is gone or changed, so nothing is said of the day: {part['key']}."
                )
            head, *entries = map(json.loads, content.splitlines())
            yield from entries
            part = head["previous"]

    def _compare(
        self, listed: dict[tuple[str, str], Mapping[str, Any]], found: Verification, report: Callable[[int], None]
    ) -> None:
        known = {key for key, _ in listed}
        to_hash: list[tuple[StoredVersion, str]] = []

        def hash_now() -> None:
            for (version, wanted), digest in zip(
                to_hash, readers.map(self._hash, [each for each, _ in to_hash]), strict=True
            ):
                if digest is None:
                    found.differences.append(_difference("missing", version, "the version is gone"))
                elif digest != wanted:
                    found.differences.append(_difference("changed", version, "its bytes are not those of the manifest"))
            found.versions += len(to_hash)
            report(found.versions)
            to_hash.clear()

        with ThreadPoolExecutor(_READERS) as readers:
            present = itertools.chain.from_iterable(map(self._store.versions, found.manifest["prefixes"]))
            for version in present:
                entry = listed.pop((version.key, version.version_id), None)
                if entry is None:
                    found.differences.append(_unlisted(version, is_known=version.key in known))
                elif not version.is_delete_marker:
                    to_hash.append((version, entry.get("sha256", "a delete marker")))
                    if len(to_hash) == _LISTED_AHEAD:
                        hash_now()
            hash_now()
        for key, version_id in listed:
            reason = "the version is gone"
            found.differences.append(Difference(kind="missing", key=key, version_id=version_id, reason=reason))

    def _hash(self, version: StoredVersion) -> str | None:
        opened = self._store.open(version)
        if opened is None:
            return None
        digest = hashlib.sha256()
        with opened as content:
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()


def _is_seen_in_a_copy(entry: Mapping[str, Any]) -> bool:
    return bool(entry["latest"]) and "delete_marker" not in entry


def _unlisted(version: StoredVersion, *, is_known: bool) -> Difference:
    if version.is_delete_marker:
        kind: Kind = "missing" if is_known else "added"
        return _difference(kind, version, "hidden by a delete marker" if is_known else "a delete marker")
    if is_known:
        return _difference("changed", version, "another version of a listed object")
    return _difference("added", version, "not in the manifest")


def _difference(kind: Kind, version: StoredVersion, what: str) -> Difference:
    written = f", written {version.written:%Y-%m-%d %H:%M} UTC" if version.written else ""
    return Difference(kind=kind, key=version.key, version_id=version.version_id, reason=f"{what}{written}")
