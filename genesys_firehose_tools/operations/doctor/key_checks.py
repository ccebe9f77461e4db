"""Checks of KMS keys and secrets, without reading a secret."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection

_OLD = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key of the pipeline.

    Attributes:
        purpose: What it is for.
        arn: Its ARN.
        state: Its state.
        rotates: Whether its material is rotated, as that of a symmetric key can be.
    """

    purpose: str
    arn: str
    state: str
    rotates: bool


def look_at_keys(inspection: Inspection) -> list[Key]:
    """Ask for every key of the template."""
    kms, found = inspection.client("kms"), []
    for key in inspection.resources.of_type("AWS::KMS::Key"):
        metadata = kms.describe_key(KeyId=key.physical_id)["KeyMetadata"]
        is_enabled = metadata["KeyState"] == "Enabled"
        # KMS refuses the question for a key that is disabled or going, and rotates no key that signs.
        signs = "KeySpec" in key.properties
        rotates = signs or (is_enabled and kms.get_key_rotation_status(KeyId=key.physical_id)["KeyRotationEnabled"])
        purpose = str(key.properties.get("Description", key.logical_id)).rpartition(": ")[2]
        found.append(Key(purpose=purpose, arn=metadata["Arn"], state=metadata["KeyState"], rotates=rotates))
    return found


def judge_keys(keys: Iterable[Key]) -> Iterator[Finding]:
    """Every key must be enabled."""
    for key in keys:
        if key.state != "Enabled":
            going = key.state == "PendingDeletion"
            yield fault(
                f"The key of {key.purpose} is {key.state} ({key.arn}).",
                means="What it encrypts can't be written or read, or what it signs can't be signed"
                + (", and soon never again." if going else "."),
                fix=f"{'aws kms cancel-key-deletion, then ' if going else ''}aws kms enable-key --key-id {key.arn}",
            )
        elif not key.rotates:
            yield warning(
                f"The material of the key of {key.purpose} is not rotated ({key.arn}).",
                means="The template asks for a rotation each year.",
                fix=f"aws kms enable-key-rotation --key-id {key.arn}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret, without its value.

    Attributes:
        name: What it is.
        deleted: When it was deleted; None if it is not.
        current: When its current version was created; None if it has none.
        previous: When the version before it was created; None if there is none.
        has_older: Whether there is one before that, which the secret no longer has at hand.
        previous_valid_for: How long after a rotation the previous one is accepted.
        now: The time, UTC.
    """

    name: str
    deleted: datetime | None
    current: datetime | None
    previous: datetime | None
    has_older: bool
    previous_valid_for: timedelta
    now: datetime


def _look_at_secret(inspection: Inspection, output: str, name: str) -> Secret | None:
    arn = inspection.pipeline.outputs.get(output)
    if arn is None:
        return None
    secrets = inspection.client("secretsmanager")
    described = secrets.describe_secret(SecretId=arn)
    created: dict[str, datetime] = {}
    has_older = False
    if "DeletedDate" not in described:
        for version in secrets.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]:
            stages = version.get("VersionStages", [])
            created |= dict.fromkeys(stages, version["CreatedDate"])
            has_older |= not stages
    hours = float(inspection.function_settings("ingest").get("PREVIOUS_KEY_VALIDITY_HOURS", 24))
    return Secret(
        name=name,
        deleted=described.get("DeletedDate"),
        current=created.get("AWSCURRENT"),
        previous=created.get("AWSPREVIOUS"),
        has_older=has_older,
        previous_valid_for=timedelta(hours=hours),
        now=inspection.now,
    )


def look_at_signing_key(inspection: Inspection) -> Secret | None:
    """Ask for the secret of the sender's key."""
    return _look_at_secret(inspection, "SigningSecretArn", "signing key")


def look_at_tokenization_key(inspection: Inspection) -> Secret | None:
    """Ask for the secret of the tokens' key."""
    return _look_at_secret(inspection, "TokenizationSecretArn", "tokenization key")


def judge_signing_key(secret: Secret | None) -> Iterator[Finding]:
    """The secret must be there; a key gets old."""
    if secret is None:
        yield not_applicable("the pipeline has no webhook")
        return
    yield from _judge_presence(secret, "The webhook answers 503 once the functions forget the key.")
    if secret.current is None:
        return
    age = secret.now - secret.current
    if age > _OLD:
        yield warning(
            f"The signing key is {age.days} days old.",
            means="Whoever has learnt it can still sign.",
            fix="Rotate it: docs/runbook.md, 'Rotate the signing key'.",
        )
    else:
        yield ok(f"The signing key is {age.days} days old.")


def judge_previous_key(secret: Secret | None) -> Iterator[Finding]:
    """While two keys are accepted, the sender must get the new one."""
    if secret is None:
        yield not_applicable("the pipeline has no webhook")
    elif secret.previous is None or secret.current is None:
        yield not_applicable("no key before the current one is accepted")
    elif secret.has_older and secret.now < secret.previous + secret.previous_valid_for:
        yield warning(
            "The signing key was rotated twice within the time in which the one before is accepted.",
            means="The secret keeps two versions: the key before them is refused, although its time is not over.",
            fix="Make sure that the sender has the newest key; rotate again only after that time.",
        )
    else:
        end = secret.current + secret.previous_valid_for
        if secret.now < end:
            yield warning(
                f"The key before is accepted until {end:%Y-%m-%d %H:%M} UTC.",
                means="A sender that still signs with it is refused from then on.",
                fix="Give the new key to the sender before.",
            )
        else:
            yield ok(f"The key before is refused since {end:%Y-%m-%d %H:%M} UTC.")


def judge_tokenization_key(secret: Secret | None) -> Iterator[Finding]:
    """The secret must be there, and is never rotated."""
    if secret is None:
        yield not_applicable("the pipeline is of a version without this output")
        return
    yield from _judge_presence(secret, "Nothing passes the transform function: events go to errors/.")
    if secret.previous is not None:
        yield warning(
            "The tokenization key was replaced.",
            means="The tokens of one person before and after do not join.",
            fix="Put the version before back: aws secretsmanager update-secret-version-stage.",
        )


def _judge_presence(secret: Secret, means: str) -> Iterator[Finding]:
    if secret.deleted is not None:
        yield fault(
            f"The secret of the {secret.name} is deleted.",
            means=means,
            fix="aws secretsmanager restore-secret, within the recovery window.",
        )
    elif secret.current is None:
        yield fault(f"The secret of the {secret.name} has no current version.", means=means, fix="Put a key into it.")
