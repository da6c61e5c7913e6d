// What programs ask of Backstage's catalogue, said with its own client:
// node asks.mjs URL TOKEN TARGET OTHER, where TARGET is a descriptor that is not registered yet
// and OTHER one that is in the catalogue; see test_catalog_client.py for what these hold.
import assert from "node:assert/strict";
import { CATALOG_FILTER_EXISTS, CatalogClient } from "@backstage/catalog-client";

const [base, token, target, other, repository] = process.argv.slice(2);
const api = new CatalogClient({ discoveryApi: { getBaseUrl: async () => `${base}/api/catalog` } });
const as = { token };
const names = (items) => items.map((entity) => entity?.metadata.name);
const components = { kind: "component" };
const byName = { field: "metadata.name", order: "asc" };

// -- lists: filters, order, fields ---------------------------------------------------------------
const listed = async (filter) => names((await api.getEntities({ filter, order: byName }, as)).items);
assert.deepEqual(await listed(components), ["cart", "mail", "pay", "shop"]);
assert.deepEqual(await listed({ kind: ["component", "system"] }), ["cart", "mail", "market", "pay", "shop"]);
assert.deepEqual(await listed([{ kind: "system" }, { "metadata.tags": "java" }]), ["market", "pay"]);
assert.deepEqual(await listed({ kind: "component", "metadata.tags": CATALOG_FILTER_EXISTS }), ["cart", "pay"]);
assert.deepEqual(await listed({ "relations.partOf": "system:default/market" }), ["pay", "shop"]);
assert.deepEqual(await listed({ "metadata.annotations.example.com/slug": "org/shop" }), ["shop"]);
const some = await api.getEntities(
  { filter: components, fields: ["metadata.name", "kind"], limit: 2, offset: 1,
    order: [{ field: "spec.lifecycle", order: "desc" }, byName] }, as);
assert.deepEqual(some.items, [
  { kind: "Component", metadata: { name: "shop" } }, { kind: "Component", metadata: { name: "mail" } },
]);

// -- pages in both directions --------------------------------------------------------------------
const first = await api.queryEntities({ filter: components, limit: 3, orderFields: byName }, as);
assert.deepEqual([names(first.items), first.totalItems], [["cart", "mail", "pay"], 4]);
const second = await api.queryEntities({ cursor: first.pageInfo.nextCursor, limit: 3 }, as);
assert.deepEqual([names(second.items), second.totalItems], [["shop"], 4]);
assert.equal(second.pageInfo.nextCursor, undefined);
const back = await api.queryEntities({ cursor: second.pageInfo.prevCursor, limit: 3 }, as);
assert.deepEqual(names(back.items), ["cart", "mail", "pay"]);
const uncounted = await api.queryEntities({ limit: 1, totalItems: "exclude" }, as);
assert.equal(uncounted.items.length, 1);

const text = (term, fields) => api.queryEntities(
  { filter: components, fullTextFilter: { term, fields }, orderFields: byName }, as);
assert.deepEqual(names((await text("PAYS", ["metadata.description"])).items), ["pay"]);
assert.deepEqual(names((await text("a", ["metadata.name", "metadata.title"])).items), ["cart", "mail", "pay"]);

// -- the predicates of the newer clients ---------------------------------------------------------
const predicate = async (query) => names((await api.queryEntities({ query, orderFields: [byName] }, as)).items);
assert.deepEqual(await predicate({ $all: [{ kind: "component" }, { $not: { "metadata.tags": { $contains: "java" } } }] }),
  ["cart", "mail", "shop"]);
assert.deepEqual(await predicate({ $any: [{ kind: "system" }, { "metadata.name": { $in: ["cart", "mail"] } }] }),
  ["cart", "mail", "market"]);
assert.deepEqual(await predicate({ "spec.system": { $exists: true }, kind: { $hasPrefix: "comp" } }), ["pay", "shop"]);
assert.deepEqual(await predicate({ relations: { $contains: { type: "partOf", targetRef: "system:default/market" } } }),
  ["pay", "shop"]);
const both = await api.queryEntities({ query: components, filter: { "metadata.name": ["pay", "x"] } }, as);
assert.deepEqual(names(both.items), ["pay"]);
const half = await api.queryEntities({ query: components, limit: 2, orderFields: byName }, as);
const rest = await api.queryEntities({ cursor: half.pageInfo.nextCursor, limit: 2 }, as);
assert.deepEqual(names(rest.items), ["pay", "shop"]);
const batches = [];
for await (const batch of api.streamEntities({ filter: components, orderFields: byName, pageSize: 3 }, as)) {
  batches.push(names(batch));
}
assert.deepEqual(batches, [["cart", "mail", "pay"], ["shop"]]);

// -- single ones ---------------------------------------------------------------------------------
const refs = ["component:default/shop", "component:default/nobody", "component:default/cart"];
assert.deepEqual(names((await api.getEntitiesByRefs({ entityRefs: refs }, as)).items), ["shop", undefined, "cart"]);
const filtered = await api.getEntitiesByRefs(
  { entityRefs: refs, filter: { "metadata.tags": CATALOG_FILTER_EXISTS }, fields: ["metadata.name"] }, as);
assert.deepEqual(filtered.items, [undefined, undefined, { metadata: { name: "cart" } }]);
const asked = await api.getEntitiesByRefs({ entityRefs: refs, query: { "metadata.name": "shop" } }, as);
assert.deepEqual(names(asked.items), ["shop", undefined, undefined]);
const pay = await api.getEntityByRef("component:default/pay", as);
assert.equal(pay.metadata.title, "Payments");
assert.deepEqual(pay.relations, [
  { type: "ownedBy", targetRef: "group:default/team" }, { type: "partOf", targetRef: "system:default/market" },
]);
assert.equal(await api.getEntityByRef("component:default/nobody", as), undefined);
assert.equal((await api.getEntityByName({ kind: "Component", name: "Pay" }, as)).metadata.uid, pay.metadata.uid);
const ancestors = await api.getEntityAncestors({ entityRef: "component:default/pay" }, as);
assert.equal(ancestors.rootEntityRef, "component:default/pay");
assert.deepEqual(ancestors.items.map((item) => [item.entity.metadata.name, item.parentEntityRefs]), [
  ["pay", ["location:default/all"]], ["all", []],
]);
const facets = { facets: ["kind", "metadata.tags"] };
const counted = (await api.getEntityFacets({ ...facets, filter: components }, as)).facets;
assert.deepEqual(counted.kind, [{ value: "Component", count: 4 }]);
assert.deepEqual(counted["metadata.tags"], [{ value: "java", count: 1 }, { value: "web", count: 2 }]);
const narrow = await api.getEntityFacets({ ...facets, query: { "metadata.tags": "java" }, filter: components }, as);
assert.deepEqual(narrow.facets["metadata.tags"], [{ value: "java", count: 1 }, { value: "web", count: 1 }]);

// -- locations -----------------------------------------------------------------------------------
const dry = await api.addLocation({ target, dryRun: true }, as);
assert.deepEqual([dry.exists, names(dry.entities)], [false, ["fresh"]]);
assert.equal((await api.getLocations({}, as)).items.length, 1);
const added = await api.addLocation({ type: "url", target }, as);
assert.equal(added.location.target, target);
assert.equal((await api.addLocation({ target, dryRun: true }, as)).exists, true);
await assert.rejects(api.addLocation({ target }, as), (error) =>
  error.response.status === 409 && error.cause.name === "ConflictError");
assert.equal((await api.addLocation({ target, onConflict: "refresh" }, as)).location.id, added.location.id);
assert.equal((await api.getLocationByRef(`url:${target}`, as)).id, added.location.id);
assert.deepEqual(await api.getLocationById(added.location.id, as), added.location);
const [known] = (await api.getLocations({}, as)).items.filter((item) => item.target === other);
assert.equal((await api.getLocationByEntity("location:default/all", as)).id, known.id);
const every = [];
for await (const batch of api.streamLocations({ limit: 1 }, as)) every.push(...batch);
assert.deepEqual(every.map((item) => item.id).sort(), [known.id, added.location.id].sort());
const queried = await api.queryLocations({ query: { target: { $hasPrefix: target.slice(0, -4) } } }, as);
assert.deepEqual([queried.items.map((item) => item.id), queried.totalItems], [[added.location.id], 1]);
const moved = await api.updateLocation(added.location.id, { target: target.replace("first", "second") }, as);
assert.equal(moved.target, target.replace("first", "second"));
await api.removeLocationById(moved.id, as);
assert.equal(await api.getLocationById(moved.id, as), undefined);

// -- what can be done ----------------------------------------------------------------------------
await api.refreshEntity("component:default/pay", as);
await assert.rejects(api.refreshEntity("component:default/nobody", as), (error) => error.response.status === 404);
assert.deepEqual(await api.validateEntity(pay, "url:https://forge.example/x", as), { valid: true });
const wrong = await api.validateEntity({ ...pay, metadata: { name: "a b" } }, "url:https://forge.example/x", as);
assert.equal(wrong.valid, false);
assert.match(wrong.errors[0].message, /metadata.name/);
const analysis = await api.analyzeLocation({ location: { type: "url", target: repository } }, as);
assert.deepEqual(analysis.existingEntityFiles, []);
assert.equal(analysis.generateEntities[0].entity.kind, "Component");
await api.removeEntityByUid(pay.metadata.uid, as);
assert.equal(await api.getEntityByRef("component:default/pay", as), undefined);

// -- errors --------------------------------------------------------------------------------------
await assert.rejects(api.getEntities({}, { token: "unknown" }), (error) =>
  error.response.status === 401 && error.cause.name === "AuthenticationError");
await assert.rejects(api.queryEntities({ cursor: "nonsense" }, as), (error) =>
  error.name === "ResponseError" && error.cause.name === "InputError" && /cursor/.test(error.cause.message));
console.log("everything was asked");
