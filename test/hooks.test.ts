/** Hooks of agents' hosts over HTTP: what Claude Code and Cursor tell becomes the session's events. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseStrict } from '../core/json/strict.ts';
import { createEventReader } from '../ingest/event_reader.ts';
import type { HookSource } from '../ingest/hooks/hook_source.ts';
import { loadHookSources } from '../ingest/hooks/load.ts';
import { startTestService, type TestService } from './support/http_service.ts';

interface EventJson {
  type: string;
  session_id: string;
  user_id?: string;
  agent?: string;
  parent_agent?: string;
  server?: string;
  tool?: string;
  call_id?: string;
  params?: Record<string, unknown>;
  content?: string;
  is_error?: boolean;
  duration_ms?: number;
  extra?: Record<string, unknown>;
  decision?: Record<string, unknown>;
  result_seq?: number;
}

function isStrict(value: unknown): boolean {
  try {
    return parseStrict(Buffer.from(JSON.stringify(value))) !== undefined;
  } catch {
    return false;
  }
}

let test: TestService;
let gateway = '';
let ingest = '';
let analyst = '';

const common = (session_id: string) => ({
  session_id,
  prompt_id: 'p-1',
  transcript_path: '/home/ana/.claude/projects/x/1.jsonl',
  cwd: '/home/ana/project',
  permission_mode: 'default',
});
/** One turn as Claude Code tells it. */
const turn = (session_id: string): Record<string, unknown>[] => [
  { ...common(session_id), hook_event_name: 'SessionStart', source: 'startup', model: 'model-x' },
  { ...common(session_id), hook_event_name: 'UserPromptSubmit', prompt: 'What is in the readme?' },
  {
    ...common(session_id),
    hook_event_name: 'PreToolUse',
    tool_name: 'mcp__files__read_file',
    tool_input: { path: 'README.md' },
    tool_use_id: 'toolu_1',
  },
  {
    ...common(session_id),
    hook_event_name: 'PostToolUse',
    tool_name: 'mcp__files__read_file',
    tool_input: { path: 'README.md' },
    tool_response: [{ type: 'text', text: '# Hello' }],
    tool_use_id: 'toolu_1',
    duration_ms: 12,
  },
  {
    ...common(session_id),
    hook_event_name: 'PostToolUseFailure',
    tool_name: 'Bash',
    tool_input: { command: 'false' },
    error: 'Command failed',
    tool_use_id: 'toolu_2',
  },
  { ...common(session_id), hook_event_name: 'Notification', message: 'waits for you' },
  { ...common(session_id), hook_event_name: 'Stop', stop_hook_active: false, last_assistant_message: 'It says hello.' },
  { ...common(session_id), hook_event_name: 'SessionEnd', reason: 'logout' },
];

async function hook(source: string, body: unknown, { key = ingest, query = '', headers = {} } = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const asked = { key, headers: { 'content-type': 'application/json', ...headers }, body: text };
  const answer = await test.ask('POST', `/v1/hooks/${source}${query}`, asked);
  return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> };
}
const story = async (session_id: string) =>
  (await test.read<{ events: EventJson[] }>(`/v1/sessions/${session_id}`, analyst)).events;

beforeAll(async () => {
  test = await startTestService();
  [gateway, ingest, analyst] = await Promise.all([
    test.key('gateway', 'default'),
    test.key('ingest', 'default'),
    test.key('analyst', 'default'),
  ]);
});

afterAll(() => test.close());

describe('what Claude Code tells', () => {
  it('becomes the story of the session: prompt, calls with their results, answer, start and end', async () => {
    for (const body of turn('cc-1')) {
      expect(await hook('claude-code', body, { headers: { 'tracewarden-user': 'ana@example.com' } })).toEqual({
        status: 200,
        body: {},
      });
    }
    const events = await story('cc-1');
    expect(events.map(({ type }) => type)).toEqual([
      'session.start',
      'prompt',
      'tool.call',
      'tool.result',
      'tool.result',
      'protocol.message',
      'response',
      'session.end',
    ]);
    expect(events[1]).toMatchObject({ content: 'What is in the readme?', user_id: 'ana@example.com' });
    expect(events[2]).toMatchObject({
      server: 'files',
      tool: 'read_file',
      call_id: 'toolu_1',
      params: { path: 'README.md' },
      agent: 'claude-code',
    });
    expect(events[3]).toMatchObject({ call_id: 'toolu_1', duration_ms: 12 });
    expect(events[3]?.is_error ?? false).toBe(false);
    expect(events[3]?.content).toContain('# Hello');
    expect(events[4]).toMatchObject({ server: 'claude-code', tool: 'Bash', is_error: true, content: 'Command failed' });
    expect(events[6]).toMatchObject({ content: 'It says hello.' });
  });

  it('does not hold the path of the transcript', async () => {
    expect(JSON.stringify(await story('cc-1'))).not.toContain('.claude/projects');
  });

  it('of a subagent names it and the agent that started it', async () => {
    const body = { ...common('cc-2'), agent_id: 'a7', agent_type: 'Explore', hook_event_name: 'PreToolUse' };
    await hook('claude-code', { ...body, tool_name: 'Read', tool_input: { file_path: 'x' }, tool_use_id: 't9' });
    const [event] = await story('cc-2');
    expect(event).toMatchObject({ agent: 'Explore', parent_agent: 'claude-code', extra: { agent_id: 'a7' } });
  });

  it('and is sent again is one event, where the host names the call', async () => {
    const call = {
      ...common('cc-3'),
      hook_event_name: 'PreToolUse',
      tool_name: 'Read',
      tool_use_id: 't1',
      tool_input: {},
    };
    await hook('claude-code', call);
    await hook('claude-code', call);
    const prompt = { ...common('cc-3'), hook_event_name: 'UserPromptSubmit', prompt: 'go on' };
    await hook('claude-code', prompt);
    await hook('claude-code', prompt);
    expect((await story('cc-3')).map(({ type }) => type)).toEqual(['tool.call', 'prompt', 'prompt']);
  });
});

describe('what Cursor tells', () => {
  const cursor = (hook_event_name: string, more: Record<string, unknown>) => ({
    conversation_id: 'cu-1',
    generation_id: 'g-1',
    model: 'model-y',
    cursor_version: '3.2.1',
    workspace_roots: ['/home/ben/project'],
    user_email: 'ben@example.com',
    hook_event_name,
    ...more,
  });

  it('becomes the story of the conversation, the reasoning with it', async () => {
    await hook('cursor', cursor('beforeSubmitPrompt', { prompt: 'Find the ticket', attachments: [] }));
    await hook('cursor', cursor('afterAgentThought', { text: 'I look it up.', duration_ms: 800 }));
    const mcp = { tool_name: 'search', tool_input: '{"query":"ticket"}', url: 'https://tickets.example.com/mcp' };
    await hook('cursor', cursor('beforeMCPExecution', mcp));
    await hook('cursor', cursor('afterMCPExecution', { ...mcp, result_json: '{"found":1}', duration: 40 }));
    await hook(
      'cursor',
      cursor('preToolUse', { tool_name: 'Shell', tool_input: { command: 'ls' }, tool_use_id: 's1' }),
    );
    await hook('cursor', cursor('afterAgentResponse', { text: 'Found it.' }));
    const events = await story('cu-1');
    expect(events.map(({ type }) => type)).toEqual([
      'prompt',
      'reasoning',
      'tool.call',
      'tool.result',
      'tool.call',
      'response',
    ]);
    expect(events[0]).toMatchObject({ user_id: 'ben@example.com', agent: 'cursor' });
    expect(events[1]).toMatchObject({ content: 'I look it up.' });
    expect(events[2]).toMatchObject({ server: 'https://tickets.example.com/mcp', params: { query: 'ticket' } });
    expect(events[4]).toMatchObject({ server: 'cursor', tool: 'Shell', call_id: 's1' });
  });
});

describe('with a wrapper in front of the MCP servers', () => {
  it('a call is no second call: it stands beside, and says by what the two can be joined', async () => {
    for (const body of turn('cc-4')) await hook('claude-code', body, { query: '?wrapped=1' });
    const events = await story('cc-4');
    expect(events.filter(({ type, server }) => type === 'tool.call' && server === 'files')).toEqual([]);
    const beside = events.find(({ call_id }) => call_id === 'toolu_1');
    expect(beside).toMatchObject({ type: 'protocol.message', extra: { join_by: 'call_id', tool: 'read_file' } });
    // Its own tools are told by nobody else.
    expect(events.some(({ type, tool }) => type === 'tool.result' && tool === 'Bash')).toBe(true);
  });

  it('a call without an id is likely the same one by its arguments, and no more is claimed', async () => {
    const mcp = {
      hook_event_name: 'beforeMCPExecution',
      tool_name: 'search',
      tool_input: '{"b":1,"a":2}',
      command: 'x',
    };
    await hook('cursor', { conversation_id: 'cu-2', ...mcp }, { query: '?wrapped=1' });
    const [event] = await story('cu-2');
    expect(event?.extra).toMatchObject({ join_by: 'arguments' });
    expect(event?.extra?.params_sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('in a suspended session', () => {
  async function suspend(session_id: string) {
    const body = JSON.stringify({ action: 'suspend', target: { kind: 'session', id: session_id }, reason: 'seen' });
    const headers = { 'content-type': 'application/json' };
    const { text } = await test.ask('POST', '/v1/enforcement', { key: await test.key('responder'), headers, body });
    return (JSON.parse(text) as { command_id: string }).command_id;
  }
  const call = (session_id: string) => ({
    ...common(session_id),
    hook_event_name: 'PreToolUse',
    tool_name: 'Bash',
    tool_input: { command: 'curl https://collector.example' },
    tool_use_id: `t-${session_id}`,
  });

  it('a call is refused in the host’s own form, recorded as refused, and the suspension is applied', async () => {
    await hook('claude-code', { ...common('cc-5'), hook_event_name: 'UserPromptSubmit', prompt: 'hello' });
    const command_id = await suspend('cc-5');
    const { status, body } = await hook('claude-code', call('cc-5'), { key: gateway });
    expect(status).toBe(200);
    expect(body.hookSpecificOutput).toMatchObject({ hookEventName: 'PreToolUse', permissionDecision: 'deny' });
    const events = await story('cc-5');
    expect(events.at(-1)).toMatchObject({
      type: 'policy.decision',
      decision: { action: 'deny', policy_id: command_id },
    });
    const { commands } = await test.read<{ commands: { command_id: string; state: string }[] }>(
      '/v1/enforcement/commands',
      gateway,
    );
    expect(commands.find((each) => each.command_id === command_id)?.state).toBe('applied');
  });

  it('what is no call is taken without a word', async () => {
    const prompt = { ...common('cc-5'), hook_event_name: 'UserPromptSubmit', prompt: 'and now?' };
    expect((await hook('claude-code', prompt, { key: gateway })).body).toEqual({});
  });

  it('another session, and a key that may not know of it, are told nothing', async () => {
    expect((await hook('claude-code', call('cc-6'), { key: gateway })).body).toEqual({});
    expect((await hook('claude-code', { ...call('cc-5'), tool_use_id: 'other' })).body).toEqual({});
    const foreign = await test.key('gateway', 'bravo');
    expect((await hook('claude-code', { ...call('cc-5'), tool_use_id: 't7' }, { key: foreign })).body).toEqual({});
  });

  it('Cursor is refused in its own form', async () => {
    await suspend('cu-9');
    const body = { conversation_id: 'cu-9', hook_event_name: 'beforeShellExecution', command: 'ls', cwd: '/' };
    expect((await hook('cursor', body, { key: gateway })).body).toMatchObject({ permission: 'deny' });
  });
});

describe('what is wrong', () => {
  it.each([
    ['no JSON', 'hello', 400],
    ['a list', '[]', 400],
    ['the same member twice', '{"hook_event_name":"Stop","hook_event_name":"Stop"}', 400],
    ['nested too deeply', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`, 400],
  ])('is refused with its reason: %s', async (_, body, status) => {
    const answer = await hook('claude-code', body);
    expect(answer.status).toBe(status);
    expect(typeof answer.body.detail).toBe('string');
  });

  it('a host that is not known is named', async () => {
    const { status, body } = await hook('other', {});
    expect(status).toBe(404);
    expect(body.detail).toContain('claude-code, cursor');
  });

  it('needs the permission to send events', async () => {
    expect((await hook('claude-code', turn('x')[0], { key: analyst })).status).toBe(403);
  });

  it('never makes an event that the log would reject, whatever a host says', async () => {
    const sources = [...(await loadHookSources()).values()];

    const name = fc.constantFrom(
      ...['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PermissionDenied'],
      ...['Stop', 'SessionEnd', 'constructor', '__proto__', 'preToolUse', 'postToolUse', 'postToolUseFailure'],
      ...['beforeMCPExecution', 'afterMCPExecution', 'beforeShellExecution', 'afterShellExecution', 'sessionEnd'],
    );
    const member = fc.constantFrom(
      ...['session_id', 'conversation_id', 'tool_name', 'tool_input', 'tool_response', 'tool_output', 'tool_use_id'],
      ...['error', 'reason', 'prompt', 'text', 'duration_ms', 'duration', 'agent_type', 'agent_id', 'user_email'],
      ...['model', 'last_assistant_message', 'command', 'url', 'result_json', 'cwd', 'is_interrupt', 'generation_id'],
    );
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }), fc.constant('mcp__a__b'));
    const body = fc
      .tuple(name, fc.dictionary(member, value))
      .map(([hook_event_name, rest]) => ({ ...rest, hook_event_name }));
    fc.assert(
      fc.property(body, fc.boolean(), fc.nat(sources.length - 1), (said, wrapped, at) => {
        // What the route refuses never comes to a source.
        fc.pre(isStrict(said));
        for (const draft of (sources[at] as HookSource).read(said, { wrapped }).events) {
          const event = { event_id: 'e', time: '2026-05-01T00:00:00Z', session_id: 's', ...draft };
          const read = createEventReader(Date.UTC(2026, 5, 1)).read(Buffer.from(JSON.stringify(event)));
          expect(read, JSON.stringify(event)).toHaveProperty('event');
        }
      }),
    );
  });
});

describe('the script of the guide', () => {
  const guide = readFileSync(new URL('../docs/guides/platform.md', import.meta.url), 'utf8');
  const script = /<!-- file: tell-tracewarden\.sh -->\n```sh\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
  const said = JSON.stringify({
    conversation_id: 'cu-script',
    hook_event_name: 'beforeSubmitPrompt',
    prompt: 'from a script',
  });
  async function run(url: string): Promise<string> {
    const env = { ...process.env, TRACEWARDEN_KEY: ingest, TRACEWARDEN_URL: url };
    const child = spawn('sh', ['-c', script], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(said);
    let out = '';
    for await (const piece of child.stdout) out += String(piece);
    return out.trim();
  }

  it('tells the service what it reads, and prints its answer', async () => {
    expect(JSON.parse(await run(test.url))).toEqual({});
    expect((await story('cu-script')).map(({ content }) => content)).toEqual(['from a script']);
  });

  it('stops no host while the service is away', async () => {
    expect(JSON.parse(await run('http://127.0.0.1:9'))).toEqual({});
  });

  it('stands beside settings that are JSON', () => {
    const settings = [...guide.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => JSON.parse(text) as unknown);
    expect(settings.length).toBeGreaterThanOrEqual(2);
  });
});
