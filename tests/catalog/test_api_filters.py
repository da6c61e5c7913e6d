"""What filters mean: both dialects, against a model in memory that knows nothing of the index."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.api.filters import InvalidFilter, parse_filters, parse_query
from catalog.models import Entity
from catalog.predicates import All, AnyOf, Contains, Equals, Exists, HasPrefix, Not, Predicate

LONG = "x" * 201
DOCUMENTS: list[dict[str, Any]] = [
    {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "tags": tags, "labels": labels, "description": description},
        "spec": {"type": type_, "lifecycle": "Production", "owner": owner, **extra},
    }
    for kind, name, tags, labels, description, type_, owner, extra in [
        ("Component", "Booking", ["java", "web"], {"Tier": "1"}, "Books ROOMS", "service", "team-a",
         {"replicas": 3, "public": True, "ratio": 1.5}),
        ("Component", "ledger", ["java"], {"tier": "2"}, LONG, "service", "team-b",
         {"nothing": None, "zones": ["eu", {"name": "us", "size": 2}], "system": "shop"}),
        ("Component", "site", [], {"empty": ""}, "A 100% site", "Website", "user:guest",
         {"dependsOn": ["component:ledger", "resource:db"]}),
        ("Resource", "db", ["web"], {}, "rooms_and_more", "database", "team-a", {"public": False}),
        ("System", "shop", ["java", "web", "kafka"], {}, "The shop", "product", "team-b", {}),
    ]
]  # fmt: skip
KEYS = [
    "kind", "metadata.name", "metadata.tags", "metadata.tags.java", "metadata.labels.tier",
    "metadata.labels.empty", "metadata.description", "spec.type", "spec.lifecycle", "spec.owner",
    "spec.replicas", "spec.public", "spec.ratio", "spec.nothing", "spec.zones", "spec.zones.name",
    "spec.zones.eu", "spec.zones.size", "relations.ownedby", "relations.dependson",
    "relations.haspart", "spec", "metadata.namespace", "nowhere", "metadata.etag",
]  # fmt: skip
VALUES = [
    "component", "resource", "booking", "java", "web", "true", "false", "1", "2", "3", "1.5", "",
    "service", "website", "production", "team-a", "group:default/team-a", "eu", "us", "default",
    "component:default/ledger", "system:default/shop", "component:default/site", LONG, "the shop",
    "books rooms",
]  # fmt: skip


# -- the model ----------------------------------------------------------------------------------
def flat(entity: dict[str, Any]) -> set[tuple[str, str | None]]:
    """Every key and value that may be asked for, in lower case."""

    def walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
        if path in ("relations", "metadata.etag"):
            return
        if isinstance(value, dict):
            for key, item in value.items():
                yield from walk(f"{path}.{key}".lstrip("."), item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(path, item)
                if isinstance(item, str):
                    yield f"{path}.{item}", True
        else:
            yield path, value

    found = list(walk("", entity))
    found += [(f"relations.{r['type']}", r["targetRef"]) for r in entity["relations"]]
    return {(key.lower(), _printed(value)) for key, value in found}


def _printed(value: Any) -> str | None:
    text = json.dumps(value) if isinstance(value, (bool, int, float)) else value
    return None if text is None or len(text) > 200 else text.lower()


def holds(predicate: Predicate, pairs: set[tuple[str, str | None]]) -> bool:
    match predicate:
        case All(parts):
            return all(holds(part, pairs) for part in parts)
        case AnyOf(parts):
            return any(holds(part, pairs) for part in parts)
        case Not(part):
            return not holds(part, pairs)
        case Exists(key):
            return any(k == key for k, _ in pairs)
        case Equals(key, values):
            return any((key, value) in pairs for value in values)
        case HasPrefix(key, prefix):
            return any(
                k == key and (v or "").startswith(prefix) and v is not None for k, v in pairs
            )
        case Contains(keys, text):
            return any(k in keys and v is not None and text in v for k, v in pairs)


# -- filters ------------------------------------------------------------------------------------
keys, values = st.sampled_from(KEYS), st.sampled_from(VALUES)
spelled = st.tuples(keys, st.booleans()).map(lambda pair: pair[0].upper() if pair[1] else pair[0])
statements = st.one_of(
    spelled,
    st.tuples(spelled, values).map("=".join),
    spelled.map("!{}".format),
    st.tuples(spelled, values).map("!=".join),
)
get_filters = st.lists(st.lists(statements, min_size=1, max_size=4).map(",".join), max_size=3)
conditions = st.one_of(
    st.dictionaries(
        keys,
        st.one_of(
            values,
            st.sampled_from([1, 2, 3, True, False, 1.5]),
            st.booleans().map(lambda b: {"$exists": b}),
            st.lists(values, max_size=3).map(lambda v: {"$in": v}),
            st.sampled_from(VALUES).map(lambda v: {"$contains": v}),
            st.sampled_from(["", "b", "serv", "rooms_", "a 100%", "%", "group:"]).map(
                lambda v: {"$hasPrefix": v}
            ),
        ),
        max_size=2,
    ),
    st.sampled_from(["ownedBy", "dependsOn"]).map(
        lambda kind: {"relations": {"$contains": {"type": kind}}}
    ),
)
queries = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda q: {"$all": q}),
        st.lists(inner, max_size=3).map(lambda q: {"$any": q}),
        inner.map(lambda q: {"$not": q}),
    ),
    max_leaves=5,
)
text_filters = st.tuples(
    st.lists(st.sampled_from(["metadata.name", "metadata.description", "metadata.title", "spec.type",
                              "metadata.tags", "spec.zones.name", "relations.ownedby"]), min_size=1),
    st.sampled_from(["o", "room", "ROOMS", "%", "_", "java", "team-a", "ook", "xxxxx"]),
)  # fmt: skip


@pytest.fixture
def catalogue(ingest) -> dict[str, set[tuple[str, str | None]]]:
    ingest("---\n".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    assert Entity.objects.count() == len(DOCUMENTS)
    return {e.ref: flat(json.loads(e.answer)) for e in Entity.objects.all()}


quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(texts=get_filters)
def test_get_filters_mean_what_the_model_says(catalogue, texts: list[str]):
    predicate = parse_filters(texts)
    found = set(Entity.objects.matching(predicate).values_list("ref", flat=True))
    assert found == {ref for ref, pairs in catalogue.items() if holds(predicate, pairs)}


@quick
@given(query=queries)
def test_predicates_mean_what_the_model_says(catalogue, query: dict[str, Any]):
    predicate = parse_query(query)
    found = set(Entity.objects.matching(predicate).values_list("ref", flat=True))
    assert found == {ref for ref, pairs in catalogue.items() if holds(predicate, pairs)}


@quick
@given(asked=text_filters)
def test_the_full_text_filter_means_what_the_model_says(catalogue, asked):
    predicate = Contains(tuple(asked[0]), asked[1].lower())
    found = set(Entity.objects.matching(predicate).values_list("ref", flat=True))
    assert found == {ref for ref, pairs in catalogue.items() if holds(predicate, pairs)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kind=component,spec.type=service", ["Booking", "ledger"]),
        ("KIND=Component,spec.type=SERVICE,spec.type=website", ["Booking", "ledger", "site"]),
        ("metadata.tags=kafka", ["shop"]),
        ("metadata.tags.kafka=true", ["shop"]),
        ("metadata.tags.kafka", ["shop"]),
        ("metadata.labels.empty=", ["site"]),
        (f"metadata.description={LONG}", []),
        ("kind=component,metadata.description", ["Booking", "ledger", "site"]),
        ("relations.ownedby=group:default/team-a", ["Booking", "db"]),
        ("kind=component,!metadata.tags", ["site"]),
        ("kind=component,metadata.tags!=java", ["site"]),
        ("metadata.tags!=java,metadata.tags!=web", ["site"]),
        ("spec.zones.name=us", ["ledger"]),
        ("spec.nothing", ["ledger"]),
        ("spec.nothing=null", []),
    ],
)
def test_the_get_dialect(catalogue, text: str, names: list[str]):
    found = Entity.objects.matching(parse_filters([text])).order_by("ref")
    assert [entity.name for entity in found] == names


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["$all", "$any", "$not", "$in", "$exists", "kind", "relations", "$x"]),
        inner, max_size=2),
))  # fmt: skip
def test_no_query_makes_the_parser_raise_anything_else(query: Any):
    try:
        parse_query(query)
    except InvalidFilter as error:
        assert str(error)


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_raise_anything_else(text: str):
    try:
        parse_filters([text])
    except InvalidFilter as error:
        assert str(error)


def test_what_cannot_be_understood_is_refused_in_backstages_shape(client: Client, person):
    client.force_login(person())
    answer = client.get("/api/catalog/entities/by-query?filter==x")
    body = answer.json()
    assert (answer.status_code, body["error"]["name"]) == (400, "InputError")
    assert "not a valid statement" in body["error"]["message"]
    assert body["response"] == {"statusCode": 400}
    assert body["request"]["method"] == "GET"
    for data in ({"query": []}, {"query": {"$all": [], "kind": "x"}}, {"limit": -1}, {"cursor": "x"},
                 {"query": {"kind": {"$what": 1}}}, {"orderBy": [{"field": "a", "order": "up"}]}):  # fmt: skip
        answer = client.post("/api/catalog/entities/by-query", data, "application/json")
        assert (answer.status_code, answer.json()["error"]["name"]) == (400, "InputError"), data
    assert client.get("/api/catalog/entities/by-query?cursor=e30=").status_code == 400
    missing = client.get("/api/catalog/entities/by-name/component/default/nobody")
    assert (missing.status_code, missing.json()["error"]["name"]) == (404, "NotFoundError")
