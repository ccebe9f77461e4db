"""Secrets that an app imports are found, and told from those that it makes."""

from typing import Any

from genesys_firehose_tools.local.imported import (
    GENESYS_CREDENTIALS,
    ImportedSecret,
    imported_secrets,
    let_genesys_know,
)

COMPLETE = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:genesys-AbCdEf"
PARTIAL = {
    "Fn::Join": [
        "",
        [
            "arn:",
            {"Ref": "AWS::Partition"},
            ":secretsmanager:eu-west-1:",
            {"Ref": "AWS::AccountId"},
            ":secret:team/key",
        ],
    ]
}


def template(**variables: Any) -> dict[str, Any]:
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}
    made = {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}}
    return {"Resources": {"Function": function, "Made": made, "Bucket": {"Type": "AWS::S3::Bucket"}}}


def test_a_secret_is_known_by_its_complete_or_partial_arn() -> None:
    found = imported_secrets(
        template(
            CREDENTIALS_SECRET_ARN=COMPLETE,
            SIGNING_SECRET_ARN=PARTIAL,
            TOKENIZATION_SECRET_ARN={"Ref": "Made"},
            BUCKET_NAME="arn:aws:secretsmanager:eu-west-1:111122223333:secret:no-secret",
        )
    )
    assert {(secret.name, secret.is_of_genesys) for secret in found} == {("genesys", True), ("team/key", False)}


def test_no_secret_is_no_secret() -> None:
    assert imported_secrets(template(SIGNING_SECRET_ARN="")) == set()


def test_a_name_that_ends_like_a_complete_arn_loses_its_end() -> None:
    assert ImportedSecret(COMPLETE, True).name == "genesys"


def test_credentials_that_the_app_makes_are_those_of_the_local_genesys_cloud() -> None:
    made = template(CREDENTIALS_SECRET_ARN={"Ref": "Made"}, SIGNING_SECRET_ARN={"Ref": "Made"})
    let_genesys_know(made)
    assert made["Resources"]["Made"]["Properties"] == {"SecretString": GENESYS_CREDENTIALS}
    other = template(SIGNING_SECRET_ARN={"Ref": "Made"})
    let_genesys_know(other)
    assert other["Resources"]["Made"]["Properties"] == {"GenerateSecretString": {}}
