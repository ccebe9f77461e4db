"""Without the key of the tokens nothing passes; it is read once."""

import pytest
from botocore.exceptions import ClientError

from shared.secret_key import UnusableKeyError
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import firehose_batch, transform_function


def test_an_empty_batch_has_an_empty_answer(aws: InMemoryAws) -> None:
    assert transform_function(aws).handle(firehose_batch([])) == {"records": []}


def test_the_tokenization_key_is_read_once_for_all_batches(aws: InMemoryAws) -> None:
    function = transform_function(aws)
    for _batch in range(3):
        function.handle(firehose_batch([b"broken"]))
    assert aws.calls == ["GetSecretValue"]


def test_without_the_tokenization_key_the_batch_fails_and_the_next_one_asks_again(aws: InMemoryAws) -> None:
    aws.schedule = {0: Fault.THROTTLE}
    function = transform_function(aws)
    with pytest.raises(ClientError):
        function.handle(firehose_batch([b"broken"]))
    assert len(function.handle(firehose_batch([b"broken"]))["records"]) == 1


def test_a_tokenization_key_that_cant_work_fails_the_batch_in_words_that_repeat_nothing_of_it(
    aws: InMemoryAws,
) -> None:
    aws.secret_versions["AWSCURRENT"] = "the-first-key\n"
    with pytest.raises(UnusableKeyError) as raised:
        transform_function(aws).handle(firehose_batch([b"broken"]))
    assert "The secret of the tokenization key begins or ends with a blank or a newline" in str(raised.value)
    assert "the-first-key" not in str(raised.value)
