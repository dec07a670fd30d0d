import { describe, expect, it } from 'vitest';
import { call, elsewhere, exampleRecords, type RawEvent, tools, toProvenance } from '../example_events.ts';
import { grantedAgainstUsed } from './granted_against_used.ts';

function report(events: RawEvent[]) {
  return grantedAgainstUsed(exampleRecords('s', events).map(toProvenance));
}

const approval = (tool: string, decision: string): RawEvent => ({
  type: 'tool.approval',
  server: 'till',
  tool,
  tool_approval: { definition_sha256: 'a'.repeat(64), decision, approver: 'carol@example.com' },
});

describe('grantedAgainstUsed', () => {
  it('sets what a role was given beside what it used', () => {
    const { roles } = report([
      tools('till', [{ name: 'refund' }, { name: 'open_drawer' }, { name: 'close_day' }]),
      call('till', 'refund', {}),
      call('till', 'refund', {}),
      elsewhere('other', call('till', 'refund', {}), { user_role: 'auditor' }),
    ]);
    expect(roles.map(({ role, granted, used, share_used }) => ({ role, granted, used, share_used }))).toEqual([
      { role: 'analyst', granted: 3, used: 1, share_used: 0.333 },
      { role: 'auditor', granted: 0, used: 0, share_used: 0 },
    ]);
    expect(roles[0]?.unused.map(({ tool }) => tool)).toEqual(['close_day', 'open_drawer']);
    expect(roles[1]?.not_granted).toMatchObject([{ server: 'till', tool: 'refund', calls: 1 }]);
  });

  it('counts an approved tool as granted, and a rejected one not', () => {
    const { roles } = report([
      approval('refund', 'approved'),
      approval('void', 'approved'),
      approval('void', 'rejected'),
      call('till', 'refund', {}),
      call('till', 'void', {}),
    ]);
    expect(roles[0]).toMatchObject({ granted: 1, used: 1, not_granted: [{ tool: 'void' }] });
  });

  it('keeps tenants apart', () => {
    const foreign = { ...call('till', 'refund', {}), tenant: 'other' };
    const { roles } = report([tools('till', [{ name: 'refund' }]), foreign]);
    expect(roles.map(({ tenant, granted }) => [tenant, granted])).toEqual([
      ['default', 1],
      ['other', 0],
    ]);
  });

  it('says how much it had to leave out', () => {
    const many = Array.from({ length: 2_000 }, (_, at) => ({ name: `tool_${at}` }));
    const { roles, left_out } = report([tools('a', many), tools('b', many), tools('c', many)]);
    expect(roles[0]?.granted).toBe(5_000);
    expect(left_out).toBe(1_000);
  });
});
