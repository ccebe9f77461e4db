"""The transform function put together: what lives as long as its execution environment, and what it does per batch."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from shared.secret_key import usable_key
from shared.telemetry import Metrics
from transform.batch import answer_batch
from transform.deduplication import KeyOwners
from transform.masking import Masker
from transform.plan import MaskingPlan
from transform.records import Transformer
from transform.settings import TransformerSettings, TransformSettings
from transform.tokens import identifier


def make_transformer(
    settings: TransformerSettings,
    plan: MaskingPlan,
    client: Callable[[str], Any],
) -> Transformer:
    """Make what turns raw records into clean ones, the same for events that arrive and for those read again.

    Args:
        settings: what the construct told the function.
        plan: the masking plan.
        client: gives the client of an AWS service.

    Raises:
        UnusableKeyError: the secret holds no key that could make tokens.
    """
    secret = client("secretsmanager").get_secret_value(SecretId=settings.tokenization_secret_arn)
    key = usable_key(secret, "tokenization key")

    def get_object(key: str) -> bytes:
        content: bytes = client("s3").get_object(Bucket=settings.bucket_name, Key=key)["Body"].read()
        return content

    return Transformer(Masker(plan, key), identifier(key), plan.version, settings.date_window, get_object)


class TransformHandler:
    """The function behind Firehose's data transformation.

    Args:
        settings: what the construct told the function.
        plan: the masking plan.
        make_client: makes the client of an AWS service; called once for each: at once for what every batch needs, and
            for S3 when it is first needed.
    """

    def __init__(
        self,
        settings: TransformSettings,
        plan: MaskingPlan,
        make_client: Callable[[str], Any],
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._client = cache(make_client)
        # Made while the environment starts (AWS Lambda Developer Guide, "Best practices for working with AWS Lambda
        # functions"): the first batch would wait for four times the CPU time otherwise.
        for service in ("secretsmanager", "dynamodb"):
            self._client(service)
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
                self._transformer = make_transformer(self._settings.transformer, self._plan, self._client)
            return {"records": answer_batch(event["records"], self._transformer, self._key_owners, metrics)}
        finally:
            metrics.flush()
