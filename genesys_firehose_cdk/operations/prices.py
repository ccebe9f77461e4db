"""List prices as data: each with its unit, region, date, source, and whether the source was read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_BUILT_IN = Path(__file__).with_name("prices.json")


class PricesError(Exception):
    """A file of prices can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A list price, without taxes, discounts and free tiers.

    Attributes:
        usd: US dollars for one unit.
        unit: What one unit is.
        region: The AWS region it is asked in.
        as_of: When it was so, as exactly as is known.
        source: Where it is from.
        status: "documented" when the source was read, "unverified" when it is known at second hand or from memory.
    """

    usd: float
    unit: str
    region: str
    as_of: str
    source: str
    status: Literal["documented", "unverified"]


def read_prices(path: Path | None = None) -> Mapping[str, Price]:
    """Read the built-in prices, or a file that replaces some or all of them.

    Args:
        path: A JSON object in the form of the built-in `prices.json`; what it does not name stays. Default: none.

    Raises:
        PricesError: The file is no such object, or names a price that nobody asks for.
    """
    prices = _read(_BUILT_IN)
    if path is None:
        return prices
    given = _read(path)
    if unknown := sorted(given.keys() - prices.keys()):
        raise PricesError(f"{path} names {', '.join(unknown)}; the names are {', '.join(prices)}.")
    return {**prices, **given}


def _read(path: Path) -> dict[str, Price]:
    try:
        prices = {name: Price(**fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError):
        raise PricesError(f"{path} is no JSON object of prices, each with {', '.join(Price.__slots__)}.") from None
    for name, price in prices.items():
        if not isinstance(price.usd, (int, float)) or price.usd < 0:
            raise PricesError(f"{path} has {price.usd!r} for {name}; a number of US dollars is allowed.")
        if price.status not in ("documented", "unverified"):
            raise PricesError(f"{path} calls {name} {price.status!r}; documented and unverified are allowed.")
    return prices
