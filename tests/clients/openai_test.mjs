// The npm `openai` client against `nacelle serve` on the demo model.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import net from 'node:net';
import {after, before, test} from 'node:test';
import OpenAI, {AuthenticationError, BadRequestError, NotFoundError} from 'openai';

const binary = process.env.NACELLE ?? '../../build/release/nacelle';
const source = process.env.NACELLE_SOURCE_DIR ?? '../..';
let server, client, port;

const freePort = () => new Promise((resolve) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const {port} = probe.address();
    probe.close(() => resolve(port));
  });
});

before(async () => {
  port = await freePort();
  server = spawn(binary, ['serve', `${source}/models/demo`, '--host', '127.0.0.1', '--port', port, '--threads', '1',
    '--kv-cache-memory-bytes', '256M', '--served-model-name', 'demo', '--api-key', 'secret',
    '--enable-auto-tool-choice', '--tool-call-parser', 'hermes'], {stdio: 'ignore'});
  for (;;) {
    assert.equal(server.exitCode, null, 'the server ended');
    const ready = await fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false);
    if (ready) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client = new OpenAI({baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'secret', maxRetries: 0});
});
after(() => server.kill('SIGKILL'));

const hello = {model: 'demo', temperature: 0, max_tokens: 64,
  messages: [{role: 'user', content: 'Hello! What is Nacelle?'}]};

test('lists models', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ['demo']);
});

test('answers a chat', async () => {
  const answer = await client.chat.completions.create(hello);
  assert.match(answer.choices[0].message.content, /Nacelle/);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('streams the same text', async () => {
  const whole = await client.chat.completions.create(hello);
  const stream = await client.chat.completions.create(
      {...hello, stream: true, stream_options: {include_usage: true}});
  let text = '', usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage.completion_tokens, whole.usage.completion_tokens);
});

test('the stream helper accumulates', async () => {
  const runner = client.chat.completions.stream(hello);
  const message = await runner.finalMessage();
  assert.equal(message.role, 'assistant');
  assert.match(message.content, /Nacelle/);
});

test('gives log-probabilities', async () => {
  const answer = await client.chat.completions.create({...hello, max_tokens: 5, logprobs: true, top_logprobs: 3});
  for (const position of answer.choices[0].logprobs.content) {
    assert.ok(position.logprob <= 0);
    assert.equal(position.top_logprobs.length, 3);
    assert.equal(Buffer.from(position.bytes).toString(), position.token);
  }
});

test('completes text', async () => {
  const answer = await client.completions.create({model: 'demo', prompt: ['one two', 'three'], max_tokens: 4, n: 2,
    temperature: 1, seed: 1});
  assert.deepEqual(answer.choices.map((c) => c.index), [0, 1, 2, 3]);
});

test('calls a tool', async () => {
  const answer = await client.chat.completions.create({
    model: 'demo', temperature: 0, max_tokens: 96,
    messages: [{role: 'user', content: 'What is the weather in Paris?'}],
    tools: [{type: 'function', function: {name: 'get_weather', description: 'Get the weather of a city',
      parameters: {type: 'object', properties: {city: {type: 'string'}}, required: ['city']}}}],
  });
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(answer.choices[0].finish_reason, 'tool_calls');
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), {city: 'Paris'});
});

test('maps errors to the client\'s classes', async () => {
  await assert.rejects(client.chat.completions.create({...hello, model: 'nobody'}), NotFoundError);
  await assert.rejects(client.chat.completions.create({...hello, temperature: -1}), BadRequestError);
  await assert.rejects(new OpenAI({baseURL: client.baseURL, apiKey: 'wrong', maxRetries: 0}).models.list(),
      AuthenticationError);
});

test('an aborted stream leaves the server well', async () => {
  const stream = await client.completions.create({model: 'demo', prompt: 'count', max_tokens: 1500, stream: true});
  for await (const _ of stream) break;
  stream.controller.abort();
  const answer = await client.chat.completions.create(hello);
  assert.match(answer.choices[0].message.content, /Nacelle/);
});
