import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Finding, SEVERITIES } from '../core/alert.ts';
import type { StoredSessionFacts } from '../core/store/queries/session_facts.ts';
import type { Store } from '../core/store/store.ts';
import { FactsStore, NewFacts } from './session_facts.ts';

/** A store that knows what was stored of sessions. */
function storeOf(stored: readonly StoredSessionFacts[]): Store & { reads: number } {
  const store = {
    reads: 0,
    rows: () => {
      store.reads++;
      return Promise.resolve(stored);
    },
  };
  return store as unknown as Store & { reads: number };
}

const finding = (rule_id: string, severity: Finding['severity'], risk: number) =>
  ({ tenant: 't', session_id: 's', rule_id, severity, risk }) as Finding;

function factsOf(...findings: Finding[]): NewFacts {
  const facts = new NewFacts();
  for (const each of findings) facts.addFinding(each);
  return facts;
}

it('adds up the risk of a session from the worst of each rule', async () => {
  const facts = new FactsStore(storeOf([]), 'log');
  const [row] = await facts.rows(
    factsOf(finding('a', 'low', 20), finding('a', 'medium', 50), finding('b', 'low', 50)),
    7,
  );
  expect(row).toMatchObject({ tenant: 't', session_id: 's', log: 'log', through_seq: 7, risk: 75 });
  expect(JSON.parse(row?.summary ?? '')).toMatchObject({
    rules: { a: { severity: 'medium', risk: 50 }, b: { severity: 'low', risk: 50 } },
  });
});

it('writes nothing when nothing new is known', async () => {
  const facts = new FactsStore(storeOf([]), 'log');
  expect(await facts.rows(factsOf(finding('a', 'medium', 50)), 1)).toHaveLength(1);
  expect(await facts.rows(factsOf(finding('a', 'medium', 50), finding('a', 'low', 20)), 2)).toEqual([]);
});

it('goes on from what is stored, and asks for it once', async () => {
  const summary = JSON.stringify({
    rules: { a: { severity: 'high', risk: 50 } },
    edge_kinds: ['email'],
    untrusted: true,
  });
  const store = storeOf([{ tenant: 't', session_id: 's', through_seq: 90, risk: 50, summary }]);
  const facts = new FactsStore(store, 'log');
  const [row] = await facts.rows(factsOf(finding('b', 'low', 50)), 40);
  // A replay that is not yet as far must not lose to the row that was stored before.
  expect(row).toMatchObject({ through_seq: 90, risk: 75 });
  expect(JSON.parse(row?.summary ?? '')).toMatchObject({ edge_kinds: ['email'], untrusted: true });
  await facts.rows(factsOf(finding('c', 'low', 10)), 91);
  expect(store.reads).toBe(1);
});

it('ends with the same facts in whatever order, and however often, these come', async () => {
  const findings = fc.array(
    fc.record({ rule: fc.constantFrom('a', 'b', 'c'), severity: fc.constantFrom(...SEVERITIES), risk: fc.nat(100) }),
    { minLength: 1, maxLength: 12 },
  );
  const lastOf = async (batches: readonly (readonly Finding[])[]) => {
    const facts = new FactsStore(storeOf([]), 'log');
    let last: { risk: number; summary: string } | undefined;
    for (const batch of batches) last = (await facts.rows(factsOf(...batch), 1))[0] ?? last;
    return last && [last.risk, last.summary];
  };
  await fc.assert(
    fc.asyncProperty(findings, fc.nat(), async (drawn, cut) => {
      const all = drawn.map(({ rule, severity, risk }) => finding(rule, severity, risk));
      const at = cut % all.length;
      const whole = await lastOf([all]);
      expect(await lastOf([all.slice(at), all.slice(0, at)])).toEqual(whole);
      expect(await lastOf([all, all.slice(at), all])).toEqual(whole);
    }),
  );
});
