"""Amazon Data Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects"."""

import re
from datetime import UTC, datetime

import pytest

from genesys_firehose_tools.local.firehose.configuration import ConfigurationError, read_configuration
from genesys_firehose_tools.local.firehose.prefixes import Prefix, PrefixError
from tests.tools.local_firehose.conftest import describe

MOMENT = datetime(2018, 8, 27, 10, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "evaluated"),
    [
        ("raw/!{timestamp:yyyy/MM/dd/HH}/", "raw/2018/08/27/10/"),
        ("!{timestamp:yyyy}-!{timestamp:DDD}-!{timestamp:H-m-s}", "2018-239-10-30-5"),
        ("!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/", "year=2018/month=08/day=27/hour=10/"),
        ("!{timestamp:HH'o''clock'}/", "10o'clock/"),
        ("!{timestamp:MMM-EEEE-hh-a}", "Aug-Monday-10-AM"),
    ],
)
def test_a_timestamp_is_formatted_as_javas_date_time_formatter_does(expression: str, evaluated: str) -> None:
    """Section "timestamp namespace"."""
    assert Prefix(expression).evaluate(MOMENT) == evaluated


def test_every_random_string_of_a_prefix_is_new_and_has_eleven_characters() -> None:
    """Section "firehose namespace"."""
    first, second = Prefix("!{firehose:random-string}/!{firehose:random-string}").evaluate(MOMENT).split("/")
    assert first != second
    assert len(first) == len(second) == 11


def test_the_error_output_type_is_the_same_wherever_it_is_used() -> None:
    """Section "firehose namespace"."""
    prefix = Prefix("!{firehose:error-output-type}/!{firehose:error-output-type}/")
    assert prefix.evaluate(MOMENT, error_type="processing-failed") == "processing-failed/processing-failed/"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a/!{timestamp", "'!{' may only appear"),
        ("a/!{weather:sunny}/", "weather:sunny"),
        ("a/!{firehose:random}/", "firehose:random"),
        ("a/!{partitionKeyFromQuery:type}/", "partitionKeyFromQuery:type"),
        ("a/!{timestamp:yyyy-QQQ}/", "'QQQ', which is not modelled"),
        ("a/!{timestamp:'year'''=yyyy'}/", "open quote"),
    ],
)
def test_an_expression_that_is_unknown_is_refused(expression: str, problem: str) -> None:
    """Section "Semantic rules"."""
    with pytest.raises(PrefixError, match=re.escape(problem)):
        Prefix(expression)


def test_a_prefix_longer_than_512_characters_once_evaluated_is_refused() -> None:
    """Section "Semantic rules"."""
    assert len(Prefix("x" * 507 + "!{timestamp:yyyy}/").evaluate(MOMENT)) == 512
    with pytest.raises(PrefixError, match="513 characters; 512 are allowed"):
        Prefix("x" * 508 + "!{timestamp:yyyy}/").evaluate(MOMENT)


@pytest.mark.parametrize(
    ("given", "effective"),
    [
        ({"Prefix": ""}, "2018/08/27/10/"),
        ({"Prefix": "clean/"}, "clean/2018/08/27/10/"),
        ({"Prefix": "clean"}, "clean2018/08/27/10/"),
        ({"Prefix": "clean/!{timestamp:yyyy/MM/dd}/"}, "clean/2018/08/27/"),
    ],
)
def test_a_prefix_without_a_timestamp_gets_one_of_year_month_day_and_hour(
    given: dict[str, str], effective: str
) -> None:
    """Section "Semantic rules"."""
    destination = read_configuration(describe("lake", **given)).destination
    assert destination.prefix.evaluate(MOMENT) == effective


@pytest.mark.parametrize(
    ("given", "effective"),
    [
        ({"ErrorOutputPrefix": "failed/!{firehose:error-output-type}/"}, "failed/processing-failed/"),
        ({"Prefix": "clean/", "ErrorOutputPrefix": ""}, "clean/processing-failed/2018/08/27/10/"),
    ],
)
def test_an_error_prefix_is_used_as_it_is_and_follows_the_prefix_when_it_is_missing(
    given: dict[str, str], effective: str
) -> None:
    """Section "Semantic rules" and the examples below it."""
    destination = read_configuration(describe("lake", **given)).destination
    assert destination.error_prefix.evaluate(MOMENT, error_type="processing-failed") == effective


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"Prefix": "clean/!{firehose:error-output-type}/"}, "Prefix must not contain"),
        ({"ErrorOutputPrefix": "errors/!{timestamp:yyyy}/"}, "ErrorOutputPrefix must contain"),
        (
            {"ErrorOutputPrefix": "!{firehose:error-output-type}/!{partitionKeyFromLambda:type}/"},
            "ErrorOutputPrefix must not contain partition keys",
        ),
        ({"Prefix": "!{timestamp:yyyy}/", "ErrorOutputPrefix": ""}, "ErrorOutputPrefix must be given"),
        ({"Prefix": "x" * 600}, "The evaluated prefix has"),
    ],
)
def test_prefixes_that_aws_would_refuse_are_refused(given: dict[str, str], problem: str) -> None:
    """Section "Semantic rules"."""
    with pytest.raises(ConfigurationError, match=problem):
        read_configuration(describe("lake", **given))
