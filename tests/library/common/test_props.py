"""What a class of properties keeps is its own."""

from genesys_firehose_cdk import Action, EventSubscriptionProps, FieldRule, MaskingPolicy


def test_what_the_caller_does_to_a_mapping_afterwards_changes_no_properties() -> None:
    headers = {"X-Key": "${signing_key}"}
    fields = {"queueId": FieldRule(action=Action.KEEP)}
    subscription, policy = EventSubscriptionProps(headers=headers), MaskingPolicy(fields=fields)
    headers["X-Other"] = "other"
    fields.clear()

    assert subscription.headers == {"X-Key": "${signing_key}"}
    assert policy.fields == {"queueId": FieldRule(action=Action.KEEP)}
