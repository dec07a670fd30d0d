/** What becomes of an alert: over HTTP, in the log, and in the store. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALERT_ACTIONS, type AlertAction, allowedActions, type AlertStatus as Status } from '../core/alert_action.ts';
import { loadConfig } from '../core/config.ts';
import { LIMITS } from '../core/limits.ts';
import { readKnownAlerts } from '../core/store/queries/alert_ids.ts';
import { listAlerts } from '../core/store/queries/alerts.ts';
import { readSuppressions } from '../core/store/queries/suppressions.ts';
import { suppressionOf } from '../core/suppression.ts';
import { suppressedFinding } from '../ingest/suppressed_finding.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { temporaryFolder } from './log_kit.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

interface AlertJson {
  alert_id: string;
  status: string;
  status_since: string | null;
  verdict: string | null;
  duplicate_of: string | null;
  owner: { key_id: string; name: string } | null;
  last_note: string | null;
}

interface ActionJson {
  action_id: string;
  seq: number;
  type: string;
  at: string;
  actor: { key_id: string; name: string };
  status: string | null;
  verdict: string | null;
  note: string | null;
  reason: string | null;
}

interface Acted {
  action: ActionJson;
  alert: AlertJson;
  repeated: boolean;
  code?: string;
  detail?: string;
  present_status?: string;
}

interface SuppressionJson {
  suppression_id: string;
  alert_id: string;
  scope: Record<string, string>;
  reason: string;
  ended_at: string | null;
  in_force: boolean;
  hits: number;
  last_hit_at: string | null;
}

const DAY_MS = 86_400_000;
const folder = temporaryFolder('lifecycle');
let test: TestService;
let analyst = '';
let clock_ms = 0;
const now = () => Date.now() + clock_ms;

beforeAll(async () => {
  test = await startTestService({ config: loadConfig({ data: folder }, {}), now });
  analyst = await test.key('analyst');
});

afterAll(() => test.close());

const raise = async (more = {}) => (await raiseAlerts(test.service.writer, [findingOf(more)]))[0] ?? '';

async function act(alert_id: string, body: unknown, key = analyst, query = ''): Promise<Acted & { http: number }> {
  const headers = { 'content-type': 'application/json' };
  const path = `/v1/alerts/${encodeURIComponent(alert_id)}/status${query}`;
  const { status, text } = await test.ask('POST', path, { key, headers, body: JSON.stringify(body) });
  return { http: status, ...(JSON.parse(text) as Acted) };
}

const shown = (alert_id: string, key = analyst) => test.read<AlertJson>(`/v1/alerts/${alert_id}`, key);
const historyOf = async (alert_id: string, key = analyst) =>
  (await test.read<{ history: ActionJson[] }>(`/v1/alerts/${alert_id}/history`, key)).history;
const listed = async (query: string) =>
  (await test.read<{ alerts: AlertJson[] }>(`/v1/alerts?limit=1000&${query}`)).alerts.map((each) => each.alert_id);
const inDays = (days: number) => new Date(now() + days * DAY_MS).toISOString();
const suppression = (more = {}) => ({
  action: 'suppress',
  scope: { rule_id: 'secret_to_other_tool' },
  reason: 'known backup job',
  expires_at: inDays(7),
  ...more,
});

describe('an alert', () => {
  it('is new until somebody acts on it, then acknowledged, then closed with a verdict and a note', async () => {
    const id = await raise();
    const untouched = { status: 'new', status_since: null, verdict: null, owner: null, last_note: null };
    expect(await shown(id)).toMatchObject(untouched);
    const key_id = analyst.slice(3, 15);
    const acknowledged = await act(id, { action: 'acknowledge' });
    expect(acknowledged).toMatchObject({ http: 200, repeated: false, alert: { alert_id: id, status: 'acknowledged' } });
    const note = 'Seen before.\nAna asked for it. 👩‍💻';
    const closed = await act(id, { action: 'close', verdict: 'benign', note });
    const state = { status: 'closed', verdict: 'benign', owner: { key_id, name: 'a analyst' }, last_note: note };
    expect(closed).toMatchObject({ http: 200, alert: state, action: { type: 'alert.closed', actor: { key_id } } });
    expect(await shown(id)).toMatchObject({ ...state, status_since: closed.action.at });
  });

  it('shows everything that was done with it, in order, a page at a time', async () => {
    const id = await raise();
    await act(id, { action: 'note', note: 'first' });
    await act(id, { action: 'close', verdict: 'test' });
    await act(id, { action: 'reopen', note: 'closed too early' });
    const history = await historyOf(id);
    expect(history.map(({ type, status, verdict, note }) => [type, status, verdict, note])).toEqual([
      ['alert.noted', null, null, 'first'],
      ['alert.closed', 'closed', 'test', null],
      ['alert.reopened', 'new', null, 'closed too early'],
    ]);
    expect(await shown(id)).toMatchObject({ status: 'new', verdict: null, owner: null, last_note: 'closed too early' });
    const pages: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page: { history: ActionJson[]; next_cursor: string | null } = await test.read(
        `/v1/alerts/${id}/history${query}`,
      );
      pages.push(page.history.map((each) => each.type).join(' '));
      cursor = page.next_cursor;
    }
    expect(pages).toEqual(['alert.noted alert.closed', 'alert.reopened']);
  });

  it('keeps its status when it is noted, whatever that is', async () => {
    const id = await raise();
    await act(id, { action: 'close', verdict: 'true_positive' });
    const noted = await act(id, { action: 'note', note: 'told the owner' });
    expect(noted.alert).toMatchObject({ status: 'closed', verdict: 'true_positive', last_note: 'told the owner' });
  });

  it('in a status that does not allow an action answers 409 with that status, and nothing is recorded', async () => {
    const id = await raise();
    await act(id, { action: 'close', verdict: 'benign' });
    const size = test.service.writer.head.size;
    for (const body of [{ action: 'acknowledge' }, { action: 'close', verdict: 'test' }, suppression()]) {
      const answer = await act(id, body);
      expect(answer).toMatchObject({ http: 409, code: 'status_conflict', present_status: 'closed' });
      expect(answer.detail).toMatch(
        /^the alert is closed, which allows: reopen, note, assign, unassign, tag; last alert.closed by a analyst at 2/,
      );
    }
    expect(test.service.writer.head.size).toBe(size);
  });

  it('is acted on by one of two who want the same at once', async () => {
    const id = await raise();
    const answers = await Promise.all(
      ['benign', 'test', 'false_positive', 'true_positive'].map((verdict) => act(id, { action: 'close', verdict })),
    );
    expect(answers.map(({ http }) => http).sort()).toEqual([200, 409, 409, 409]);
    expect(await historyOf(id)).toHaveLength(1);
  });

  it('reaches, by any actions in any order, the state that they lead to', { timeout: 60_000 }, async () => {
    const bodies: Record<AlertAction, object> = {
      acknowledge: { action: 'acknowledge' },
      close: { action: 'close', verdict: 'benign' },
      reopen: { action: 'reopen' },
      note: { action: 'note', note: 'noted' },
      suppress: suppression({ expires_at: inDays(1) }),
      assign: { action: 'assign' },
      unassign: { action: 'unassign' },
      tag: { action: 'tag', add: ['x'] },
    };
    const next: Partial<Record<AlertAction, Status>> = {
      acknowledge: 'acknowledged',
      close: 'closed',
      reopen: 'new',
      suppress: 'suppressed',
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...ALERT_ACTIONS), { maxLength: 8 }), async (actions) => {
        const id = await raise({ rule_id: 'any_order' });
        let status: Status = 'new';
        let owned = false;
        let settled = false; // somebody said whose it is, or that it is nobody's
        let done = 0;
        for (const action of actions) {
          const body = action === 'suppress' ? { ...bodies.suppress, scope: { rule_id: 'any_order' } } : bodies[action];
          const answer = await act(id, body);
          const allowed = allowedActions(status).includes(action);
          expect([action, status, answer.http]).toEqual([action, status, allowed ? 200 : 409]);
          if (!allowed) continue;
          done++;
          status = next[action] ?? status;
          if (action === 'reopen') [owned, settled] = [false, false];
          else if (action === 'assign') [owned, settled] = [true, true];
          else if (action === 'unassign') [owned, settled] = [false, false];
          else if (next[action] !== undefined && !settled) owned = true;
        }
        const alert = await shown(id);
        expect([alert.status, alert.verdict, alert.owner === null]).toEqual([
          status,
          status === 'closed' ? 'benign' : null,
          !owned,
        ]);
        expect(await historyOf(id)).toHaveLength(done);
        // For the tests after this one.
        if (status === 'suppressed') await act(id, { action: 'reopen' });
      }),
      { numRuns: 12 },
    );
  });
});

describe('a request', () => {
  it('that comes again with its id is carried out once, however often and however fast', async () => {
    const id = await raise();
    const body = { action: 'close', verdict: 'benign', note: 'n', request_id: 'case-17' };
    const answers = await Promise.all([act(id, body), act(id, body), act(id, body)]);
    answers.push(await act(id, body));
    expect(answers.map(({ http }) => http)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ repeated }) => repeated).sort()).toEqual([false, true, true, true]);
    expect(new Set(answers.map(({ action }) => action.action_id)).size).toBe(1);
    expect(await historyOf(id)).toHaveLength(1);
    // Also when the alert has gone on since: what was done stays done once.
    await act(id, { action: 'reopen' });
    expect(await act(id, body)).toMatchObject({ http: 200, repeated: true, alert: { status: 'new' } });
  });

  it('with the id of another request is refused: by another key, or with another verdict or note', async () => {
    const id = await raise();
    const body = { action: 'close', verdict: 'benign', note: 'n', request_id: 'case-18' };
    await act(id, body);
    for (const [other, key] of [
      [{ ...body, verdict: 'test' }, analyst],
      [{ ...body, note: 'm' }, analyst],
      [{ action: 'close', verdict: 'benign', request_id: 'case-18' }, analyst],
      [body, await test.key('responder')],
    ] as const) {
      expect(await act(id, other, key)).toMatchObject({ http: 409, code: 'request_id_conflict' });
    }
    expect(await act(await raise(), body)).toMatchObject({ http: 200, repeated: false });
  });

  it('whose answer was lost when the store failed is carried out once', async () => {
    const id = await raise();
    const { store, writer, context } = test.service;
    const body = { action: 'acknowledge', request_id: 'lost' };
    const lost = await test.also({
      ...context,
      store,
      writer: new Proxy(writer, {
        get: (target, name) => {
          const value = Reflect.get(target, name) as unknown;
          if (name !== 'submitInternal') return typeof value === 'function' ? value.bind(target) : value;
          return async (records: Parameters<typeof writer.submitInternal>[0]) => {
            await target.submitInternal(records);
            throw new Error('nobody heard of it');
          };
        },
      }),
    });
    const headers = { 'content-type': 'application/json' };
    const asked = { key: analyst, headers, body: JSON.stringify(body) };
    expect((await lost.ask('POST', `/v1/alerts/${id}/status`, asked)).status).toBe(500);
    expect(await act(id, body)).toMatchObject({ http: 200, repeated: true, alert: { status: 'acknowledged' } });
    expect(await historyOf(id)).toHaveLength(1);
  });

  it.each([
    ['no action', {}],
    ['an action that is not one', { action: 'delete' }],
    ['a member that is not of the action', { action: 'acknowledge', verdict: 'benign' }],
    ['no verdict', { action: 'close' }],
    ['a verdict that is not one', { action: 'close', verdict: 'fine' }],
    ['a duplicate of nothing', { action: 'close', verdict: 'duplicate' }],
    ['another alert without being a duplicate', { action: 'close', verdict: 'benign', duplicate_of: 'a' }],
    ['a blank note', { action: 'note', note: ' \n ' }],
    ['no note', { action: 'note' }],
    ['a note that is too long', { action: 'note', note: 'x'.repeat(LIMITS.note_chars_max + 1) }],
    ['a note that moves the cursor', { action: 'note', note: 'a\u001b[2Jb' }],
    ['a note that turns the direction of text', { action: 'note', note: 'a\u202eb' }],
    ['a note with half a character', { action: 'note', note: 'a\ud800b' }],
    ['a note with a line separator', { action: 'note', note: 'a\u2028b' }],
    ['a request_id with a space', { action: 'acknowledge', request_id: 'a b' }],
    ['a request_id that is too long', { action: 'acknowledge', request_id: 'x'.repeat(201) }],
    ['a suppression without a reason', suppression({ reason: undefined })],
    ['a suppression without an end', suppression({ expires_at: undefined })],
    ['a suppression without a rule', suppression({ scope: { user_id: 'ana@example.com' } })],
    ['a suppression of everything', suppression({ scope: {} })],
    ['a suppression by what is not a scope', suppression({ scope: { rule_id: 'r', session_id: 's' } })],
    ['a suppression of an empty name', suppression({ scope: { rule_id: 'secret_to_other_tool', user_id: '' } })],
    ['a suppression that has ended', suppression({ expires_at: '2020-01-01T00:00:00Z' })],
    ['a suppression beyond 90 days', suppression({ expires_at: '2200-01-01T00:00:00Z' })],
    ['a suppression of another rule', suppression({ scope: { rule_id: 'another' } })],
    [
      'a suppression of another user',
      suppression({ scope: { rule_id: 'secret_to_other_tool', user_id: 'ben@example.com' } }),
    ],
  ])('with %s is refused, and nothing is recorded', async (_, body) => {
    const id = await raise();
    expect(await act(id, body)).toMatchObject({ http: 400, code: 'query_invalid' });
    expect(await historyOf(id)).toEqual([]);
  });

  it('may hold a note of the full length, and markup that stays text', async () => {
    const id = await raise();
    const note = `<script>alert(1)</script>${'é'.repeat(LIMITS.note_chars_max - 25)}`;
    expect(await act(id, { action: 'note', note })).toMatchObject({ http: 200, alert: { last_note: note } });
  });
});

describe('a duplicate', () => {
  it('names the other alert', async () => {
    const [id, other] = [await raise(), await raise()];
    const closed = await act(id, { action: 'close', verdict: 'duplicate', duplicate_of: other });
    expect(closed.alert).toMatchObject({ status: 'closed', verdict: 'duplicate', duplicate_of: other });
  });

  it('is not of itself, of no alert, of one of another tenant, or of a duplicate', async () => {
    const [id, other, first] = [await raise(), await raise(), await raise()];
    await act(other, { action: 'close', verdict: 'duplicate', duplicate_of: first });
    const foreign = await raise({ tenant: 'bravo' });
    const answers = [];
    for (const duplicate_of of [id, 'nothing', foreign, other]) {
      const answer = await act(id, { action: 'close', verdict: 'duplicate', duplicate_of });
      expect(answer).toMatchObject({ http: 400, code: 'query_invalid' });
      answers.push(answer.detail);
    }
    expect(answers[1]).toBe(answers[2]);
    expect(await shown(id)).toMatchObject({ status: 'new' });
  });

  it('cannot be of one that is being closed as a duplicate of it', async () => {
    const [a, b] = [await raise(), await raise()];
    const answers = await Promise.all([
      act(a, { action: 'close', verdict: 'duplicate', duplicate_of: b }),
      act(b, { action: 'close', verdict: 'duplicate', duplicate_of: a }),
    ]);
    expect(answers.map(({ http }) => http).sort()).toEqual([200, 400]);
  });
});

describe('an alert of another tenant', () => {
  it('is answered like one that does not exist, whatever is asked of it', async () => {
    const foreign = await raise({ tenant: 'bravo' });
    const unknown = 'f'.repeat(64);
    for (const body of [{ action: 'acknowledge' }, { action: 'close', verdict: 'benign' }, suppression()]) {
      const answers = await Promise.all([foreign, unknown].map((id) => act(id, body)));
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ http: 404, code: 'not_found' });
    }
    for (const path of ['', '/history']) {
      const answers = await Promise.all(
        [foreign, unknown].map((id) => test.ask('GET', `/v1/alerts/${id}${path}`, { key: analyst })),
      );
      expect(answers[0]).toMatchObject({ status: 404, text: answers[1]?.text });
    }
    const bravo = await test.key('responder', 'bravo');
    expect(await act(foreign, { action: 'acknowledge' }, bravo)).toMatchObject({ http: 200 });
    const all = test.service.admin_key;
    expect(await act(foreign, { action: 'acknowledge' }, all)).toMatchObject({ http: 404 });
    expect(await act(foreign, { action: 'note', note: 'n' }, all, '?tenant=bravo')).toMatchObject({ http: 200 });
  });

  it('may have the id of one of ours, and each has a state of its own', async () => {
    const finding_id = 'e'.repeat(64);
    await raise({ finding_id });
    await raise({ finding_id, tenant: 'bravo' });
    const body = { action: 'close', verdict: 'benign', request_id: 'same' };
    const bravo = await test.key('analyst', 'bravo');
    expect((await act(finding_id, body)).repeated).toBe(false);
    expect(await shown(finding_id, bravo)).toMatchObject({ status: 'new', verdict: null });
    expect((await act(finding_id, body, bravo)).repeated).toBe(false);
  });
});

describe('who may act', () => {
  it('are analysts, responders and administrators', async () => {
    const id = await raise();
    for (const [role, http] of [
      ['ingest', 403],
      ['gateway', 403],
      ['viewer', 403],
      ['auditor', 403],
      ['analyst', 200],
      ['responder', 200],
      ['admin', 200],
    ] as const) {
      const key = await test.key(role);
      expect([role, (await act(id, { action: 'note', note: role }, key)).http]).toEqual([role, http]);
    }
  });

  it('is not shown what people wrote without the right to read content', async () => {
    const id = await raise();
    await act(id, suppression({ reason: 'quotes a secret' }));
    await act(id, { action: 'note', note: 'quotes a secret' });
    const viewer = await test.key('viewer');
    for (const path of [`/v1/alerts/${id}`, `/v1/alerts/${id}/history`, '/v1/alerts', '/v1/suppressions']) {
      const { status, text } = await test.ask('GET', path, { key: viewer });
      expect([path, status, text.includes('quotes a secret'), text.includes('(withheld)')]).toEqual([
        path,
        200,
        false,
        true,
      ]);
    }
    await act(id, { action: 'reopen' });
  });
});

describe('the list of alerts', () => {
  it('is filtered by status and by verdict', async () => {
    const rule_id = 'filtered';
    const [fresh, taken, benign, duplicate, reopened, noted, suppressed] = [
      await raise({ rule_id }),
      await raise({ rule_id }),
      await raise({ rule_id }),
      await raise({ rule_id }),
      await raise({ rule_id }),
      await raise({ rule_id }),
      await raise({ rule_id }),
    ];
    await raise({ rule_id, tenant: 'bravo' });
    await act(taken, { action: 'acknowledge' });
    await act(benign, { action: 'close', verdict: 'benign' });
    await act(duplicate, { action: 'close', verdict: 'duplicate', duplicate_of: fresh });
    await act(reopened, { action: 'close', verdict: 'benign' });
    await act(reopened, { action: 'reopen' });
    await act(noted, { action: 'note', note: 'n' });
    await act(suppressed, suppression({ scope: { rule_id } }));
    expect(await listed('rule=filtered')).toHaveLength(7);
    expect(await listed('rule=filtered&status=new')).toEqual([noted, reopened, fresh]);
    expect(await listed('rule=filtered&status=acknowledged')).toEqual([taken]);
    expect(await listed('rule=filtered&status=closed')).toEqual([duplicate, benign]);
    expect(await listed('rule=filtered&status=suppressed')).toEqual([suppressed]);
    expect(await listed('rule=filtered&verdict=benign')).toEqual([benign]);
    expect(await listed('rule=filtered&status=closed&verdict=duplicate')).toEqual([duplicate]);
    expect(await listed('rule=filtered&status=new&verdict=benign')).toEqual([]);
    expect((await test.ask('GET', '/v1/alerts?status=open', { key: analyst })).status).toBe(400);
    const all = { rule_id, session_id: '', user_id: '', risk_min: 0, from_ms: 0, to_ms: Date.UTC(2100, 0), limit: 9 };
    const rows = await listAlerts(test.service.store, { ...all, tenant: 'bravo', before_seq: 1e9 });
    expect(rows.map(({ status }) => status)).toEqual(['new']);
  });
});

describe('a suppression', () => {
  const rule_id = 'suppressed_rule';
  const scoped = (more = {}) => suppression({ scope: { rule_id, user_id: 'ana@example.com' }, ...more });
  const suppressions = async (query = '') =>
    (await test.read<{ suppressions: SuppressionJson[] }>(`/v1/suppressions${query}`, analyst)).suppressions.filter(
      (each) => each.scope.rule_id === rule_id,
    );
  const inForce = async () =>
    (await readSuppressions(test.service.store, test.service.context.log, now())).filter(
      ({ scope }) => scope.rule_id === rule_id,
    );

  it('is read back with its scope, holds what is within it back, and counts each finding once', async () => {
    const { store, writer, context } = test.service;
    const id = await raise({ rule_id });
    const made = await act(id, scoped());
    expect(made).toMatchObject({ http: 200, alert: { status: 'suppressed' } });
    const [found] = await inForce();
    expect(found).toMatchObject({
      suppression_id: made.action.action_id,
      tenant: 'default',
      alert_id: id,
      scope: { rule_id, user_id: 'ana@example.com' },
      from_ms: Date.parse(made.action.at),
    });
    const findings = [findingOf({ rule_id }), findingOf({ rule_id })];
    for (const finding of findings) {
      expect(suppressionOf(finding, await inForce(), now())?.suppression_id).toBe(made.action.action_id);
    }
    expect(suppressionOf(findingOf({ rule_id, user_id: 'ben@example.com' }), await inForce(), now())).toBeUndefined();
    expect(suppressionOf(findingOf({ rule_id, tenant: 'bravo' }), await inForce(), now())).toBeUndefined();
    const records = () => findings.map((each) => writer.stamp(suppressedFinding(each, made.action.action_id)));
    await writer.submitInternal(records());
    await writer.submitInternal(records());
    expect(await suppressions()).toMatchObject([{ alert_id: id, in_force: true, hits: 2, reason: 'known backup job' }]);
    const ids = findings.map((each) => each.finding_id);
    expect(await readKnownAlerts(store, context.log, [...ids, id, 'unknown'])).toEqual(new Set([...ids, id]));
    expect((await test.ask('GET', `/v1/alerts/${ids[0]}`, { key: analyst })).status).toBe(404);
  });

  it('ends when its alert is reopened, and can be made anew', async () => {
    const [first] = await suppressions();
    const { action } = await act(first?.alert_id ?? '', { action: 'reopen' });
    expect(await suppressions()).toEqual([]);
    expect(await inForce()).toEqual([]);
    expect(await suppressions('?state=all')).toMatchObject([{ in_force: false, ended_at: action.at, hits: 2 }]);
    await act(first?.alert_id ?? '', scoped());
    expect(await suppressions()).toMatchObject([{ in_force: true, hits: 0, ended_at: null }]);
    const both = await suppressions('?state=all');
    expect(both.map(({ hits, in_force }) => [hits, in_force])).toEqual([
      [0, true],
      [2, false],
    ]);
    // A replay that begins earlier needs the one that has ended too, with its end.
    const earlier = await readSuppressions(test.service.store, test.service.context.log, Date.parse(action.at) - 1);
    expect(earlier.find(({ suppression_id }) => suppression_id === first?.suppression_id)?.until_ms).toBe(
      Date.parse(action.at),
    );
  });

  it('goes on when its alert is closed with a verdict', async () => {
    const [present] = await suppressions();
    await act(present?.alert_id ?? '', { action: 'close', verdict: 'false_positive' });
    expect(await suppressions()).toMatchObject([{ in_force: true }]);
    expect(await inForce()).toHaveLength(1);
  });

  it('expires', async () => {
    clock_ms += 7 * DAY_MS + 1_000;
    expect(await suppressions()).toEqual([]);
    expect(await inForce()).toEqual([]);
    expect(await suppressions('?state=all')).toMatchObject([{ in_force: false, ended_at: null }, { in_force: false }]);
    expect(suppressionOf(findingOf({ rule_id }), await inForce(), now())).toBeUndefined();
    clock_ms = 0;
  });

  it('lasts 90 days at most', async () => {
    const id = await raise({ rule_id });
    const at = now() + LIMITS.suppression_ms_max;
    const answer = await act(id, scoped({ expires_at: new Date(at + 60_000).toISOString() }));
    expect([answer.http, answer.detail]).toEqual([400, 'expires_at: must lie within 90 days']);
    expect((await act(id, scoped({ expires_at: new Date(at - 60_000).toISOString() }))).http).toBe(200);
  });

  it('of another tenant is not listed', async () => {
    const bravo = await test.key('analyst', 'bravo');
    expect(await test.read('/v1/suppressions?state=all', bravo)).toEqual({ suppressions: [], next_cursor: null });
  });

  it('is listed a page at a time', async () => {
    type Page = { suppressions: SuppressionJson[]; next_cursor: string };
    const all = await test.read<Page>('/v1/suppressions?state=all&limit=1000', analyst);
    const first = await test.read<Page>('/v1/suppressions?state=all&limit=2', analyst);
    const second = await test.read<Page>(`/v1/suppressions?state=all&limit=2&cursor=${first.next_cursor}`, analyst);
    const ids = [...first.suppressions, ...second.suppressions].map((each) => each.suppression_id);
    expect(ids).toEqual(all.suppressions.slice(0, 4).map((each) => each.suppression_id));
  });
});

describe('the log', () => {
  it('holds each action as a leaf with a receipt, and verifies', async () => {
    const id = await raise();
    const { action } = await act(id, { action: 'close', verdict: 'true_positive' });
    expect(await test.read(`/v1/receipts/${action.seq}`)).toMatchObject({ kind: 'action', event_id: action.action_id });
    const { store, keyring } = test.service;
    const report = await verifyLog({ store, vkey: keyring.vkey, pseudonyms: keyring.pseudonyms });
    expect(report.findings).toEqual([]);
    expect(report.ok).toBe(true);
  });

  it('is not written where it is only read', async () => {
    const id = await raise();
    const reading = await test.also({ writer: undefined });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ action: 'acknowledge' });
    const answer = await reading.ask('POST', `/v1/alerts/${id}/status`, { key: analyst, headers, body });
    expect([answer.status, answer.text.includes('read_only')]).toEqual([503, true]);
  });
});
