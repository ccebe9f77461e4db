"""The transform function put together: what lives as long as its execution environment, and what it does per batch."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from shared.telemetry import Metrics
from transform.batch import answer_batch
from transform.deduplication import KeyOwners
from transform.masking import Masker
from transform.records import Transformer
from transform.settings import Settings


class TransformFunction:
    """The function behind Firehose's data transformation.

    Args:
        settings: what the construct told the function.
        policy: the masking policy.
        make_client: makes the client of an AWS service; called once for each, when it is first needed.
    """

    def __init__(self, settings: Settings, policy: Mapping[str, Any], make_client: Callable[[str], Any]) -> None:
        self._settings = settings
        self._policy = policy
        self._client = cache(make_client)
        self._key_owners = KeyOwners(
            partial(self._client, "dynamodb"), settings.table_name, int(settings.owner_ttl.total_seconds())
        )
        self._transformer: Transformer | None = None

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a Firehose batch.

        Without the tokenization key nothing could be masked, so nothing passes: the error fails the batch, Firehose
        tries again, and in the end files it under ``errors/``.
        """
        metrics = Metrics()
        try:
            if self._transformer is None:
                self._transformer = self._make_transformer()
            return {"records": answer_batch(event["records"], self._transformer, self._key_owners, metrics)}
        finally:
            metrics.flush()

    def _make_transformer(self) -> Transformer:
        secret = self._client("secretsmanager").get_secret_value(SecretId=self._settings.tokenization_secret_arn)
        masker = Masker(self._policy, secret["SecretString"].encode())
        return Transformer(masker, self._policy["version"], self._settings.date_window, self._get_object)

    def _get_object(self, key: str) -> bytes:
        answer = self._client("s3").get_object(Bucket=self._settings.bucket_name, Key=key)
        content: bytes = answer["Body"].read()
        return content
