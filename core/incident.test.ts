import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupedAlert, groupIncidents } from './incident.ts';

const LOG = 'test.example.com/log';
const alert = (
  alert_id: string,
  session_id: string,
  events: readonly number[] = [],
  duplicate_of = '',
): GroupedAlert => ({
  alert_id,
  session_id,
  evidence: events.map((seq) => ({ log: LOG, seq, event_id: `e${seq}` })),
  duplicate_of,
});
const idsOf = (alerts: readonly GroupedAlert[]) =>
  groupIncidents(alerts).map(({ incident_id, members }) => [
    incident_id,
    ...members.map((each) => each.alert.alert_id),
  ]);

describe('an incident', () => {
  it('is made of the alerts of one session and named by the first of them', () => {
    expect(idsOf([alert('a', 's1'), alert('b', 's2'), alert('c', 's1')])).toEqual([
      ['a', 'a', 'c'],
      ['b', 'b'],
    ]);
  });

  it('reaches into another session where one event proves alerts of both', () => {
    const alerts = [alert('a', 's1', [1, 2]), alert('b', 's2', [7]), alert('c', 's3', [9, 2])];
    const [first, second] = groupIncidents(alerts);
    expect([first?.incident_id, second?.incident_id]).toEqual(['a', 'b']);
    expect(first?.members[1]).toEqual({
      alert: alerts[2],
      joints: [{ by: 'evidence', alert_id: 'a', common: 'e2' }],
    });
  });

  it('grows together with another when an alert belongs to both, and keeps the older name', () => {
    const alerts = [alert('a', 's1', [1]), alert('b', 's2', [2]), alert('c', 's2', [1])];
    expect(idsOf(alerts)).toEqual([['a', 'a', 'b', 'c']]);
    expect(groupIncidents(alerts)[0]?.members.map(({ joints }) => joints.map(({ by }) => by))).toEqual([
      [],
      [],
      ['session', 'evidence'],
    ]);
  });

  it('takes in what a person called a duplicate, also of a later alert', () => {
    expect(idsOf([alert('a', 's1', [], 'b'), alert('b', 's2')])).toEqual([['a', 'a', 'b']]);
  });

  it('is not made of what only looks alike: no session, the same number in another log, a duplicate of nothing', () => {
    const other = { ...alert('d', 's4'), evidence: [{ log: 'other.example/log', seq: 1, event_id: 'e1' }] };
    const alerts = [alert('a', ''), alert('b', ''), alert('c', 's3', [1], 'gone'), other, alert('e', 's5', [], 'e')];
    expect(idsOf(alerts)).toHaveLength(5);
  });

  it('has each alert once, in the order of the log, whatever is joined with what', () => {
    const some = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 6 }), fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }), fc.nat(12)),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(some, (drawn) => {
        const alerts = drawn.map(([session, events, other], at) =>
          alert(`a${at}`, session === 0 ? '' : `s${session}`, events, other < 4 ? `a${other}` : ''),
        );
        const incidents = groupIncidents(alerts);
        const all = incidents.flatMap(({ members }) => members.map((each) => each.alert.alert_id));
        expect([...all].sort()).toEqual(alerts.map(({ alert_id }) => alert_id).sort());
        const incidentOf = new Map(
          incidents.flatMap(({ incident_id, members }) => members.map((each) => [each.alert.alert_id, incident_id])),
        );
        for (const { incident_id, members } of incidents) {
          expect(incident_id).toBe(members[0]?.alert.alert_id);
          const places = members.map((each) => alerts.indexOf(each.alert));
          expect(places).toEqual([...places].sort((a, b) => a - b));
          // Only what a joint says holds an incident together.
          for (const { joints } of members)
            for (const each of joints) expect(incidentOf.get(each.alert_id)).toBe(incident_id);
          const joints = members.reduce((sum, each) => sum + each.joints.length, 0);
          expect(joints).toBeGreaterThanOrEqual(members.length - 1);
        }
        // What is known first is not changed by what comes later, unless a later alert joins two.
        expect(groupIncidents(alerts)).toEqual(incidents);
      }),
    );
  });

  it('of 20,000 alerts in one chain is found at once', () => {
    const alerts = Array.from({ length: 20_000 }, (_, at) => alert(`a${at}`, `s${at}`, [at, at + 1]));
    const [only, ...others] = groupIncidents(alerts.reverse());
    expect([only?.members.length, others.length]).toEqual([20_000, 0]);
  });
});
