// What the portal does to a forge, said with @gitbeaker/rest: node main_sequence.mjs URL TOKEN HOOK
import assert from "node:assert/strict";
import { Gitlab } from "@gitbeaker/rest";

const [host, token, hookUrl] = process.argv.slice(2);
const api = new Gitlab({ host, token });
const unique = `beaker-${process.pid}`;

const group = await api.Groups.create(unique, unique);
const project = await api.Projects.create({
  name: "service", namespaceId: group.id, initializeWithReadme: true, topics: ["a", "b"],
});
assert.equal(project.path_with_namespace, `${unique}/service`);
const byPath = await api.Projects.show(`${unique}/service`);
assert.equal(byPath.id, project.id);
assert.deepEqual((await api.Groups.allProjects(group.id)).map((p) => p.id), [project.id]);

const hook = await api.ProjectHooks.add(project.id, hookUrl, {
  pushEvents: true, mergeRequestsEvents: true, token: "secret",
});
assert.deepEqual((await api.ProjectHooks.all(project.id)).map((h) => [h.id, h.url]), [[hook.id, hookUrl]]);

const commit = await api.Commits.create(project.id, "feature", "Three actions", [
  { action: "create", filePath: "src/run.sh", content: "#!/bin/sh\n", execute_filemode: true },
  { action: "create", filePath: "logo.bin", content: "AAEC/w==", encoding: "base64" },
  { action: "update", filePath: "README.md", content: "# Service\n" },
], { startBranch: "main" });
assert.equal(commit.title, "Three actions");
const tree = await api.Repositories.allRepositoryTrees(project.id, { ref: "feature", recursive: true });
assert.deepEqual(tree.map((t) => t.path).sort(), ["README.md", "logo.bin", "src", "src/run.sh"]);
assert.equal(tree.find((t) => t.path === "src/run.sh").mode, "100755");
const file = await api.RepositoryFiles.show(project.id, "src/run.sh", "feature");
assert.equal(Buffer.from(file.content, "base64").toString(), "#!/bin/sh\n");
assert.equal(await api.RepositoryFiles.showRaw(project.id, "README.md", "feature"), "# Service\n");
const compared = await api.Repositories.compare(project.id, "main", "feature");
assert.equal(compared.diffs.length, 3);

const made = await api.MergeRequests.create(project.id, "feature", "main", "Add three", {
  description: "By a client", labels: "one,two", removeSourceBranch: true,
});
await assert.rejects(
  api.MergeRequests.create(project.id, "feature", "main", "Again"),
  (error) => error.cause.response.status === 409,
);
const diffs = await api.MergeRequests.allDiffs(project.id, made.iid);
assert.deepEqual(diffs.map((d) => d.new_path).sort(), ["README.md", "logo.bin", "src/run.sh"]);
const note = await api.MergeRequestNotes.create(project.id, made.iid, "Looks good");
assert.equal((await api.MergeRequestNotes.all(project.id, made.iid)).some((n) => n.id === note.id), true);
const thread = await api.MergeRequestDiscussions.create(project.id, made.iid, "Why?");
await api.MergeRequestDiscussions.resolve(project.id, made.iid, thread.id, true);
assert.deepEqual(
  (await api.MergeRequests.all({ groupId: group.id, labels: "one", state: "opened" })).map((m) => m.iid),
  [made.iid],
);

let state = await api.MergeRequests.show(project.id, made.iid);
for (let i = 0; i < 200 && /^(preparing|checking|unchecked)$/.test(state.detailed_merge_status); i++) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  state = await api.MergeRequests.show(project.id, made.iid);
}
assert.equal(state.detailed_merge_status, "mergeable");
const merged = await api.MergeRequests.merge(project.id, made.iid, { sha: state.sha, squash: true });
assert.equal(merged.state, "merged");
assert.deepEqual((await api.Branches.all(project.id)).map((b) => b.name), ["main"]);

const statuses = await api.Commits.editStatus(project.id, commit.id, "success", { name: "check" });
assert.equal(statuses.status, "success");
await api.Projects.remove(project.id);
console.log("the main sequence is done");
