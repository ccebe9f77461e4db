"""The runbook's command that ends a leaked signing key, on the embedded AWS: a version without a label is not read."""

from datetime import timedelta

from ingest.signing_keys import SigningKeys
from tests.e2e.conftest import Sender


def test_a_key_whose_version_lost_its_label_is_accepted_no_more(sender: Sender) -> None:
    secrets = sender.deployment.client("secretsmanager")
    arn = secrets.create_secret(Name="leaked", SecretString="the-leaked-key")["ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString="the-new-key")
    try:
        keys = [b"the-new-key", b"the-leaked-key"]
        assert SigningKeys(lambda: secrets, arn, timedelta(hours=24)).get() == keys
        versions = secrets.list_secret_version_ids(SecretId=arn)["Versions"]
        [leaked] = [version["VersionId"] for version in versions if "AWSPREVIOUS" in version["VersionStages"]]
        secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSPREVIOUS", RemoveFromVersionId=leaked)
        assert SigningKeys(lambda: secrets, arn, timedelta(hours=24)).get() == keys[:1]
    finally:
        secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
