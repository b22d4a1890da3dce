// The npm `@kubernetes/client-node` against the embedded API server.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {PassThrough} from 'node:stream';
import {text} from 'node:stream/consumers';
import {createInterface} from 'node:readline';
import {after, before, test} from 'node:test';
import * as k8s from '@kubernetes/client-node';

const binary = process.env.NACELLE_KUBE_API ?? '../../build/release/tests/kube_api_server';
const namespace = 'default';
const maps = `/api/v1/namespaces/${namespace}/configmaps`;
let folder, server, config, core, apps, objects;

before(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'nacelle-kube-client-'));
  server = spawn(binary, [path.join(folder, 'data')], {stdio: ['ignore', 'pipe', 'inherit']});
  const [kubeconfig] = await once(createInterface(server.stdout), 'line');
  config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfig);
  core = config.makeApiClient(k8s.CoreV1Api);
  apps = config.makeApiClient(k8s.AppsV1Api);
  objects = k8s.KubernetesObjectApi.makeApiClient(config);
});
after(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null], 'the server ends in order');
  await fs.rm(folder, {recursive: true});
});

const map = (name, more = {}) => ({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name, namespace, ...more.metadata},
  data: more.data ?? {a: '1'}});
const deployment = (name, image = 'img:1') => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: {name, namespace, labels: {app: name}},
  spec: {replicas: 1, selector: {matchLabels: {app: name}}, template: {metadata: {labels: {app: name}},
    spec: {containers: [{name: 'main', image, env: [{name: 'A', value: '1'}]}]}}},
});
const createMap = (...of) => core.createNamespacedConfigMap({namespace, body: map(...of)});
const withType = (strategy) => k8s.setHeaderOptions('Content-Type', strategy);

// Runs a call that must fail; its code and the Status that came with it.
const refused = async (call) => {
  const error = await call.then(() => assert.fail('the call was accepted'), (error) => error);
  assert.ok(error instanceof k8s.ApiException, String(error));
  const status = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
  if (status !== undefined) {
    assert.equal(status.kind, 'Status');
    assert.equal(status.status, 'Failure');
    assert.equal(status.code, error.code);
  }
  return {code: error.code, status};
};

// What comes one by one: next() waits for the next one.
const queue = () => {
  const items = [], waiting = [];
  return {
    push: (item) => (waiting.length ? waiting.shift()(item) : items.push(item)),
    next: () => (items.length ? Promise.resolve(items.shift()) : new Promise((resolve) => waiting.push(resolve))),
  };
};
const watch = async (of, query = {}) => {
  const events = queue(), done = queue();
  const controller = await new k8s.Watch(config).watch(of, query,
      (phase, object) => events.push([phase, object.metadata?.name ?? object]), (error) => done.push(error));
  return {next: events.next, done: done.next, stop: () => controller.abort()};
};

test('creates, reads, replaces and deletes', async () => {
  const made = await createMap('whole');
  assert.match(made.metadata.uid, /^[0-9a-f-]{36}$/);
  assert.ok(Math.abs(Date.now() - made.metadata.creationTimestamp) < 60_000);
  const read = await core.readNamespacedConfigMap({name: 'whole', namespace});
  assert.deepEqual(read, made);
  // Times go back with milliseconds, as the client writes them.
  read.data.b = '2';
  const replaced = await core.replaceNamespacedConfigMap({name: 'whole', namespace, body: read});
  assert.deepEqual(replaced.data, {a: '1', b: '2'});
  assert.deepEqual(replaced.metadata.creationTimestamp, made.metadata.creationTimestamp);
  const deleted = await core.deleteNamespacedConfigMap({name: 'whole', namespace});
  assert.equal(deleted.status, 'Success');
  assert.equal((await refused(core.readNamespacedConfigMap({name: 'whole', namespace}))).code, 404);
});

test('makes names', async () => {
  const made = await core.createNamespacedConfigMap({namespace, body: {metadata: {generateName: 'made-'}}});
  assert.match(made.metadata.name, /^made-[a-z0-9]{5}$/);
});

test('says what is wrong in a Status', async () => {
  await createMap('twice');
  const again = await refused(createMap('twice'));
  assert.equal(again.code, 409);
  assert.equal(again.status.reason, 'AlreadyExists');
  assert.deepEqual(again.status.details, {name: 'twice', kind: 'configmaps'});

  const absent = await refused(core.readNamespacedPod({name: 'nobody', namespace}));
  assert.equal(absent.code, 404);
  assert.equal(absent.status.message, 'pods "nobody" not found');

  const bad = await refused(apps.createNamespacedDeployment({namespace,
    body: {...deployment('Bad_Name'), spec: {...deployment('x').spec, replicas: -1}}}));
  assert.equal(bad.code, 422);
  assert.equal(bad.status.reason, 'Invalid');
  const fields = bad.status.details.causes.map((cause) => cause.field);
  assert.ok(fields.includes('metadata.name') && fields.includes('spec.replicas'), String(fields));

  const one = await createMap('stale');
  await core.replaceNamespacedConfigMap({name: 'stale', namespace, body: {...one, data: {a: '2'}}});
  const stale = await refused(core.replaceNamespacedConfigMap({name: 'stale', namespace, body: one}));
  assert.equal(stale.code, 409);
  assert.equal(stale.status.reason, 'Conflict');

  const stranger = new k8s.KubeConfig();
  stranger.loadFromClusterAndUser(config.getCurrentCluster(), {name: 'nobody', token: 'forged'});
  const pods = stranger.makeApiClient(k8s.CoreV1Api).listNamespacedPod({namespace});
  assert.equal((await refused(pods)).code, 401);
});

test('lists by label, by field and in pieces', async () => {
  const names = [...'abcde'].map((letter) => `piece-${letter}`);
  for (const name of names) {
    await createMap(name, {metadata: {labels: {part: 'list', odd: String(names.indexOf(name) % 2)}}});
  }
  const listed = async (query) => (await core.listNamespacedConfigMap({namespace, ...query})).items
      .map((item) => item.metadata.name);
  assert.deepEqual(await listed({labelSelector: 'part=list'}), names);
  assert.deepEqual(await listed({labelSelector: 'part in (list),odd!=0'}), [names[1], names[3]]);
  assert.deepEqual(await listed({fieldSelector: 'metadata.name=piece-c'}), ['piece-c']);
  const pieces = [];
  let _continue, rest;
  do {
    const piece = await core.listNamespacedConfigMap({namespace, labelSelector: 'part=list', limit: 2, _continue});
    pieces.push(piece.items.map((item) => item.metadata.name));
    rest ??= piece.metadata.remainingItemCount;
    _continue = piece.metadata._continue;
  } while (_continue);
  assert.deepEqual(pieces, [names.slice(0, 2), names.slice(2, 4), names.slice(4)]);
  const everywhere = await core.listConfigMapForAllNamespaces({labelSelector: 'part=list'});
  assert.equal(everywhere.items.length, 5);

  await core.deleteCollectionNamespacedConfigMap({namespace, labelSelector: 'part=list'});
  assert.deepEqual(await listed({labelSelector: 'part=list'}), []);
});

test('patches in every way', async () => {
  await apps.createNamespacedDeployment({namespace, body: deployment('patched')});
  const patch = (body, strategy) =>
    apps.patchNamespacedDeployment({name: 'patched', namespace, body}, withType(strategy));
  const of = (object) => object.spec.template.spec.containers;

  const json = await patch([{op: 'test', path: '/spec/replicas', value: 1},
    {op: 'replace', path: '/spec/replicas', value: 3}], k8s.PatchStrategy.JsonPatch);
  assert.equal(json.spec.replicas, 3);
  const untrue = await refused(patch([{op: 'test', path: '/spec/replicas', value: 9}], k8s.PatchStrategy.JsonPatch));
  assert.equal(untrue.code, 422);

  const merge = await patch({metadata: {labels: {tier: 'front', app: null}}}, k8s.PatchStrategy.MergePatch);
  assert.deepEqual(merge.metadata.labels, {tier: 'front'});

  // Containers are merged by their name: a list that a merge patch would replace.
  const strategic = await patch({spec: {template: {spec: {containers: [{name: 'side', image: 'img:2'},
    {name: 'main', env: [{name: 'B', value: '2'}]}]}}}}, k8s.PatchStrategy.StrategicMergePatch);
  assert.deepEqual(of(strategic).map((c) => [c.name, c.image]).sort(), [['main', 'img:1'], ['side', 'img:2']]);
  assert.deepEqual(of(strategic).find((c) => c.name === 'main').env.map((v) => v.name).sort(), ['A', 'B']);

  const wrong = await refused(patch({spec: {replicas: 'many'}}, k8s.PatchStrategy.MergePatch));
  assert.ok([400, 422].includes(wrong.code), String(wrong.code));
  const type = await refused(patch({}, 'application/x-no-patch'));
  assert.equal(type.code, 415);
  assert.equal((await apps.readNamespacedDeployment({name: 'patched', namespace})).spec.replicas, 3);
});

test('applies on the server, and tells who owns what', async () => {
  const apply = (spec, manager, force) =>
    objects.patch(spec, undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
  const made = await apply(map('applied', {data: {a: '1', b: '2'}}), 'first');
  assert.deepEqual(made.metadata.managedFields.map((m) => [m.manager, m.operation]), [['first', 'Apply']]);

  const conflict = await refused(apply(map('applied', {data: {a: '9'}}), 'second'));
  assert.equal(conflict.code, 409);
  assert.equal(conflict.status.details.causes[0].reason, 'FieldManagerConflict');
  assert.equal(conflict.status.details.causes[0].field, '.data.a');
  assert.match(conflict.status.details.causes[0].message, /conflict with "first"/);

  assert.deepEqual((await apply(map('applied', {data: {a: '9'}}), 'second', true)).data, {a: '9', b: '2'});
  // What its owner no longer applies goes; what is another's stays.
  assert.deepEqual((await apply(map('applied', {data: {}}), 'first')).data, {a: '9'});
});

test('dry runs change nothing', async () => {
  const dry = await core.createNamespacedConfigMap({namespace, body: map('dry'), dryRun: 'All'});
  assert.equal(dry.metadata.name, 'dry');
  assert.equal((await refused(core.readNamespacedConfigMap({name: 'dry', namespace}))).code, 404);
});

test('watches from a version on', async () => {
  await createMap('seen-before', {metadata: {labels: {watched: 'yes'}}});
  const {metadata} = await core.listNamespacedConfigMap({namespace, labelSelector: 'watched=yes'});
  const events = await watch(maps, {resourceVersion: metadata.resourceVersion, labelSelector: 'watched=yes'});
  await createMap('not-mine');
  await createMap('mine', {metadata: {labels: {watched: 'yes'}}});
  assert.deepEqual(await events.next(), ['ADDED', 'mine']);
  const patch = (body) => core.patchNamespacedConfigMap({name: 'mine', namespace, body},
      withType(k8s.PatchStrategy.MergePatch));
  await patch({data: {a: '2'}});
  assert.deepEqual(await events.next(), ['MODIFIED', 'mine']);
  await patch({metadata: {labels: {watched: 'no'}}});
  assert.deepEqual(await events.next(), ['DELETED', 'mine'], 'it left the selection');
  await core.deleteNamespacedConfigMap({name: 'seen-before', namespace});
  assert.deepEqual(await events.next(), ['DELETED', 'seen-before']);
  events.stop();
  assert.equal((await events.done())?.name, 'AbortError');
});

test('a watch without a version begins with what is there, and ends in time', async () => {
  const events = await watch('/api/v1/namespaces', {fieldSelector: 'metadata.name=default', timeoutSeconds: 1});
  assert.deepEqual(await events.next(), ['ADDED', 'default']);
  assert.equal(await events.done(), null);
});

test('a watch may ask for bookmarks', async () => {
  const events = await watch(maps, {allowWatchBookmarks: true, sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan', fieldSelector: 'metadata.name=none'});
  const [phase, object] = await events.next();
  assert.equal(phase, 'BOOKMARK');
  assert.equal(object.metadata.annotations['k8s.io/initial-events-end'], 'true');
  events.stop();
});

test('an informer follows, and goes on after its watch ends', async () => {
  const list = () => core.listNamespacedConfigMap({namespace, labelSelector: 'informed=yes'});
  const mine = (name, value) => map(name, {metadata: {labels: {informed: 'yes'}}, data: {a: value}});
  await core.createNamespacedConfigMap({namespace, body: mine('one', '1')});
  const informer = k8s.makeInformer(config, maps, list, 'informed=yes');
  const seen = queue();
  for (const verb of ['add', 'update', 'delete']) informer.on(verb, (o) => seen.push([verb, o.metadata.name]));
  informer.on('error', (error) => error.name === 'AbortError' || seen.push(['error', String(error)]));  // our stop()
  await informer.start();
  assert.deepEqual(await seen.next(), ['add', 'one']);
  await core.createNamespacedConfigMap({namespace, body: mine('two', '1')});
  assert.deepEqual(await seen.next(), ['add', 'two']);
  await core.replaceNamespacedConfigMap({name: 'one', namespace, body: mine('one', '2')});
  assert.deepEqual(await seen.next(), ['update', 'one']);
  assert.equal(informer.get('one', namespace).data.a, '2');
  informer.stop();
  await core.deleteNamespacedConfigMap({name: 'one', namespace});
  await informer.start();
  assert.deepEqual(await seen.next(), ['delete', 'one'], 'what happened meanwhile');
  assert.deepEqual(informer.list().map((o) => o.metadata.name), ['two']);
  informer.stop();
});

test('subresources: scale, status, token, log', async () => {
  await apps.createNamespacedDeployment({namespace, body: deployment('scaled')});
  const scale = await apps.readNamespacedDeploymentScale({name: 'scaled', namespace});
  scale.spec.replicas = 5;
  await apps.replaceNamespacedDeploymentScale({name: 'scaled', namespace, body: scale});
  const scaled = await apps.readNamespacedDeployment({name: 'scaled', namespace});
  assert.equal(scaled.spec.replicas, 5);
  assert.equal(scaled.metadata.generation, 2);
  scaled.spec.replicas = 9;
  scaled.status = {replicas: 4, observedGeneration: 2};
  const status = await apps.replaceNamespacedDeploymentStatus({name: 'scaled', namespace, body: scaled});
  assert.deepEqual([status.spec.replicas, status.status.replicas], [5, 4]);

  await core.createNamespacedServiceAccount({namespace, body: {metadata: {name: 'robot'}}});
  const {status: {token, expirationTimestamp}} = await core.createNamespacedServiceAccountToken({name: 'robot',
    namespace, body: {spec: {audiences: [], expirationSeconds: 600}}});
  assert.ok(expirationTimestamp > Date.now());
  const robot = new k8s.KubeConfig();
  robot.loadFromClusterAndUser(config.getCurrentCluster(), {name: 'robot', token});
  const review = await robot.makeApiClient(k8s.AuthenticationV1Api).createSelfSubjectReview({body: {}});
  assert.equal(review.status.userInfo.username, 'system:serviceaccount:default:robot');

  await core.createNamespacedPod({namespace, body: {metadata: {name: 'talker'},
    spec: {nodeName: 'n1', containers: [{name: 'c', image: 'img:1'}]}}});
  const lines = 'line 1 of c\nline 2 of c\nline 3 of c\n';
  assert.equal(await core.readNamespacedPodLog({name: 'talker', namespace}), lines);
  const stream = new PassThrough();
  await new k8s.Log(config).log(namespace, 'talker', 'c', stream);
  assert.equal(await text(stream), lines);
});

test('a lease keeps its microseconds', async () => {
  const coordination = config.makeApiClient(k8s.CoordinationV1Api);
  const now = new k8s.V1MicroTime('2026-01-02T03:04:05.678Z');
  await coordination.createNamespacedLease({namespace, body: {metadata: {name: 'leader'},
    spec: {holderIdentity: 'me', leaseDurationSeconds: 15, acquireTime: now, renewTime: now}}});
  const lease = await coordination.readNamespacedLease({name: 'leader', namespace});
  assert.equal(lease.spec.renewTime, '2026-01-02T03:04:05.678000Z');  // the client leaves it a text
  lease.spec.holderIdentity = 'you';
  await coordination.replaceNamespacedLease({name: 'leader', namespace, body: lease});
});

test('an object with a finalizer waits for it', async () => {
  await createMap('held', {metadata: {finalizers: ['example.com/hold']}});
  await core.deleteNamespacedConfigMap({name: 'held', namespace});
  const held = await core.readNamespacedConfigMap({name: 'held', namespace});
  assert.ok(held.metadata.deletionTimestamp instanceof Date);
  await core.patchNamespacedConfigMap({name: 'held', namespace, body: {metadata: {finalizers: null}}},
      withType(k8s.PatchStrategy.MergePatch));
  assert.equal((await refused(core.readNamespacedConfigMap({name: 'held', namespace}))).code, 404);
  const other = await createMap('other');
  const precondition = await refused(core.deleteNamespacedConfigMap({name: 'other', namespace,
    body: {preconditions: {uid: '00000000-0000-0000-0000-000000000000'}}}));
  assert.equal(precondition.code, 409);
  await core.deleteNamespacedConfigMap({name: 'other', namespace, body: {preconditions: {uid: other.metadata.uid}}});
});

test('kinds of one\'s own', async () => {
  const group = 'demo.example.com', version = 'v1', plural = 'gadgets';
  const extensions = config.makeApiClient(k8s.ApiextensionsV1Api);
  const definition = {metadata: {name: `${plural}.${group}`}, spec: {group, scope: 'Namespaced',
    names: {plural, kind: 'Gadget'}, versions: [{name: version, served: true, storage: true,
      subresources: {status: {}}, schema: {openAPIV3Schema: {type: 'object', properties: {
        spec: {type: 'object', properties: {size: {type: 'integer', minimum: 1, _default: 3}}},
        status: {type: 'object', x_kubernetes_preserve_unknown_fields: true}}}}}]}};
  await extensions.createCustomResourceDefinition({body: definition});
  for (;;) {
    const {status} = await extensions.readCustomResourceDefinition({name: definition.metadata.name});
    if (status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True')) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const custom = config.makeApiClient(k8s.CustomObjectsApi);
  const of = {group, version, namespace, plural};
  const gadget = {apiVersion: `${group}/${version}`, kind: 'Gadget', metadata: {name: 'g', namespace}, spec: {}};
  assert.equal((await custom.createNamespacedCustomObject({...of, body: gadget})).spec.size, 3, 'the default');
  const small = await refused(custom.patchNamespacedCustomObject({...of, name: 'g', body: {spec: {size: 0}}},
      withType(k8s.PatchStrategy.MergePatch)));
  assert.equal(small.code, 422);
  await custom.patchNamespacedCustomObjectStatus({...of, name: 'g',
    body: [{op: 'add', path: '/status', value: {seen: true}}]});
  const [only] = (await custom.listNamespacedCustomObject(of)).items;
  assert.deepEqual([only.spec, only.status], [{size: 3}, {seen: true}]);
  // The generic client finds the path of the kind by discovery.
  const read = await objects.read(gadget);
  assert.equal(read.metadata.uid, only.metadata.uid);
  await objects.delete(gadget);
  await extensions.deleteCustomResourceDefinition({name: definition.metadata.name});
});

test('discovery and version', async () => {
  const code = await config.makeApiClient(k8s.VersionApi).getCode();
  assert.equal(`${code.major}.${code.minor}`.match(/^1\.\d+/)?.index, 0);
  const groups = await config.makeApiClient(k8s.ApisApi).getAPIVersions();
  assert.ok(groups.groups.some((group) => group.name === 'apps'));
  const {resources} = await apps.getAPIResources();
  assert.deepEqual(resources.filter((r) => r.name.startsWith('deployments')).map((r) => r.name).sort(),
      ['deployments', 'deployments/scale', 'deployments/status']);
});
