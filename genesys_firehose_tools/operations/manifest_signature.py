"""The public key of the manifests, and what it says of a signature."""

from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from genesys_firehose_tools.errors import ToolError


class PublicKeyError(ToolError):
    """The public key can't be had, or is none that signs manifests."""


class PublicKey:
    """The public key of the manifests.

    Args:
        name: How messages call it.
        key: The key.
    """

    def __init__(self, name: str, key: EllipticCurvePublicKey) -> None:
        self.name = name
        self._key = key

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Read a key from a file in PEM.

        Raises:
            PublicKeyError: There is no such file, or no such key in it.
        """
        try:
            return cls._of(str(path), load_pem_public_key(path.read_bytes()))
        except (OSError, ValueError, UnsupportedAlgorithm):
            raise PublicKeyError(f"{path} holds no public key in PEM.") from None

    @classmethod
    def of_kms(cls, kms: Any, key_arn: str) -> Self:
        """Ask KMS for a key.

        Raises:
            PublicKeyError: KMS does not give it.
        """
        try:
            answer = kms.get_public_key(KeyId=key_arn)["PublicKey"]
        except ClientError as error:
            raise PublicKeyError(
                f"KMS does not give the public key of {key_arn} ({error.response['Error']['Code']}): let "
                "pipeline.manifests.grant_verify give you the right, or give a copy of the key with --public-key."
            ) from error
        return cls._of(key_arn, load_der_public_key(answer))

    @classmethod
    def _of(cls, name: str, key: object) -> Self:
        if not isinstance(key, EllipticCurvePublicKey):
            raise PublicKeyError(f"{name} is no public key of an elliptic curve, as that of the manifests is.")
        return cls(name, key)

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Tell whether a signature is this key's, of this content."""
        try:
            self._key.verify(signature, content, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True
