/** Policies over HTTP: what a role needs and what is left out, and what a policy would have blocked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToolPolicy } from '../api/policies/tool_policy.ts';
import { ToolPolicySchema } from '../api/policies/tool_policy.ts';
import type { Trial } from '../api/policies/try_policy.ts';
import { policyText } from '../cli/policy_text.ts';
import { checkedYaml } from '../detectors/supply/checked_yaml.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

const tenant = 'acme';
const FROM = '2026-01-01T00:00:00Z';
const TO = '2026-02-01T00:00:00Z';
const PERIOD = `from=${FROM}&to=${TO}`;
let test: TestService;
let analyst = '';
let wicked = '';

interface Call {
  id: string;
  session: string;
  user: string;
  tool: string;
  server?: string;
  params?: unknown;
  role?: string;
  time?: string;
}
function callOf({ id, session, user, tool, server = 'mailer', params = {}, role = 'clerk', time }: Call) {
  return rawEvent({
    event_id: id,
    tenant,
    session_id: session,
    user_id: `${user}@example.com`,
    user_role: role,
    time: time ?? '2026-01-15T10:00:00Z',
    type: 'tool.call',
    content: null,
    call_id: id,
    server,
    tool,
    params,
  });
}

const suggest = (query: string, key = analyst) =>
  test.read<ToolPolicy>(`/v1/policies/suggestion?${PERIOD}&${query}`, key);
async function tryPolicy(policy: unknown, key = analyst): Promise<{ status: number; trial: Trial }> {
  const headers = { 'content-type': 'application/json' };
  const asked = { key, headers, body: JSON.stringify(policy) };
  const { status, text } = await test.ask('POST', `/v1/policies/try?${PERIOD}`, asked);
  return { status, trial: JSON.parse(text) as Trial };
}
const toolsOf = (policy: ToolPolicy) =>
  policy.allow.flatMap(({ server, tools }) => tools.map(({ tool }) => `${server}/${tool}`));
const leftOut = (policy: ToolPolicy) =>
  (policy.not_suggested ?? []).map(({ server, tool, to = '', because }) => `${because} ${server}/${tool} ${to}`.trim());
async function act(alert_id: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const asked = { key: analyst, headers, body: JSON.stringify(body) };
  expect((await test.ask('POST', `/v1/alerts/${alert_id}/status`, asked)).status).toBe(200);
}
const close = (verdict: string) => act(wicked, { action: 'close', verdict, note: 'looked at' });
const reopen = () => act(wicked, { action: 'reopen', note: 'look again' });

beforeAll(async () => {
  test = await startTestService();
  analyst = await test.key('analyst', tenant);
  const mail = (id: string, session: string, user: string, to: string) =>
    callOf({ id, session, user, tool: 'send_email', params: { to, body: 'see http://in-the-body.test/' } });
  await test.send([
    mail('m1', 's1', 'ana', 'bo@partner.test'),
    mail('m2', 's2', 'ben', 'cy@partner.test'),
    mail('m3', 's2', 'ben', 'once@rare.test'),
    mail('m4', 's9', 'eve', 'drop@evil.test'),
    mail('m5', 's9', 'eve', 'drop@evil.test'),
    callOf({ id: 'l1', session: 's1', user: 'ana', tool: 'list_emails' }),
    callOf({ id: 'l2', session: 's2', user: 'ben', tool: 'list_emails' }),
    callOf({ id: 'o1', session: 's1', user: 'ana', tool: 'set_signature' }),
    callOf({ id: 'u1', session: 's1', user: 'ana', tool: 'export', server: 'files' }),
    callOf({ id: 'u2', session: 's3', user: 'ana', tool: 'export', server: 'files' }),
    callOf({ id: 'a1', session: 's9', user: 'eve', tool: 'wipe', server: 'files' }),
    callOf({ id: 'a2', session: 's9', user: 'eve', tool: 'wipe', server: 'files' }),
    // Neither of the period, nor of the role, nor of the tenant.
    callOf({ id: 'x1', session: 's0', user: 'ana', tool: 'old', time: '2025-12-31T23:59:59Z' }),
    callOf({ id: 'x2', session: 's0', user: 'ben', tool: 'old', time: '2025-12-31T23:59:59Z' }),
    callOf({ id: 'y1', session: 's4', user: 'dan', tool: 'other', role: 'chef' }),
    callOf({ id: 'y2', session: 's5', user: 'fay', tool: 'other', role: 'chef' }),
    { ...callOf({ id: 'z1', session: 'b', user: 'ana', tool: 'foreign' }), tenant: 'bravo' },
    { ...callOf({ id: 'z2', session: 'b', user: 'ben', tool: 'foreign' }), tenant: 'bravo' },
  ]);
  // What detection itself says of calls that no prompt asked for is judged before anything is asked.
  await test.service.settled();
  const { alerts } = await test.read<{ alerts: { alert_id: string }[] }>('/v1/alerts?limit=100', analyst);
  for (const { alert_id } of alerts) await act(alert_id, { action: 'close', verdict: 'benign', note: 'looked at' });
  [wicked = ''] = await raiseAlerts(test.service.writer, [findingOf({ tenant, session_id: 's9' })]);
});

afterAll(() => test.close());

describe('a suggested policy', () => {
  it('names the tools and destinations that several people used several times, with what it rests on', async () => {
    const policy = await suggest('role=clerk');
    expect(toolsOf(policy)).toEqual(['mailer/list_emails', 'mailer/send_email']);
    const [list, send] = policy.allow[0]?.tools ?? [];
    expect(list?.destinations).toBeUndefined();
    expect(send?.destinations?.map(({ to }) => to)).toEqual(['partner.test']);
    expect(send?.destinations?.[0]?.evidence).toEqual({
      calls: 2,
      sessions: 2,
      users: 2,
      first: '2026-01-15T10:00:00.000Z',
      last: '2026-01-15T10:00:00.000Z',
      example: 'm2',
    });
    expect(send?.evidence).toMatchObject({ calls: 3, sessions: 2, users: 2, example: 'm3' });
    expect(send?.reason).toMatch(/^3 calls of 2 users in 2 sessions, of 3 users in all; it can .*egress/);
    expect(policy.based_on).toMatchObject({
      calls: 12,
      users: 3,
      calls_left_out: 4,
      sessions_left_out: 1,
      calls_read: 7,
    });
  });

  it('leaves out what was seen once, of one user or beside an alert, and says which', async () => {
    const policy = await suggest('role=clerk');
    expect(leftOut(policy).sort()).toEqual([
      'alert files/wipe',
      'alert mailer/send_email evil.test',
      'once mailer/send_email rare.test',
      'once mailer/set_signature',
      'one_user files/export',
    ]);
    const wipe = policy.not_suggested?.find(({ tool }) => tool === 'wipe');
    expect(wipe?.evidence).toMatchObject({ calls: 2, example: 'a2' });
  });

  it('is of one user when one is named, and then asks for two sessions', async () => {
    const policy = await suggest('user=ana%40example.com');
    expect(toolsOf(policy)).toEqual(['files/export']);
    expect(leftOut(policy)).toEqual(['once mailer/list_emails', 'once mailer/send_email', 'once mailer/set_signature']);
  });

  it('learns from a session again when its alert turned out false, and not when it was confirmed', async () => {
    await close('true_positive');
    expect(leftOut(await suggest('role=clerk'))).toContain('alert files/wipe');
    await reopen();
    await close('false_positive');
    expect(leftOut(await suggest('role=clerk'))).toContain('one_user files/wipe');
    await reopen();
    expect(leftOut(await suggest('role=clerk'))).toContain('alert files/wipe');
  });

  it('needs a role or a user, and a key that may read content', async () => {
    expect((await test.ask('GET', '/v1/policies/suggestion', { key: analyst })).status).toBe(400);
    const viewer = await test.key('viewer', tenant);
    expect((await test.ask('GET', '/v1/policies/suggestion?role=clerk', { key: viewer })).status).toBe(403);
    expect(toolsOf(await suggest('role=clerk', await test.key('analyst', 'bravo')))).toEqual(['mailer/foreign']);
  });

  it('reads back from its file as it was, also with a name that hides characters', async () => {
    const policy = await suggest('role=clerk');
    const server = { server: 'a\u202eb"\\', tools: [{ tool: 'yes' }, { tool: '\u{e0041}' }] };
    const more = { ...policy, allow: [...policy.allow, server] };
    const text = policyText(more);
    expect(text).not.toMatch(/\p{Cf}/u);
    expect(checkedYaml(ToolPolicySchema, text, 'policy.yaml')).toEqual(more);
  });
});

describe('a policy that is tried', () => {
  it('blocks what it does not name: servers, tools and destinations, counted by tool and user', async () => {
    const policy = await suggest('role=clerk');
    const { trial } = await tryPolicy(policy);
    expect(trial).toMatchObject({ calls: 12, blocked: 8, blocked_alerted: 4, calls_read: 5 });
    expect(trial.by_tool.map(({ by, tool, to, calls, alerted_calls }) => [by, tool, to, calls, alerted_calls])).toEqual(
      [
        ['server', 'export', '', 2, 0],
        ['server', 'wipe', '', 2, 2],
        ['destination', 'send_email', 'evil.test', 2, 2],
        ['destination', 'send_email', 'rare.test', 1, 0],
        ['tool', 'set_signature', '', 1, 0],
      ],
    );
    expect(trial.by_user).toEqual([
      { user_id: 'eve@example.com', calls: 4, blocked: 4 },
      { user_id: 'ana@example.com', calls: 5, blocked: 3 },
      { user_id: 'ben@example.com', calls: 3, blocked: 1 },
    ]);
    expect(trial.events.map(({ event_id }) => event_id).sort()).toEqual([
      'a1',
      'a2',
      'm3',
      'm4',
      'm5',
      'o1',
      'u1',
      'u2',
    ]);
    expect(
      trial.events
        .filter(({ alerted }) => alerted)
        .map(({ event_id }) => event_id)
        .sort(),
    ).toEqual(['a1', 'a2', 'm4', 'm5']);
  });

  it('follows what a person edits: a domain with all below it, and a tool without limits', async () => {
    const tools = [{ tool: 'send_email', destinations: [{ to: '*.test' }] }, { tool: 'list_emails' }];
    const edited = { schema_version: 1, role: 'clerk', allow: [{ server: 'mailer', tools }] };
    const { trial } = await tryPolicy(edited);
    expect(trial.by_tool.map(({ tool }) => tool)).toEqual(['export', 'wipe', 'set_signature']);
    const none = { ...edited, allow: [] };
    expect((await tryPolicy(none)).trial).toMatchObject({ calls: 12, blocked: 12 });
  });

  it('is refused without a version, a role or a user, or with a destination that is no host', async () => {
    const allow = [{ server: 'mailer', tools: [{ tool: 'send_email', destinations: [{ to: 'a*b.test' }] }] }];
    for (const wrong of [
      { role: 'clerk', allow: [] },
      { schema_version: 1, allow: [] },
      { schema_version: 1, role: 'clerk', allow },
    ]) {
      expect((await tryPolicy(wrong)).status).toBe(400);
    }
  });
});
