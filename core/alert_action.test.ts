import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ACTION_RULES,
  ALERT_STATUSES,
  alertActionId,
  alertActionRow,
  allowedActions,
  tagsAfter,
} from './alert_action.ts';

const identity = { tenant: 'default', alert_id: 'a1', action: 'close', request_id: 'r1' } as const;

describe('the id of an action', () => {
  it('is the SHA-256 of what makes the request the same, each part with its length', () => {
    const text = '12:alert action\n7:default\n2:a1\n5:close\n2:r1';
    expect(alertActionId(identity)).toBe(`action-${createHash('sha256').update(text).digest('hex')}`);
  });

  it('is another one for another tenant, alert, action or request', () => {
    const others = [
      identity,
      { ...identity, tenant: 'acme' },
      { ...identity, alert_id: 'a2' },
      { ...identity, action: 'note' as const },
      { ...identity, request_id: 'r2' },
      // The parts do not run into each other.
      { ...identity, tenant: 'default\n2:a1', alert_id: '' },
    ];
    expect(new Set(others.map(alertActionId)).size).toBe(others.length);
  });
});

describe('a status', () => {
  it('allows these actions and no others', () => {
    const table = Object.fromEntries(ALERT_STATUSES.map((status) => [status, allowedActions(status)]));
    expect(table).toEqual({
      new: ['acknowledge', 'close', 'note', 'suppress', 'assign', 'unassign', 'tag'],
      acknowledged: ['close', 'note', 'suppress', 'assign', 'unassign', 'tag'],
      closed: ['reopen', 'note', 'assign', 'unassign', 'tag'],
      suppressed: ['close', 'reopen', 'note', 'assign', 'unassign', 'tag'],
    });
  });

  it('can always be left again: from each one a new alert can be made', () => {
    for (const status of ALERT_STATUSES) {
      const next = allowedActions(status).map((action) => ACTION_RULES[action].to ?? status);
      const two = next.flatMap((each) => allowedActions(each).map((action) => ACTION_RULES[action].to ?? each));
      expect([...next, ...two]).toContain('new');
    }
  });
});

describe('the row of an action', () => {
  const record = {
    tenant: 'default',
    seq: 9,
    event_id: 'action-1',
    type: 'alert.closed',
    received_at_ms: 5,
    who: { accepted_by: 'key-1', tenant: 'default' },
    detail: {
      alert_id: 'a1',
      actor_name: 'soc',
      request_id: 'r1',
      verdict: 'duplicate',
      duplicate_of: 'a2',
      note: 'n',
    },
  };

  it('repeats what its record says, and is empty where that says nothing', () => {
    expect(alertActionRow(record, 'test.example.com/log')).toEqual({
      tenant: 'default',
      alert_id: 'a1',
      log: 'test.example.com/log',
      seq: 9,
      action_id: 'action-1',
      type: 'alert.closed',
      status: 'closed',
      verdict: 'duplicate',
      duplicate_of: 'a2',
      note: 'n',
      actor: 'key-1',
      actor_name: 'soc',
      acted_at_ms: 5,
      scope: '',
      reason: '',
      expires_at_ms: 0,
      owner_id: '',
      owner_name: '',
      tags_added: [],
      tags_removed: [],
      tags: [],
    });
  });

  it('has no status for a note, which changes none', () => {
    const { alert_id, actor_name, request_id, note } = record.detail;
    const noted = { ...record, type: 'alert.noted', detail: { alert_id, actor_name, request_id, note } };
    expect(alertActionRow(noted, 'log')).toMatchObject({ status: '', verdict: '', note: 'n' });
  });

  it('holds the scope of a suppression in one spelling', () => {
    const detail = { alert_id: 'a1', actor_name: 'soc', request_id: 'r1', reason: 'known', expires_at_ms: 7 };
    const scopes = [
      { tool: 't', rule_id: 'r' },
      { rule_id: 'r', tool: 't' },
    ];
    const rows = scopes.map((scope) =>
      alertActionRow({ ...record, type: 'alert.suppressed', detail: { ...detail, scope } }, 'log'),
    );
    expect(rows[0]).toMatchObject({ status: 'suppressed', scope: '{"rule_id":"r","tool":"t"}', expires_at_ms: 7 });
    expect(rows[1]).toEqual(rows[0]);
  });
});

describe('the tags of an alert', () => {
  it('are those it had, without those that were taken away, with those that were given, each once and in order', () => {
    expect(tagsAfter(['b', 'c'], { added: ['a', 'b'], removed: ['c', 'never there'] })).toEqual(['a', 'b']);
    expect(tagsAfter(['b', 'a'], {})).toEqual(['a', 'b']);
  });
});
