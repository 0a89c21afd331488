"""Whether the resources are right: their form, their queries, and whether what they name is really sent.

Architecture 6: no rate over time (`as_rate`) and no count of rows that are sampled; counts come from metrics,
or of records that always go, which the catalogue's own policies show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tradewise_otel.catalogue.queries import QUERIES

from . import strict
from .asked import Asked, asked
from .compiling import asking
from .compiling.metric_tags import RESOURCE_TAGS
from .folder import Resource
from .known import RECORD_TAGS, Known, MetricFacts, is_number
from .language import logs, metrics
from .language.metrics import QuerySyntaxError

_EXACT = {asking.search(query, "") for query in QUERIES if query.data == "logs"}
_MEASURED = ("avg", "sum", "min", "max", "median", "pc75", "pc90", "pc95", "pc98", "pc99")


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: in which resource, in which tile of it ("" for the whole), and what."""

    resource: str
    where: str
    what: str

    def __str__(self) -> str:
        tile = f", {self.where!r}" if self.where else ""
        return f"{self.resource}{tile}: {self.what}"


def check(resources: Iterable[Resource], known: Known) -> list[Finding]:
    """Everything that is wrong with some resources, whose placeholders are filled in."""
    return [finding for resource in resources for finding in _check(resource, known)]


def _check(resource: Resource, known: Known) -> Iterator[Finding]:
    wrong = strict.problems(resource.body, resource.kind.model)
    yield from (Finding(resource.label, "", problem) for problem in wrong)
    if wrong:
        return
    for query in asked(resource):
        try:
            yield from (
                Finding(resource.label, query.where, what) for what in _READERS[query.language](query, known)
            )
        except QuerySyntaxError as error:
            yield Finding(resource.label, query.where, str(error))


def _metrics(query: Asked, known: Known) -> Iterator[str]:
    yield from _expression(metrics.expression(query.text), known)


def _metric_alert(query: Asked, known: Known) -> Iterator[str]:
    read = metrics.monitor(query.text)
    yield from _threshold(query, read.threshold)
    yield from _expression(read.expression, known)


def _expression(tree: metrics.Expression, known: Known) -> Iterator[str]:
    for part in metrics.queries(tree):
        facts = known.metrics.get(part.metric)
        if facts is None:
            yield f"no metric {part.metric} in {known.source}"
            continue
        yield from _kind(part, facts)
        named = [condition.key for condition in part.scope if condition.key] + list(part.by)
        for tag in dict.fromkeys(named):
            if tag not in facts.tags:
                yield f"no tag {tag} on {part.metric} in {known.source}"


def _kind(part: metrics.MetricQuery, facts: MetricFacts) -> Iterator[str]:
    if part.aggregator.startswith("p") and facts.kind != "distribution":
        yield f"{part.aggregator} of {part.metric}, which is a {facts.kind}"
    if (facts.kind == "count") != part.as_count:
        yield f"{part.metric} is a {facts.kind}: .as_count() is for counts, and they need it"


def _logs(query: Asked, known: Known) -> Iterator[str]:
    yield from _search(query.text, known.logs, known)
    aggregation, measure = query.compute
    if aggregation in ("count", "sum", "cardinality") and not _exact(query.text):
        yield "counts records of which some are sampled out: ask a metric instead"
    if measure:
        yield from _attribute(measure, known.logs, known, number=aggregation in _MEASURED)
    for facet in query.by:
        yield from _attribute(facet, known.logs, known)


def _log_alert(query: Asked, known: Known) -> Iterator[str]:
    read = logs.monitor(query.text)
    yield from _threshold(query, read.threshold)
    yield from _logs(Asked("", "logs", read.search, ("count", ""), read.by), known)


def _burn_rate(query: Asked, _known: Known) -> Iterator[str]:
    yield from _threshold(query, logs.burn_rate(query.text).threshold)


def _spans(query: Asked, known: Known) -> Iterator[str]:
    yield from _search(query.text, known.spans, known)


def _names(query: Asked, known: Known) -> Iterator[str]:
    facts = known.metrics.get(query.text)
    if facts is None:
        yield f"no metric {query.text} in {known.source}"
        return
    for tag in query.by:
        # Not everybody says a version, and Collectors neither that nor an environment.
        if tag not in facts.tags and tag not in RESOURCE_TAGS:
            yield f"no tag {tag} on {query.text} in {known.source}"


def _search(text: str, attributes: dict[str, set[type]], known: Known) -> Iterator[str]:
    for term in logs.terms(text):
        if term.name.startswith("@"):
            yield from _attribute(term.name, attributes, known, term.numeric)
        elif term.name not in RECORD_TAGS:
            yield f"{term.name} is no tag of records: attributes begin with @"


def _attribute(
    name: str, attributes: dict[str, set[type]], known: Known, number: bool = False
) -> Iterator[str]:
    types = attributes.get(name.removeprefix("@"))
    if not name.startswith("@"):
        yield f"{name}: attributes begin with @"
    elif types is None:
        yield f"no attribute {name} in {known.source}"
    elif number and not is_number(types):
        yield f"{name} is no number in {known.source}"


def _threshold(query: Asked, number: float) -> Iterator[str]:
    if query.threshold != number:
        yield f"the query compares with {number:g}, the threshold is {query.threshold}"


def _exact(search: str) -> bool:
    """Whether the catalogue asks this of records, and so has shown that all of them are kept."""
    own = " ".join(part for part in search.split() if not part.startswith(("env:", "$")))
    return own in _EXACT


_READERS: dict[str, Callable[[Asked, Known], Iterator[str]]] = {
    "metrics": _metrics,
    "metric_alert": _metric_alert,
    "logs": _logs,
    "log_alert": _log_alert,
    "burn_rate": _burn_rate,
    "spans": _spans,
    "names": _names,
}
