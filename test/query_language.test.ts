/** The query language against the real engine: a query finds in the store what it finds in memory, and over HTTP. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewOf } from '../api/event_view.ts';
import { ANYTHING, compileQuery } from '../core/query/compile.ts';
import { matchesQuery } from '../core/query/evaluate.ts';
import { formatQuery } from '../core/query/format.ts';
import { parseQuery } from '../core/query/parse.ts';
import type { QueryRow, Subject } from '../core/query/subject.ts';
import { ALERTS } from '../core/query/subjects/alerts.ts';
import { EVENTS } from '../core/query/subjects/events.ts';
import { SESSIONS } from '../core/query/subjects/sessions.ts';
import { SUPPRESSIONS } from '../core/query/subjects/suppressions.ts';
import { listAlerts } from '../core/store/queries/alerts.ts';
import { findEvents } from '../core/store/queries/events.ts';
import { listSessions } from '../core/store/queries/sessions.ts';
import { listSuppressions } from '../core/store/queries/suppressions.ts';
import { arbitraryQuery } from './arbitrary_query.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

const now_ms = Date.parse('2026-03-02T00:00:00Z');
const asked = { now_ms, with_content: true };
const PAST = Number.MAX_SAFE_INTEGER;
const LATEST = Date.UTC(2299, 0, 1);
const tenant = 'default';

let test: TestService;
let alert_ids: string[] = [];

function session(session_id: string, user_id: string, servers: readonly string[], at: string): unknown[] {
  const time = (second: number) => `2026-03-01T${at}:${String(second).padStart(2, '0')}Z`;
  const common = { session_id, user_id, user_role: user_id === '' ? '' : 'clerk', agent: `Robot_${servers.length}` };
  const calls = servers.flatMap((server, nth) => {
    const call = { ...common, server, tool: `${server}_tool`, call_id: `c${nth}` };
    return [
      {
        ...call,
        type: 'tool.call',
        event_id: `${session_id}-c${nth}`,
        time: time(2 * nth + 1),
        params: { q: 'Ünï 100%' },
      },
      {
        ...call,
        type: 'tool.result',
        event_id: `${session_id}-r${nth}`,
        time: time(2 * nth + 2),
        is_error: nth === 1,
        content: `words of ${server}, "quoted" and \\ more`,
      },
    ];
  });
  return [{ ...common, type: 'prompt', event_id: `${session_id}-p`, time: time(0), content: 'what is new?' }, ...calls];
}

beforeAll(async () => {
  test = await startTestService();
  const events = [
    ...session('s1', 'alice', ['mail', 'files'], '10:00'),
    ...session("s'2 OR 1=1", 'bob', ['mail%'], '12:00'),
    ...session('S_3', '', [], '12:30'),
    ...session('tool:x', 'Alice', ['files', 'mail', 'web'], '23:59'),
  ];
  const { status } = await test.send(
    events.map((event) => prune(event as Record<string, unknown>)),
    {
      query: '?tenant=default',
    },
  );
  expect(status).toBe(200);
  await test.service.settled();
  const of = (more: Parameters<typeof findingOf>[0]) =>
    findingOf({ time_ms: Date.parse('2026-03-01T10:00:00Z'), ...more });
  alert_ids = await raiseAlerts(test.service.writer, [
    of({ session_id: 's1', user_id: 'alice', severity: 'critical', tags: ['LLM01', 'AML.T0051'] }),
    of({ session_id: 's1', user_id: 'alice', severity: 'medium', rule_id: 'x_rule', tags: [] }),
    of({ session_id: 'tool:x', user_id: 'Alice', title: 'a % b _ c \\ d', agent: 'Robot' }),
    of({ session_id: 'S_3', user_id: '', severity: 'low', reason: 'nothing' }),
  ]);
  const act = (nth: number, body: unknown) =>
    test.ask('POST', `/v1/alerts/${alert_ids[nth]}/status?tenant=default`, {
      key: test.service.admin_key,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await act(0, { action: 'acknowledge' })).status).toBe(200);
  expect((await act(1, { action: 'close', verdict: 'benign', note: 'known 100%' })).status).toBe(200);
  expect((await act(1, { action: 'tag', add: ['case:17', 'LLM01'] })).status).toBe(200);
  expect((await act(3, { action: 'assign' })).status).toBe(200);
  const scope = { rule_id: 'secret_to_other_tool', user_id: 'Alice' };
  const suppress = {
    action: 'suppress',
    scope,
    reason: 'a test',
    expires_at: new Date(Date.now() + 86_400_000).toISOString(),
  };
  expect((await act(2, suppress)).status).toBe(200);
});
afterAll(() => test.close());

/** Without members that are empty: an event names no user rather than an empty one. */
function prune(event: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== '' && value !== undefined));
}

interface Found {
  id: string;
  row: QueryRow;
}

type Finder = (q: string) => Promise<Found[]>;
const conditionOf = (q: string, subject: Subject) => compileQuery(parseQuery(q, subject), subject, asked);

const sessionsOf: Finder = async (q) => {
  const rows = await listSessions(test.service.context.store, {
    tenant,
    user_id: '',
    user_role: '',
    agent: '',
    server: '',
    tool: '',
    from_ms: 0,
    to_ms: LATEST,
    risk_min: 0,
    after_ms: PAST,
    after_id: '',
    limit: 1_000,
    matching: q === '' ? ANYTHING : conditionOf(q, SESSIONS),
  });
  return rows.map(({ servers, tools, first_time_ms, last_time_ms, last_received_ms: _, ...row }) => ({
    id: row.session_id,
    row: { ...row, server: servers, tool: tools, first_time: first_time_ms, last_time: last_time_ms },
  }));
};

const alertsOf: Finder = async (q) => {
  const rows = await listAlerts(test.service.context.store, {
    tenant,
    rule_id: '',
    session_id: '',
    user_id: '',
    risk_min: 0,
    from_ms: 0,
    to_ms: LATEST,
    before_seq: PAST,
    limit: 1_000,
    matching: q === '' ? undefined : conditionOf(q, ALERTS),
  });
  return rows.map(({ owner_name, last_note, time_ms, raised_at_ms, status_since_ms, ...row }) => ({
    id: row.alert_id,
    row: {
      ...row,
      owner: owner_name,
      note: last_note,
      time: time_ms,
      raised_at: raised_at_ms,
      status_since: status_since_ms,
      tags: [...row.tags, ...row.added_tags],
    },
  }));
};

const eventsOf: Finder = async (q) => {
  const { store } = test.service.context;
  const search = { tenant, matching: q === '' ? ANYTHING : conditionOf(q, EVENTS), before_seq: PAST, limit: 1_000 };
  const { events } = await findEvents(store, search, true);
  return events.map((event) => {
    const view = viewOf(event, true);
    const text = (name: string) => (typeof view[name] === 'string' ? view[name] : '');
    const texts = ['session_id', 'user_id', 'user_role', 'agent', 'server', 'tool', 'call_id'];
    const row: QueryRow = {
      ...Object.fromEntries(texts.map((name) => [name, text(name)])),
      event_id: view.event_id,
      type: view.type,
      seq: view.seq,
      session_seq: Number(view.session_seq),
      time: Date.parse(String(view.time)),
      received_at: Date.parse(String(view.received_at)),
      is_error: view.is_error === true,
      content: `${event.content} ${event.params}`,
    };
    return { id: view.event_id, row };
  });
};

const suppressionsOf: Finder = async (q) => {
  const rows = await listSuppressions(test.service.context.store, {
    tenant,
    ending_after_ms: 0,
    before_seq: PAST,
    limit: 1_000,
    matching: q === '' ? ANYTHING : conditionOf(q, SUPPRESSIONS),
  });
  return rows.map(
    ({ suppression_id, alert_id, scope, owner_name, reason, from_ms, expires_at_ms, hits, last_hit_ms }) => {
      const of = JSON.parse(scope) as Record<string, string>;
      const scoped = Object.fromEntries(
        ['rule_id', 'user_id', 'agent', 'server', 'tool'].map((name) => [name, of[name] ?? '']),
      );
      const times = { from: from_ms, expires_at: expires_at_ms, last_hit_at: last_hit_ms };
      return {
        id: suppression_id,
        row: { ...scoped, ...times, suppression_id, alert_id, owner: owner_name, reason, hits },
      };
    },
  );
};

const SUBJECTS: readonly (readonly [Subject, Finder, number])[] = [
  [SESSIONS, sessionsOf, 4],
  [ALERTS, alertsOf, 4],
  [EVENTS, eventsOf, 16],
  [SUPPRESSIONS, suppressionsOf, 1],
];

describe('a query finds in the store what it finds in memory:', () => {
  for (const [subject, find, least] of SUBJECTS) {
    it(`${subject.name}`, async () => {
      const all = await find('');
      expect(all.length).toBeGreaterThanOrEqual(least);
      const rows = all.map(({ row }) => row);
      let found_some = 0;
      await fc.assert(
        fc.asyncProperty(arbitraryQuery(subject, rows), async (tree) => {
          const text = formatQuery(tree);
          fc.pre(text.length <= 2_000);
          const expected = all.filter(({ row }) => matchesQuery(tree, subject, row, asked)).map(({ id }) => id);
          if (expected.length > 0 && expected.length < all.length) found_some++;
          expect((await find(text)).map(({ id }) => id).sort(), text).toEqual(expected.sort());
        }),
        { numRuns: 250 },
      );
      if (all.length > 1) expect(found_some).toBeGreaterThan(3);
    });
  }
});

describe('over HTTP', () => {
  const get = (path: string, key = test.service.admin_key) => test.ask('GET', path, { key });
  const q = (text: string) => `q=${encodeURIComponent(text)}`;

  it('every list takes the same language', async () => {
    const sessions = await test.read<{ sessions: { session_id: string }[] }>(
      `/v1/sessions?${q('tool:mail_tool and user_id:alice')}`,
    );
    expect(sessions.sessions.map(({ session_id }) => session_id)).toEqual(['s1']);
    const alerts = await test.read<{ alerts: { alert_id: string }[] }>(
      `/v1/alerts?${q('severity >= high and agent:Robot and not status:acknowledged')}`,
    );
    expect(alerts.alerts.map(({ alert_id }) => alert_id)).toEqual([alert_ids[2]]);
    const events = await test.read<{ events: { event_id: string }[] }>(
      `/v1/events?${q('content:"words web" and type:tool.result')}`,
    );
    expect(events.events.map(({ event_id }) => event_id)).toEqual(['tool:x-r2']);
    const held = await test.read<{ suppressions: unknown[] }>(`/v1/suppressions?${q('rule:secret_* and user:Alice')}`);
    expect(held.suppressions).toHaveLength(1);
    expect((await get(`/v1/subscriptions?${q('kind:alerts and url:*')}`)).status).toBe(200);
  });

  it('a fault names its place and what may have been meant', async () => {
    const answer = await get(`/v1/sessions?${q('usr_id:alice')}`);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: 'query_invalid',
      query: { at: 0, chars: 6, suggestion: 'user_id' },
    });
  });

  it('who may not read content cannot ask about it, nor learn of it by a word without a field', async () => {
    const viewer = await test.key('viewer');
    const refused = await get(`/v1/events?${q('content:words')}`, viewer);
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([403, 'forbidden']);
    const { alerts } = await test.read<{ alerts: unknown[] }>(`/v1/alerts?${q('nothing')}`, viewer);
    expect(alerts).toEqual([]);
    expect((await test.read<{ alerts: unknown[] }>(`/v1/alerts?${q('nothing')}`)).alerts).toHaveLength(1);
  });

  it('a query of one tenant finds nothing of another', async () => {
    const other = await test.key('admin', 'other');
    for (const path of ['sessions', 'alerts', 'events', 'suppressions']) {
      const answer = await test
        .read<Record<string, unknown[]>>(`/v1/${path}?${q("* or '1' or session:*")}`, other)
        .catch(() => ({ [path]: [] }));
      expect(answer[path]).toEqual([]);
    }
  });
});
