import { describe, expect, it } from 'vitest';
import { record, rulesOf, run } from '../../test/rule_kit.ts';

const RULE = `
title: Opens
name: opens
logsource: { product: tracewarden, category: tool.call }
detection: { selection: { tool: open }, condition: selection }
---
title: Sends
name: sends
logsource: { product: tracewarden, category: tool.call }
detection: { selection: { tool: send }, condition: selection }
---
title: Opened, then sent
id: opened_then_sent
level: low
description: Two steps.
correlation:
  type: temporal_ordered
  rules: [opens, sends]
  group-by: [session_id]
  timespan: 60s
`;
const DAY_MS = 86_400_000;

/** Another session of the tenant, whose producer says that it is a day later. */
const ahead = (seq: number, received_at_ms: number) => ({
  ...record({ seq, session_id: `other-${seq}`, tool: 'open', time_ms: DAY_MS }),
  received_at_ms,
});
const between = [2, 3, 4].map((seq) => ahead(seq, seq * 1_000));

describe('how late it is for a tenant', () => {
  it('is not decided by one producer whose clock is ahead', () => {
    const found = run(rulesOf(RULE), [record({ seq: 1, tool: 'open' }), ...between, record({ seq: 6, tool: 'send' })]);
    expect(found).toHaveLength(1);
  });

  it('is what arrived and was said to be so late, so that old rows go', () => {
    const rules = rulesOf(RULE);
    run(rules, [record({ seq: 1, tool: 'open' }), ...between.map((each) => ({ ...each, received_at_ms: DAY_MS }))]);
    expect(rules.counters.keys).toBe(between.length);
  });
});
