// Backstage's own client of the scaffolder against the portal: node sequence.mjs URL TOKEN REF
import assert from 'node:assert/strict';
import { ScaffolderClient } from '@backstage/plugin-scaffolder-common';

// Its event stream was written for browsers.
globalThis.window ??= globalThis;
globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };

const [url, token, templateRef, user] = process.argv.slice(2);
const client = new ScaffolderClient({
  discoveryApi: { getBaseUrl: async () => `${url}/api/scaffolder` },
  fetchApi: {
    fetch: (input, init = {}) =>
      fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  },
  identityApi: { getBackstageIdentity: async () => ({ userEntityRef: user }) },
  scmIntegrationsApi: {},
});
const values = { name: 'svc', owner: 'group:default/checkout' };

const schema = await client.getTemplateParameterSchema(templateRef);
assert.equal(schema.steps[0].title, 'The service');

const actions = await client.listActions();
assert.ok(actions.find(action => action.id === 'fetch:template').schema.input.properties.url);

const extensions = await client.listTemplatingExtensions();
assert.ok('parseRepoUrl' in extensions.filters);

const { taskId } = await client.scaffold({ templateRef, values, secrets: {} });
const task = await client.getTask(taskId);
assert.equal(task.spec.templateInfo.entityRef, templateRef);
assert.equal(task.createdBy, user);
assert.equal(task.status, 'completed');

const mine = await client.listTasks({ filterByOwnership: 'owned', limit: 1, offset: 0 });
assert.equal(mine.tasks[0].id, taskId);
assert.equal(mine.totalTasks, 1);

const events = await new Promise((resolve, reject) => {
  const found = [];
  client.streamLogs({ taskId }).subscribe({
    next: event => found.push(event),
    error: reject,
    complete: () => resolve(found),
  });
});
assert.equal(events.at(-1).type, 'completion');
assert.ok(events.some(event => event.body.message.includes('Rendered 3 files')));

const dry = await client.dryRun({
  template: {
    apiVersion: 'scaffolder.backstage.io/v1beta3',
    kind: 'Template',
    metadata: { name: 'dry' },
    spec: {
      owner: 'x',
      type: 'service',
      parameters: { properties: { name: { type: 'string' } } },
      steps: [
        { id: 'f', action: 'fetch:template', input: { url: './s', values: { n: '${{ parameters.name }}' } } },
      ],
      output: { text: [{ title: 'T', content: '${{ parameters.name }}' }] },
    },
  },
  values: { name: 'ada' },
  secrets: {},
  directoryContents: [{ path: 's/${{ values.n }}.txt', base64Content: btoa('hi ${{ values.n }}') }],
});
assert.deepEqual(
  dry.directoryContents.map(file => [file.path, atob(file.base64Content)]),
  [['ada.txt', 'hi ada']],
);
assert.equal(dry.output.text[0].content, 'ada');
assert.deepEqual(dry.steps.map(step => step.action), ['fetch:template', 'bespoke:weave']);

await assert.rejects(client.cancelTask(taskId), /400/);
await assert.rejects(client.retry({ taskId }));
await assert.rejects(client.scaffold({ templateRef, values: {} }), /400/);
await assert.rejects(client.getTemplateParameterSchema('template:default/none'), /404/);
console.log('the sequence is done');
