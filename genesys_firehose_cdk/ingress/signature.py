"""How a sender signs its requests."""

from dataclasses import dataclass
from enum import Enum

from aws_cdk import Duration
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_header_name


class SignatureEncoding(Enum):
    """How the sender writes the HMAC."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, kw_only=True)
class SignatureProps(Props, at="webhook.signature"):
    """How a request is signed: an HMAC-SHA256 of its body in a header.

    Attributes:
        existing_secret: The secret whose text is the sender's key. Default: a generated key.
        header: The header that holds the signature. Default: X-Genesys-Signature.
        prefix: What stands before the signature in the header. Default: nothing.
        encoding: Default: HEX.
        timestamp_header: A header that holds the time in seconds since 1970; the signed bytes are then
            `<timestamp>.<body>`, because a timestamp that is not signed proves nothing. Default: none.
        timestamp_tolerance: How far the timestamp may be from now; 1 to 3,600 s, with `timestamp_header` alone.
            Default: 300 s.
        previous_key_validity: How long after a rotation the secret's version AWSPREVIOUS still counts; 0
            to 720 hours. Default: 24 hours.

    Raises:
        InvalidPropertyError: A header is no HTTP header name, or a time is out of range.
    """

    existing_secret: secretsmanager.ISecret | None = None
    header: str = "X-Genesys-Signature"
    prefix: str = ""
    encoding: SignatureEncoding = SignatureEncoding.HEX
    timestamp_header: str | None = None
    timestamp_tolerance: Duration = Duration.seconds(300)
    previous_key_validity: Duration = Duration.hours(24)

    def validate(self) -> None:
        """Check headers and times."""
        check_header_name(self.name_of("header"), self.header)
        if not (self.prefix.isascii() and self.prefix.isprintable() and self.prefix == self.prefix.strip()):
            raise InvalidPropertyError(
                self.name_of("prefix"), f"is {self.prefix!r}", "printable ASCII without outer blanks is allowed"
            )
        self._check_timestamp()
        name = self.name_of("previous_key_validity")
        reason = "because a rotation must end"
        check_duration(name, self.previous_key_validity, 0, 720, "hours", reason)

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
