/** What servers publish about their tools, over HTTP: versions in order, and decisions that detection hears of. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../core/json/canonical.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';

interface VersionJson {
  definition_sha256: string;
  definition: { description: string };
  lists: number;
  sessions: number;
  first_session_id: string;
  decision: { decision: string; approver: string; reason: string } | null;
}

let test: TestService;
let responder = '';
let analyst = '';

const OLD = { name: 'add', description: 'Adds a note.', inputSchema: { type: 'object', properties: {} } };
/** The same as `OLD`, with its members in another order. */
const OLD_AGAIN = { inputSchema: { properties: {}, type: 'object' }, description: 'Adds a note.', name: 'add' };
const NEW = { ...OLD, description: 'Adds a note and sends it to notes.example.' };
const sha256 = (value: unknown) => createHash('sha256').update(canonicalJson(value)).digest('hex');

let events = 0;
const listed = (session_id: string, ...tools: unknown[]) =>
  rawEvent({ event_id: `l${events++}`, type: 'tools.list', session_id, tenant: 'acme', server: 'notes', tools });
const call = (session_id: string) =>
  rawEvent({
    event_id: `c${events++}`,
    type: 'tool.call',
    session_id,
    tenant: 'acme',
    server: 'notes',
    tool: 'add',
    call_id: `c${events}`,
    params: {},
  });
const versions = async () =>
  (await test.read<{ versions: VersionJson[] }>('/v1/tools/versions?server=notes&tool=add', analyst)).versions;
async function decide(body: Record<string, unknown>, key = responder) {
  const headers = { 'content-type': 'application/json' };
  const whole = { server: 'notes', reason: 'looked at', ...body };
  return test.ask('POST', '/v1/tools/approvals', { key, headers, body: JSON.stringify(whole) });
}
const rulesOf = async (): Promise<string[]> => {
  await test.service.settled();
  const { alerts } = await test.read<{ alerts: { rule_id: string }[] }>('/v1/alerts', analyst);
  return alerts.map(({ rule_id }) => rule_id);
};

beforeAll(async () => {
  test = await startTestService();
  responder = await test.key('responder', 'acme');
  analyst = await test.key('analyst', 'acme');
  await test.send([
    listed('s1', OLD, { name: 'other', description: 'Another tool' }),
    listed('s2', OLD_AGAIN),
    listed('s3', NEW),
    rawEvent({
      event_id: 'foreign',
      type: 'tools.list',
      session_id: 'x',
      tenant: 'bravo',
      server: 'notes',
      tools: [OLD],
    }),
  ]);
});

afterAll(() => test.close());

describe('versions of a definition', () => {
  it('come in the order in which they were published; the order of members makes no version', async () => {
    const [first, second, ...more] = await versions();
    expect(more).toEqual([]);
    expect(first).toMatchObject({ definition_sha256: sha256(OLD), lists: 2, sessions: 2, first_session_id: 's1' });
    expect(second).toMatchObject({ definition_sha256: sha256(NEW), lists: 1, decision: null });
  });

  it('are counted in the list, the last change first', async () => {
    const { tools } = await test.read<{ tools: { tool: string; versions: number }[] }>('/v1/tools/published', analyst);
    expect(tools.map(({ tool }) => tool).sort()).toEqual(['add', 'other']);
    expect(tools[0]).toMatchObject({ tool: 'add' });
    expect(tools[0]?.versions).toBeGreaterThan(1);
  });

  it('of a tool that nobody published are not there', async () => {
    expect((await test.ask('GET', '/v1/tools/versions?server=notes&tool=none', { key: analyst })).status).toBe(404);
    const other = await test.key('analyst', 'charlie');
    expect((await test.ask('GET', '/v1/tools/versions?server=notes&tool=add', { key: other })).status).toBe(404);
  });
});

describe('a decision', () => {
  it('is an event of the log under the name of who decided, and the last one counts', async () => {
    const tools = [{ tool: 'add', definition_sha256: sha256(NEW) }];
    expect((await decide({ tools, decision: 'approved' })).status).toBe(201);
    const { status, text } = await decide({ tools, decision: 'rejected', reason: 'sends notes out' });
    expect(status).toBe(201);
    const [, second] = await versions();
    expect(second?.decision).toMatchObject({
      decision: 'rejected',
      approver: 'a responder',
      reason: 'sends notes out',
    });
    const { event_ids } = JSON.parse(text) as { event_ids: string[] };
    const proof = await test.ask('GET', `/v1/events/${event_ids[0]}`, { key: analyst });
    expect(proof.status).toBe(200);
    expect(proof.text).toContain('tool.approval');
  });

  it('of rejection makes a call with that definition an alert', async () => {
    expect(await rulesOf()).not.toContain('tool_used_before_approval');
    await test.send([listed('s4', NEW), call('s4')]);
    expect(await rulesOf()).toContain('tool_used_before_approval');
  });

  it('of approval keeps a call with that definition silent', async () => {
    await decide({ tools: [{ tool: 'add', definition_sha256: `sha256:${sha256(OLD)}` }], decision: 'approved' });
    const before = (await rulesOf()).filter((rule) => rule === 'tool_used_before_approval').length;
    await test.send([listed('s5', OLD), call('s5')]);
    expect((await rulesOf()).filter((rule) => rule === 'tool_used_before_approval').length).toBe(before);
  });

  it.each([
    ['no reason', { reason: ' ', tools: [{ tool: 'add', definition_sha256: sha256(OLD) }], decision: 'approved' }],
    ['a digest that is none', { tools: [{ tool: 'add', definition_sha256: 'abc' }], decision: 'approved' }],
    ['no tool', { tools: [], decision: 'approved' }],
    ['another word', { tools: [{ tool: 'add', definition_sha256: sha256(OLD) }], decision: 'maybe' }],
  ])('is refused with %s', async (_, body) => {
    expect((await decide(body)).status).toBe(400);
  });

  it('is for responders and administrators', async () => {
    const body = { tools: [{ tool: 'add', definition_sha256: sha256(OLD) }], decision: 'approved' };
    expect((await decide(body, analyst)).status).toBe(403);
  });
});
