"""How a sender proves that a request is its own."""

from dataclasses import dataclass
from enum import Enum

from aws_cdk import Annotations, Duration
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_header_name


class SignatureKind(Enum):
    """What stands in the sender's header."""

    HMAC = "hmac"
    """An HMAC-SHA256 of the body, made with the key."""
    SHARED_KEY = "shared_key"
    """The key itself: for senders that cannot sign. TLS is then the only protection of the body."""
    BASIC = "basic"
    """The key as the password of Basic authentication (RFC 7617), of any user: for the same senders."""


class SignatureEncoding(Enum):
    """How the sender writes the HMAC."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, kw_only=True)
class SignatureProps(Props, at="webhook.signature"):
    """How a request is signed: an HMAC-SHA256 of its body in a header, or the key itself where the sender cannot sign.

    Attributes:
        existing_secret: The secret whose text is the sender's key. Default: a generated key.
        kind: What stands in the header; the synthesis warns of everything but HMAC. Default: HMAC.
        header: The header that holds the signature or key; with BASIC it is Authorization. Default:
            X-Genesys-Signature.
        prefix: What stands before the signature or key in the header; not with BASIC. Default: nothing.
        encoding: How the HMAC is written; with HMAC alone. Default: HEX.
        timestamp_header: A header that holds the time in seconds since 1970; the signed bytes are then
            `<timestamp>.<body>`, because a timestamp that is not signed proves nothing. With HMAC alone. Default:
            none.
        timestamp_tolerance: How far the timestamp may be from now; 1 to 3,600 s, with `timestamp_header` alone.
            Default: 300 s.
        previous_key_validity: How long after a rotation the secret's version AWSPREVIOUS still counts; 0
            to 720 hours. Default: 24 hours.
        rotation: How often Secrets Manager rotates the generated key, 1 to 1,000 days (AWS CloudFormation Template
            Reference, "AWS::SecretsManager::RotationSchedule RotationRules"). With `genesys.subscription` alone, which
            gives the sender the new key; `genesys-firehose rotate-key` rotates the key of any other sender. Default:
            never.

    Raises:
        InvalidPropertyError: A header is no HTTP header name, a time is out of range, or the kind does not know a
            property that is given, or the key of an existing secret is to be rotated.
    """

    existing_secret: secretsmanager.ISecret | None = None
    kind: SignatureKind = SignatureKind.HMAC
    header: str = "X-Genesys-Signature"
    prefix: str = ""
    encoding: SignatureEncoding = SignatureEncoding.HEX
    timestamp_header: str | None = None
    timestamp_tolerance: Duration = Duration.seconds(300)
    previous_key_validity: Duration = Duration.hours(24)
    rotation: Duration | None = None

    def validate(self) -> None:
        """Check headers and times."""
        check_header_name(self.name_of("header"), self.header)
        if not (self.prefix.isascii() and self.prefix.isprintable() and self.prefix == self.prefix.strip()):
            raise InvalidPropertyError(
                self.name_of("prefix"), f"is {self.prefix!r}", "printable ASCII without outer blanks is allowed"
            )
        self._check_kind()
        self._check_timestamp()
        name = self.name_of("previous_key_validity")
        reason = "because a rotation must end"
        check_duration(name, self.previous_key_validity, 0, 720, "hours", reason)
        if self.rotation is not None:
            self._check_rotation(self.rotation)

    def _check_rotation(self, rotation: Duration) -> None:
        name = self.name_of("rotation")
        check_duration(name, rotation, 1, 1000, "days", "Secrets Manager's own limit")
        if self.existing_secret is not None:
            raise InvalidPropertyError(
                name,
                "is given with existing_secret",
                "it is allowed with a generated key alone: who made a secret rotates it",
            )

    def _check_kind(self) -> None:
        if self.kind is SignatureKind.HMAC:
            return
        problem = f"is given with kind {self.kind.name}"
        self.refuse_given(["encoding", "timestamp_header"], problem, "it is allowed with HMAC alone")
        if self.kind is SignatureKind.BASIC:
            self.refuse_given(["prefix"], problem, "it is allowed with HMAC and SHARED_KEY alone")
            if self.header.lower() != "authorization":
                raise InvalidPropertyError(
                    self.name_of("header"), f"is {self.header!r} with kind BASIC", "Authorization is allowed"
                )

    def warn_of_shared_key(self, scope: Construct) -> None:
        """Warn at synthesis where the key itself stands in the header."""
        if self.kind is not SignatureKind.HMAC:
            Annotations.of(scope).add_warning_v2(
                "genesys-firehose-cdk:shared-key",
                f"{self.name_of('kind')} is {self.kind.name}: every request carries the key, so TLS is the only "
                "protection of key and body, and whoever sees one request can send others.",
            )

    @property
    def environment(self) -> dict[str, str]:
        """What a function's environment must hold to check a signature, or to make one."""
        return {
            "SIGNATURE_KIND": self.kind.value,
            "SIGNATURE_HEADER": self.header,
            "SIGNATURE_PREFIX": self.prefix,
            "SIGNATURE_ENCODING": self.encoding.value,
            "TIMESTAMP_HEADER": self.timestamp_header or "",
            "TIMESTAMP_TOLERANCE_SECONDS": str(int(self.timestamp_tolerance.to_seconds())),
        }

    def _check_timestamp(self) -> None:
        if self.timestamp_header is None:
            allowed = "it is allowed with timestamp_header alone"
            self.refuse_given(["timestamp_tolerance"], "is given without timestamp_header", allowed)
        else:
            check_header_name(self.name_of("timestamp_header"), self.timestamp_header)
            if self.timestamp_header.lower() == self.header.lower():
                raise InvalidPropertyError(
                    self.name_of("timestamp_header"), "is the signature's own header", "another header is allowed"
                )
        name = self.name_of("timestamp_tolerance")
        reason = "because a longer window is no protection against replay"
        check_duration(name, self.timestamp_tolerance, 1, 3600, "seconds", reason)

    @classmethod
    def open_messaging(cls, *, existing_secret: secretsmanager.ISecret | None = None) -> "SignatureProps":
        """Return what Genesys Cloud Open Messaging signs with: `X-Hub-Signature-256: sha256=<base64>`."""
        return cls(
            existing_secret=existing_secret,
            header="X-Hub-Signature-256",
            prefix="sha256=",
            encoding=SignatureEncoding.BASE64,
        )

    @classmethod
    def shared_key(
        cls,
        *,
        existing_secret: secretsmanager.ISecret | None = None,
        header: str = "X-Genesys-Signature",
        prefix: str = "",
        rotation: Duration | None = None,
    ) -> "SignatureProps":
        """Return the key itself in a header, for senders that cannot sign.

        Such are the guide's event subscription, Genesys Cloud's data actions, and API destinations of Amazon
        EventBridge. TLS is then the only protection of the body.
        """
        return cls(
            existing_secret=existing_secret,
            kind=SignatureKind.SHARED_KEY,
            header=header,
            prefix=prefix,
            rotation=rotation,
        )

    @classmethod
    def basic(cls, *, existing_secret: secretsmanager.ISecret | None = None) -> "SignatureProps":
        """Return the key as the password of Basic authentication, of any user, for senders that cannot sign."""
        return cls(existing_secret=existing_secret, kind=SignatureKind.BASIC, header="Authorization")
