/** SQL and the stream find the same where detectors have been: capabilities, signals, destinations, carried values. */
import { beforeAll, describe, expect, it } from 'vitest';
import { exampleRecords, type RawEvent } from '../detectors/example_events.ts';
import { loadRules } from '../detectors/load_rules.ts';
import { START_MS } from './log_kit.ts';
import { baseRule, DETECTORS, definedOnly, LOGSOURCE, parityLog, type Sent, setOfRules } from './rule_sql_kit.ts';

const { stored, expectSame } = parityLog('rule-sql-examples');

describe('over the examples of rules and detectors', { timeout: 240_000 }, () => {
  let tenant: string;
  const signals = new Set(DETECTORS.map(({ metadata }) => metadata.id));

  beforeAll(async () => {
    const { examples } = await loadRules({ signals });
    const sessions = [...[...examples.values()].flat(), ...DETECTORS.flatMap((detector) => detector.examples)];
    const sent = sessions.flatMap(({ events }, at) =>
      exampleRecords(`x${at}`, events as RawEvent[]).map(
        ({ event_id: _, time, ...event }): Sent => ({ ...event, time_ms: Date.parse(time as string) - START_MS }),
      ),
    );
    tenant = await stored(sent);
  }, 120_000);

  it('the rules that come with the program find the same', async () => {
    const { set } = await loadRules({ signals });
    const { found } = await expectSame(set, tenant);
    expect(found.length).toBeGreaterThan(6);
  });

  it('what a call can do is the same, by the definitions of its session and by its parameters', async () => {
    const of = (name: string, selection: object, category = {}) => ({
      title: name,
      name,
      logsource: { ...LOGSOURCE, ...category },
      detection: { selection, acts: { egress: true }, condition: 'selection' },
    });
    const calls = { category: 'tool.call' };
    const rules = [
      of('sends', { egress: true }, calls),
      of('stays', { egress: false }, calls),
      of('any', { egress: true }),
      of('reads', { 'capability|contains': 'read' }, { category: 'tool.result' }),
      of('nothing', { capability: null }),
      of('neither', { 'capability|neq': ['write', 'unknown'] }, calls),
      { ...of('never', { type: 'tool.call' }), detection: { acts: { egress: true }, condition: 'not acts' } },
    ];
    for (const rule of rules) expect((await expectSame(setOfRules([rule]), tenant)).found.length).toBeGreaterThan(3);
  });

  it('what a call can do is what an earlier session of the tenant saw published, and not a later one', async () => {
    const tools = [{ name: 'zavobiro', description: 'Sends a letter to a customer.' }];
    const call = (session_id: string, time_ms: number): Sent => ({
      event_id: `zavobiro-${session_id}`,
      session_id,
      time_ms,
      type: 'tool.call',
      server: 'desk',
      tool: 'zavobiro',
      params: { text: 'Good morning' },
    });
    const own = await stored([
      call('before', 1_000),
      { event_id: 'listing', session_id: 'listing', time_ms: 2_000, type: 'tools.list', server: 'desk', tools },
      call('after', 3_000),
    ]);
    const rule = (name: string, egress: boolean) => ({
      title: name,
      name,
      logsource: { ...LOGSOURCE, category: 'tool.call' },
      detection: { selection: { tool: 'zavobiro', egress }, condition: 'selection' },
    });
    for (const egress of [true, false]) {
      expect((await expectSame(setOfRules([rule('sends', egress)]), own)).found).toHaveLength(1);
    }
  });

  it('signals, severities and destinations are those that the detectors left', async () => {
    const own = DETECTORS.map(({ metadata }) => metadata.id);
    let found = 0;
    for (const id of own) {
      const { found: ids } = await expectSame(setOfRules([baseRule(`on_${id}`, { signal: id })]), tenant);
      found += ids.length;
    }
    expect(found).toBeGreaterThan(20);
    const counted = {
      title: 'several',
      name: 'several',
      correlation: {
        type: 'temporal',
        rules: ['signal:injection_in_result', 'signal:destination_from_result', 'calls'],
        'group-by': ['session_id'],
        timespan: '1h',
        condition: { gte: 2 },
      },
    };
    const rules = [
      [baseRule('severe', { severity: ['medium', 'high'] })],
      [baseRule('quiet', { severity: null, type: 'tool.call' })],
      [baseRule('addressed', { 'destination|contains': '@' })],
      [baseRule('elsewhere', { 'destination|neq': 'nobody@example.com' })],
      [baseRule('calls', { type: 'tool.call' }), counted],
    ];
    for (const each of rules) expect((await expectSame(setOfRules(each), tenant)).found.length).toBeGreaterThan(0);
  });

  it('values that were carried are those of the stored edges', async () => {
    let found = 0;
    for (const match of [undefined, 'secret', 'text', 'value']) {
      for (const min_len of [undefined, 12]) {
        const rule = {
          title: 'carried',
          name: 'carried',
          correlation: {
            type: 'temporal_ordered',
            rules: ['calls'],
            'group-by': ['session_id'],
            timespan: '1h',
            'x-tracewarden': {
              steps: [
                { rule: 'calls', name: 'from' },
                { rule: 'calls', name: 'to' },
              ],
              suppression: 'none',
              carry: definedOnly({ from: 'from', to: 'to', match, min_len }),
            },
          },
        };
        found += (await expectSame(setOfRules([baseRule('calls', { type: 'tool.call' }), rule]), tenant)).found.length;
      }
    }
    expect(found).toBeGreaterThan(20);
  });
});
