import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  atThreshold,
  aucOf,
  type Group,
  groupOf,
  HIGH,
  type JudgedSession,
  MEDIUM,
  qualityOf,
  shareOf,
} from './detection_quality.ts';
import type { Label } from './labelled.ts';

const label = (more: Partial<Label>): Label => ({
  session_id: 's',
  label: 'benign',
  suite: 'one',
  variant: 'benign_task',
  user_task: 'u1',
  ...more,
});

const session = (group: Group, rank: number, risk: number, more: Partial<Label> = {}): JudgedSession => ({
  label: label(more),
  group,
  rank,
  risk,
  rules: new Map(),
});

describe('the group of a session', () => {
  it.each([
    ['attack', { label: 'attack_succeeded', variant: 'injected' }],
    ['attack', { label: 'metadata_attack', variant: 'injected' }],
    ['attempt', { label: 'attack_attempted_failed', injection_seen: true }],
    ['attempt', { label: 'attack_attempted_failed', injection_seen: null }],
    ['unseen', { label: 'attack_attempted_failed', injection_seen: false }],
    ['risky', { label: 'benign', variant: 'user_requested_risky' }],
    ['benign', { label: 'benign', variant: 'benign_task' }],
  ] as const)('is %s', (group, more) => {
    expect(groupOf(label(more))).toBe(group);
  });
});

describe('the AUC of the risk', () => {
  it('is the share of pairs that are in order, as counted by hand', () => {
    // 4 > 1, 4 > 3, 2 > 1; 2 < 3: three of four pairs.
    expect(aucOf([4, 2], [1, 3])).toBe(0.75);
  });

  it('counts equal risks half', () => {
    expect(aucOf([5, 5], [5, 0])).toBe(0.75);
    expect(aucOf([1, 1, 1], [1, 1])).toBe(0.5);
  });

  it('is the share of ordered pairs for any risks', () => {
    const risks = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(risks, risks, (attacks, benign) => {
        let pairs = 0;
        for (const a of attacks) for (const b of benign) pairs += a > b ? 1 : a === b ? 0.5 : 0;
        expect(aucOf(attacks, benign)).toBeCloseTo(pairs / (attacks.length * benign.length), 10);
      }),
    );
  });
});

describe('a threshold on the risk', () => {
  it('stands at the risk that one session more than the share would be above', () => {
    const benign = Array.from({ length: 100 }, (_, at) => at);
    const found = atThreshold([99, 98, 97, 50], benign, 0.02);
    expect(found).toEqual({ risk: 97, attacks: { hits: 2, of: 4 }, benign: { hits: 2, of: 100 } });
  });

  it('never lets through more false alarms than asked for', () => {
    const risks = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(risks, fc.double({ min: 0, max: 0.5, noNaN: true }), (benign, share) => {
        expect(atThreshold([3], benign, share).benign.hits).toBeLessThanOrEqual(share * benign.length);
      }),
    );
  });
});

describe('a share with its interval', () => {
  const items = [
    ...Array.from({ length: 10 }, (_, at) => ({ cluster: 'a', hit: at < 9 })),
    ...Array.from({ length: 5 }, (_, at) => ({ cluster: 'b', hit: at < 1 })),
    ...Array.from({ length: 20 }, (_, at) => ({ cluster: 'c', hit: at < 10 })),
  ];
  const hit = (item: { hit: boolean }) => item.hit;
  const clusterOf = (item: { cluster: string }) => item.cluster;

  it('lies between the shares of the worst and of the best cluster', () => {
    const share = shareOf(items, hit, clusterOf);
    expect(share).toMatchObject({ hits: 20, of: 35 });
    expect(share.low).toBeGreaterThanOrEqual(0.2);
    expect(share.low).toBeLessThan(20 / 35);
    expect(share.high).toBeGreaterThan(20 / 35);
    expect(share.high).toBeLessThanOrEqual(0.9);
  });

  it('is the one that another program computes from the same samples', () => {
    const clusters = Array.from({ length: 8 }, (_, k) =>
      Array.from({ length: 3 + k }, (_, at) => ({ cluster: String(k), hit: at * 8 < (3 + k) * k })),
    );
    const share = shareOf(clusters.flat(), hit, clusterOf);
    expect(share).toMatchObject({ hits: 31, of: 52 });
    expect(share.low).toBeCloseTo(0.425, 12);
    expect(share.high).toBeCloseTo(0.7313432835820896, 12);
  });

  it('is the same whenever it is asked for', () => {
    expect(shareOf(items, hit, clusterOf)).toEqual(shareOf([...items], hit, clusterOf));
  });

  it('is a point where all clusters are alike', () => {
    const alike = [...items, ...items].map((_, at) => ({ cluster: String(at % 7), hit: true }));
    expect(shareOf(alike, hit, clusterOf)).toMatchObject({ low: 1, high: 1 });
  });

  it('is not there for a single cluster, which says nothing about others', () => {
    const one = items.filter(({ cluster }) => cluster === 'a');
    expect(shareOf(one, hit, clusterOf)).toMatchObject({ hits: 9, of: 10, low: Number.NaN, high: Number.NaN });
  });
});

describe('the quality of some sessions', () => {
  it('counts each group at its severity, and what was asked for apart', () => {
    const quality = qualityOf([
      session('attack', HIGH, 80),
      session('attack', HIGH + 1, 90),
      session('attack', MEDIUM, 30),
      session('attempt', MEDIUM, 30),
      session('attempt', -1, 0),
      session('unseen', HIGH, 70),
      session('benign', HIGH, 60),
      session('benign', MEDIUM, 20),
      session('benign', -1, 0),
      session('benign', 0, 0),
      session('risky', HIGH, 60),
    ]);
    expect(quality.detected).toMatchObject({ hits: 2, of: 3 });
    expect(quality.false_alarms).toMatchObject({ hits: 1, of: 4 });
    expect(quality.risky).toEqual({ hits: 1, of: 1 });
    expect(quality.attempts_at_medium).toEqual({ hits: 1, of: 2 });
    expect(quality.benign_at_medium).toEqual({ hits: 2, of: 4 });
    // Of twelve pairs only the attack of 30 against the benign session of 60 is out of order.
    expect(quality.auc).toBeCloseTo(11 / 12, 10);
  });

  it('has no AUC where one side is missing', () => {
    expect(qualityOf([session('attack', HIGH, 80)]).auc).toBeUndefined();
    expect(qualityOf([session('benign', HIGH, 80)]).by_risk).toEqual([]);
  });
});
