/** `tracewarden wrap` between the real MCP client and real servers, and servers that attack. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';
import { startTestService, type TestService } from './support/http_service.ts';

const SCRIPTED = fileURLToPath(new URL('mcp_servers/scripted.mjs', import.meta.url));
const packaged = (name: string) => fileURLToPath(import.meta.resolve(`@modelcontextprotocol/${name}/dist/index.js`));

interface Stored {
  type: string;
  tool?: string;
  server?: string;
  content?: string;
  params?: Record<string, unknown>;
  call_id?: string;
  is_error?: boolean;
  client_seq?: number;
  [field: string]: unknown;
}

let cli: CommandLine;
let test: TestService;
let home: string;
let key: string;
let sessions = 0;

beforeAll(async () => {
  cli = buildCommandLine();
  test = await startTestService();
  key = await test.key('ingest');
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tracewarden-wrap-')));
}, 120_000);
afterAll(async () => {
  await test.close();
  cli.close();
  rmSync(home, { recursive: true, force: true });
});

const newSession = () => `wrapped-${++sessions}`;
const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  TRACEWARDEN_URL: test.url,
  TRACEWARDEN_KEY: key,
  ...more,
});
const wrapped = (flags: string[], command: string[]) => [
  join(cli.folder, 'dist/cli/tracewarden.js'),
  'wrap',
  ...flags,
  '--',
  ...command,
];

/** A real client behind a wrapper. */
async function connect(session: string, name: string, command: string[], env: Record<string, string> = {}) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: wrapped(['--session', session, '--name', name], command),
    env: environment(env),
    stderr: 'pipe',
  });
  const client = new Client({ name: 'probe', version: '1.0.0' });
  await client.connect(transport);
  return client;
}

async function eventsOf(session: string): Promise<Stored[]> {
  await test.service.settled();
  const { events } = await test.read<{ events: Stored[] }>(`/v1/sessions/${session}`);
  return events;
}

/** Runs a program with bytes as its input and gives all it said. */
function run(args: string[], input: string, env = environment()) {
  const child = spawn(process.execPath, args, { env });
  const parts: Buffer[] = [];
  let said = '';
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  child.stdin.end(input);
  return new Promise<{ code: number | null; stdout: Buffer; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(parts), stderr: said })),
  );
}

const line = (message: unknown) => `${JSON.stringify(message)}\n`;

describe('bytes', () => {
  const ODD_SPACING =
    '{"id" :\t1, "jsonrpc":"2.0","method":"tools/call" , "params":{"name":"echo","arguments":{"n":1.50,"n":2}}}\r\n';
  const script = [
    line({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } }),
    line({ jsonrpc: '2.0', method: 'notifications/initialized' }),
    ODD_SPACING,
    'this is no message\n',
    '\n',
    line({ jsonrpc: '2.0', id: 'é😀', method: 'tools/list', params: { _meta: { unknown: { deep: [1] } } } }),
    line({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'large', arguments: { bytes: 3_000_000 } } }),
    line({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name: 'fail' } }),
    line({ jsonrpc: '2.0', id: 5, method: 'server/discover', params: {} }),
  ].join('');

  it('of both directions, errors and the exit code are the same with and without the wrapper', async () => {
    const bare = await run([SCRIPTED, 'odd'], script);
    const with_wrapper = await run(wrapped(['--session', newSession()], [process.execPath, SCRIPTED, 'odd']), script);
    expect(bare.code).toBe(7);
    expect(with_wrapper.code).toBe(7);
    expect(with_wrapper.stdout.equals(bare.stdout)).toBe(true);
    expect(with_wrapper.stderr).toBe(bare.stderr);
  });

  it('pass when the service is away, and the wrapper says so once', async () => {
    const env = environment({ TRACEWARDEN_URL: 'http://127.0.0.1:9', XDG_STATE_HOME: join(home, 'away') });
    const bare = await run([SCRIPTED], script, env);
    const { stdout, stderr, code } = await run(wrapped([], [process.execPath, SCRIPTED]), script, env);
    expect(code).toBe(0);
    expect(stdout.equals(bare.stdout)).toBe(true);
    expect(stderr.match(/events wait in the spool/g)).toHaveLength(1);
  });

  it('end with the code that the server chose, with 127 for a server that is not there, and with 2 for wrong usage', async () => {
    const exit = line({ jsonrpc: '2.0', id: 1, method: 'exit', params: { code: 42 } });
    expect((await run(wrapped([], [process.execPath, SCRIPTED]), exit)).code).toBe(42);
    expect((await run(wrapped([], ['no-such-server-here']), '')).code).toBe(127);
    expect(
      (await run([join(cli.folder, 'dist/cli/tracewarden.js'), 'wrap', '--nmae', 'x', '--', 'true'], '')).code,
    ).toBe(2);
  });

  it('signals reach the server, and the wrapper ends by the same one', async () => {
    const child = spawn(process.execPath, wrapped([], [process.execPath, SCRIPTED]), { env: environment() });
    await new Promise((resolve) => child.stderr.once('data', resolve));
    child.kill('SIGTERM');
    const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on('close', (code, by) => resolve([code, by])),
    );
    expect(signal).toBe('SIGTERM');
  });

  it('the server does not see the key of the service', async () => {
    const child = [process.execPath, '-e', 'process.stdout.write(JSON.stringify(Object.keys(process.env)))'];
    const { stdout } = await run(wrapped([], child), '');
    expect(stdout.toString()).toContain('PATH');
    expect(stdout.toString()).not.toContain('TRACEWARDEN_KEY');
  });
});

describe('real servers', () => {
  it('the filesystem server: definitions, calls and results are recorded, joined by their ids', async () => {
    writeFileSync(join(home, 'notes.txt'), 'the quarterly figures are in ledger 4471');
    const session = newSession();
    const client = await connect(session, 'files', [process.execPath, packaged('server-filesystem'), home]);
    const { tools } = await client.listTools();
    await client.callTool({ name: 'read_text_file', arguments: { path: join(home, 'notes.txt') } });
    await client.callTool({ name: 'read_text_file', arguments: { path: '/etc/none' } });
    await client.close();
    const events = await eventsOf(session);
    const of = (type: string) => events.filter((event) => event.type === type);
    expect(of('tools.list')).toHaveLength(1);
    const [call] = of('tool.call');
    const [result, denied] = of('tool.result');
    expect(call).toMatchObject({ tool: 'read_text_file', server: 'files', params: { path: join(home, 'notes.txt') } });
    expect(result).toMatchObject({ tool: 'read_text_file', call_id: call?.call_id });
    expect(JSON.stringify(result?.content)).toContain('ledger 4471');
    expect(denied?.is_error).toBe(true);
    expect(JSON.stringify(of('server.version')[0])).toContain('@modelcontextprotocol/server-filesystem');
    expect(tools.length).toBeGreaterThan(5);
    expect(events.map(({ client_seq }) => client_seq)).toEqual(events.map((_, at) => at));
    expect(of('prompt')).toEqual([]);
  });

  it('the memory, everything and sequential-thinking servers work as without it', async () => {
    const session = newSession();
    const memory = await connect(session, 'memory', [process.execPath, packaged('server-memory')], {
      MEMORY_FILE_PATH: join(home, 'memory.jsonl'),
    });
    await memory.callTool({
      name: 'create_entities',
      arguments: { entities: [{ name: 'Ana', entityType: 'person', observations: ['likes tea'] }] },
    });
    const read = await memory.callTool({ name: 'read_graph', arguments: {} });
    expect(JSON.stringify(read)).toContain('likes tea');
    await memory.close();
    const everything = await connect(session, 'everything', [process.execPath, packaged('server-everything')]);
    expect(JSON.stringify(await everything.callTool({ name: 'echo', arguments: { message: 'hi' } }))).toContain('hi');
    const { resources } = await everything.listResources();
    await everything.readResource({ uri: resources[0]?.uri ?? '' });
    await everything.listPrompts();
    await everything.close();
    const thinking = await connect(session, 'thinking', [process.execPath, packaged('server-sequential-thinking')]);
    const thought = { thought: 'first', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false };
    await thinking.callTool({ name: 'sequentialthinking', arguments: thought });
    await thinking.close();
    const events = await eventsOf(session);
    expect(new Set(events.map(({ server }) => server))).toEqual(new Set(['memory', 'everything', 'thinking']));
    expect(events.filter(({ type }) => type === 'resource.read')).not.toHaveLength(0);
    // Three wrappers number their own events in one session, and none of them seems to have lost any.
    const { alerts } = await test.read<{ alerts: { rule_id: string; session_id: string }[] }>('/v1/alerts');
    expect(alerts.filter(({ rule_id }) => rule_id === 'telemetry_gap')).toEqual([]);
  });

  it('a result of 20 MB passes and is kept with head, tail, digest and size', async () => {
    const session = newSession();
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'large', arguments: { bytes: 20_000_000 } },
    };
    const { stdout } = await run(wrapped(['--session', session], [process.execPath, SCRIPTED]), line(call));
    expect(stdout.length).toBeGreaterThan(20_000_000);
    const result = (await eventsOf(session)).find(({ type }) => type === 'tool.result');
    const text = JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(20_000_000) }] });
    expect(result?.capture).toEqual({
      content: { level: 'truncated', sha256: createHash('sha256').update(text).digest('hex'), size_bytes: text.length },
    });
  });

  it('secrets stay on the host, and the same secret has the same placeholder', async () => {
    const session = newSession();
    const token = `ghp_${'aB3dE6gH9j'.repeat(3)}`;
    const client = await connect(session, 'secrets', [process.execPath, SCRIPTED]);
    await client.callTool({ name: 'echo', arguments: { note: `token ${token}`, password: 'hunter2-hunter2' } });
    await client.close();
    const text = JSON.stringify(await eventsOf(session));
    expect(text).not.toContain(token);
    expect(text).not.toContain('hunter2-hunter2');
    const placeholders = text.match(/ghp_twredacted[0-9a-f]{32}/g) ?? [];
    expect(placeholders.length).toBeGreaterThanOrEqual(2);
    expect(new Set(placeholders).size).toBe(1);
  });
});

describe('both eras', () => {
  it('without a handshake: the client is known from _meta, and what a server asks for is its own text, not a prompt', async () => {
    const session = newSession();
    const _meta = {
      'io.modelcontextprotocol/clientInfo': { name: 'modern', version: '9' },
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    const script = [
      line({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: {}, _meta } }),
      line({ jsonrpc: '2.0', id: 2, method: 'prompts/get', params: { name: 'review', _meta } }),
      line({
        jsonrpc: '2.0',
        id: 3,
        method: 'tools/call',
        params: { name: 'echo', arguments: {}, _meta: { ..._meta, 'vscode.conversationId': `${session}-talk` } },
      }),
    ].join('');
    await run(wrapped(['--session', session, '--name', 'modern'], [process.execPath, SCRIPTED]), script);
    const events = await eventsOf(session);
    expect(events.find(({ type }) => type === 'tool.call')).toMatchObject({
      agent: 'modern',
      trace_id: 'a'.repeat(32),
    });
    const reads = events.filter(({ type }) => type === 'resource.read').map(({ uri }) => uri);
    expect(reads).toEqual(['mcp://modern/elicitation/create', 'mcp://modern/prompts/review']);
    expect(events.some(({ type }) => type === 'prompt')).toBe(false);
    const talk = await eventsOf(`${session}-talk`);
    expect(talk.map(({ type }) => type)).toEqual(['server.version', 'tool.call', 'tool.result', 'protocol.message']);
  });
});

describe('servers that attack', () => {
  async function rulesFor(how: string, name: string, lists: number): Promise<string[]> {
    const session = newSession();
    const client = await connect(session, name, [process.execPath, SCRIPTED, how]);
    for (let n = 0; n < lists; n++) await client.listTools();
    await client.close();
    await test.service.settled();
    const { alerts } = await test.read<{ alerts: { rule_id: string; session_id: string }[] }>('/v1/alerts');
    return alerts.filter(({ session_id }) => session_id === session).map(({ rule_id }) => rule_id);
  }

  it('one that changes a definition under way raises definition_changed', async () => {
    expect(await rulesFor('rug-pull', 'sums', 2)).toContain('definition_changed');
  });
  it('one with orders in a description raises poisoned_description', async () => {
    expect(await rulesFor('poisoned', 'jokes', 1)).toContain('poisoned_description');
  });
  it('one that speaks of another server’s tool raises tool_shadowing', async () => {
    expect(await rulesFor('billing', 'billing', 1)).toEqual([]);
    expect(await rulesFor('shadowing', 'quotes', 1)).toContain('tool_shadowing');
  });
});
