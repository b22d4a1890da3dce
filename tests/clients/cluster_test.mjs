// The npm `@kubernetes/client-node` against `nacelle up`: our own kinds listed, watched and applied, and a model that serves.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import * as k8s from '@kubernetes/client-node';

const binary = process.env.NACELLE ?? '../../build/release/nacelle';
const source = path.resolve(process.env.NACELLE_SOURCE_DIR ?? '../..');
const model = path.join(source, 'models', 'demo');
const of = {group: 'serving.kserve.io', version: 'v1alpha2', namespace: 'default', plural: 'llminferenceservices'};
const services = `/apis/${of.group}/${of.version}/namespaces/${of.namespace}/${of.plural}`;
let folder, up, gateway, config, custom, objects;

// Below the ports that the kernel gives to outgoing connections.
const freePort = async () => {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 20000);
    const probe = net.createServer();
    const free = await new Promise((resolve) => probe.once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => probe.close(() => resolve(true))));
    if (free) return port;
  }
};
const until = async (what, condition) => {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    const value = await condition().catch(() => undefined);
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what}: not within 60 s`);
};

before(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'nacelle-up-client-'));
  const [port, admin, api] = [await freePort(), await freePort(), await freePort()];
  gateway = `http://127.0.0.1:${port}`;
  up = spawn(binary, ['up', model, '--engines', '1', '--data-dir', folder, '--port', port, '--admin-port', admin,
    '--api-port', api, '--', '--kv-cache-memory-bytes', '64M'].map(String), {stdio: ['ignore', 'ignore', 'inherit']});
  const kubeconfig = path.join(folder, 'api', 'kubeconfig');
  await until('the kubeconfig', () => fs.readFile(kubeconfig, 'utf8').then((text) => text.includes('token')));
  config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfig);
  custom = config.makeApiClient(k8s.CustomObjectsApi);
  objects = k8s.KubernetesObjectApi.makeApiClient(config);
  await until('the API', async () => (await custom.listNamespacedCustomObject(of)).items.length === 1);
});
after(async () => {
  // Without the seconds of grace that an engine has.
  const namespace = of.namespace;
  await custom.deleteNamespacedCustomObject({...of, name: 'demo'});
  await until('no Deployment', async () =>
    !(await config.makeApiClient(k8s.AppsV1Api).listNamespacedDeployment({namespace})).items.length);
  await config.makeApiClient(k8s.CoreV1Api).deleteCollectionNamespacedPod({namespace, gracePeriodSeconds: 0});
  const ended = once(up, 'exit');
  up.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null], 'it ends in order');
  await fs.rm(folder, {recursive: true, force: true});
});

const service = (name, more = {}) => ({
  apiVersion: `${of.group}/${of.version}`, kind: 'LLMInferenceService', metadata: {name, namespace: of.namespace},
  spec: {model: {uri: `file://${model}`, name}, replicas: 1, router: {route: {}, gateway: {}, scheduler: {}},
    template: {containers: [{name: 'main', args: ['--kv-cache-memory-bytes', '64M', '--threads', '1'],
      lifecycle: {preStop: {sleep: {seconds: 1}}}}]}, ...more},
});
const apply = (object, manager = 'client', force = false) =>
  objects.patch(object, undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
const ready = (object) => object.status?.conditions?.find((c) => c.type === 'Ready');

test('lists the service of the first start', async () => {
  const {items, kind} = await custom.listNamespacedCustomObject({...of, labelSelector: 'app!=none'});
  assert.equal(kind, 'LLMInferenceServiceList');
  assert.deepEqual(items.map((item) => item.metadata.name), ['demo']);
  const older = await custom.listNamespacedCustomObject({...of, version: 'v1alpha1'});
  assert.equal(older.items[0].apiVersion, 'serving.kserve.io/v1alpha1');
});

test('an informer sees what is applied become ready, and it serves', async () => {
  const seen = [];
  const informer = k8s.makeInformer(config, services, () => custom.listNamespacedCustomObject(of));
  const turned = new Promise((resolve, reject) => {
    for (const verb of ['add', 'update']) {
      informer.on(verb, (object) => {
        if (object.metadata.name !== 'chat') return;
        seen.push([verb, ready(object)?.status]);
        if (ready(object)?.status === 'True') resolve(object);
      });
    }
    informer.on('error', (error) => error.name === 'AbortError' || reject(error));  // our stop()
  });
  await informer.start();
  const made = await apply(service('chat'));
  assert.deepEqual(made.metadata.managedFields.map((m) => [m.manager, m.operation]), [['client', 'Apply']]);
  const object = await turned;
  assert.equal(seen[0][0], 'add');
  assert.equal(object.status.url, `${gateway}/default/chat`);
  assert.equal(informer.get('chat', 'default').metadata.uid, made.metadata.uid);
  const answer = await fetch(`${object.status.url}/v1/chat/completions`, {method: 'POST',
    headers: {'content-type': 'application/json'}, body: JSON.stringify({model: 'chat', temperature: 0, max_tokens: 32,
      messages: [{role: 'user', content: 'What is Nacelle?'}]})});
  assert.equal(answer.status, 200);
  assert.match((await answer.json()).choices[0].message.content, /Nacelle/);
  informer.stop();
});

test('others own fields, and wrong ones are refused', async () => {
  const error = await apply(service('chat', {replicas: 2}), 'another').then(() => assert.fail('it was accepted'), (e) => e);
  assert.equal(error.code, 409);
  assert.match(String(error.body), /\.spec\.replicas/);
  const wrong = await apply(service('wrong', {replicas: 'two'})).then(() => assert.fail('it was accepted'), (e) => e);
  assert.equal(wrong.code, 422);
  assert.match(String(wrong.body), /spec\.replicas/);
});

test('a watch sees it change and go', async () => {
  const events = [];
  const {metadata} = await custom.listNamespacedCustomObject(of);
  let stop;
  const gone = new Promise((resolve) => {
    stop = new k8s.Watch(config).watch(services, {resourceVersion: metadata.resourceVersion}, (phase, object) => {
      if (object.metadata.name === 'chat') events.push([phase, object.spec.replicas]);
      if (phase === 'DELETED') resolve();
    }, () => {});
  });
  await apply(service('chat', {replicas: 0}));
  await until('the change', async () => events.some(([phase, replicas]) => phase === 'MODIFIED' && replicas === 0));
  await custom.deleteNamespacedCustomObject({...of, name: 'chat'});
  await gone;
  (await stop).abort();
  await until('its route is gone', async () => (await fetch(`${gateway}/default/chat/v1/models`)).status === 404);
});

test('llm-d kinds by the generic client', async () => {
  const pool = {apiVersion: 'inference.llm-d.ai/v1alpha1', kind: 'LLMInferencePool',
    metadata: {name: 'shared', namespace: 'default'}, spec: {services: [{name: 'nobody'}]}};
  await apply(pool);
  const resolved = (object) => object.status?.conditions?.find((c) => c.type === 'ServicesResolved');
  const read = await until('its condition', async () => {
    const object = await objects.read(pool);
    return resolved(object) && object;
  });
  assert.equal(resolved(read).status, 'False');
  assert.match(resolved(read).message, /nobody/);
  await objects.delete(pool);
});
