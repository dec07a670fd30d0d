/**
 * The examples of the Sigma specification, which is in the public domain. Their events are those of other products, so
 * the log source is ours and every field is one that a producer added, under `extra`.
 *
 * https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-correlation-rules-specification.md
 * https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-rules-specification.md
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { errorsOf, record, rulesOf, run } from '../../test/rule_kit.ts';
import { parseRuleFile } from './rule_file.ts';

/** A rule of the specification with our log source and field names. */
function ours(text: string): string {
  return text
    .replace(/^logsource:\n(?: {4}.*\n)+/gm, 'logsource:\n    product: tracewarden\n')
    .replace(
      /\b(EventID|ComputerName|WorkstationName|User|PasswordLastSet|EventLog|TicketOptions|TicketEncryption|FieldA|FieldB)\b/g,
      'extra.$1',
    )
    .replace(/\b(http\.response|event\.(?:category|type|outcome)|source\.ip|destination\.ip)/g, 'extra.$1');
}

const event = (seq: number, extra: Record<string, unknown>, time_s = seq) =>
  record({ seq, time_ms: time_s * 1_000, extra, session_id: 'any' });

// "Failed Logins Followed by Successful Login"
const BRUTE_FORCE = `title: Correlation - Multiple Failed Logins Followed by Successful Login
id: b180ead8-d58f-40b2-ae54-c8940995b9b6
status: experimental
description: Detects multiple failed logins by a single user followed by a successful login of that user
references:
    - https://reference.com
author: Florian Roth (Nextron Systems)
date: 2023-06-16
correlation:
    type: temporal_ordered
    rules:
        - multiple_failed_login
        - successful_login
    group-by:
        - User
    timespan: 10m
falsepositives:
    - Unlikely
level: high
---
title: Multiple failed logons
id: a8418a5a-5fc4-46b5-b23b-6c73beb19d41
description: Detects multiple failed logins within a certain amount of time
name: multiple_failed_login
correlation:
    type: event_count
    rules:
        - failed_login
    group-by:
        - User
    timespan: 10m
    condition:
        gte: 10
---
title: Single failed login
id: 53ba33fd-3a50-4468-a5ef-c583635cfa92
name: failed_login
logsource:
    product: windows
    service: security
detection:
    selection:
        EventID:
            - 529
            - 4625
    condition: selection
---
title: Successful login
id: 4d0a2c83-c62c-4ed4-b475-c7e23a9269b8
description: Detects a successful login
name: successful_login
logsource:
    product: windows
    service: security
detection:
    selection:
        EventID:
            - 528
            - 4624
    condition: selection
`;

describe('correlations of the specification', () => {
  const failures = (count: number, User = 'ana') =>
    Array.from({ length: count }, (_, at) => event(at + 1, { EventID: at % 2 ? 529 : 4625, User }));
  const brute = (list: ReturnType<typeof record>[]) =>
    run(rulesOf(ours(BRUTE_FORCE)), list).map((match) => match.split(':')[0]);
  const RULE = 'b180ead8-d58f-40b2-ae54-c8940995b9b6';

  it('failed logins followed by a successful one', () => {
    expect(brute([...failures(10), event(11, { EventID: 4624, User: 'ana' })])).toEqual([RULE]);
    expect(brute([...failures(9), event(11, { EventID: 4624, User: 'ana' })])).toEqual([]);
    expect(brute([...failures(10), event(11, { EventID: 4624, User: 'ben' })])).toEqual([]);
    expect(brute([event(0, { EventID: 4624, User: 'ana' }), ...failures(10)])).toEqual([]);
    expect(brute([...failures(10), event(11, { EventID: 4624, User: 'ana' }, 611)])).toEqual([]);
  });

  const FAILED = `title: Failed logon
id: 5638f7c0-ac70-491d-8465-2a65075e0d86
logsource:
    product: windows
detection:
    selection:
        EventID: 4625
    condition: selection
---
`;

  it('event_count: many failed logins', () => {
    const text = `${FAILED}title: Many failed logins
id: 0e95725d-7320-415d-80f7-004da920fc11
correlation:
    type: event_count
    rules:
        - 5638f7c0-ac70-491d-8465-2a65075e0d86
    group-by:
        - ComputerName
    timespan: 1h
    condition:
        gte: 100
`;
    const logins = (count: number, computers: number) =>
      Array.from({ length: count }, (_, at) => event(at, { EventID: 4625, ComputerName: `pc${at % computers}` }));
    expect(run(rulesOf(ours(text)), logins(99, 1))).toEqual([]);
    expect(run(rulesOf(ours(text)), logins(100, 1)).length).toBe(1);
    expect(run(rulesOf(ours(text)), logins(198, 2))).toEqual([]);
  });

  it('event_count: a range of 101 to 200', () => {
    const text = `${FAILED}title: Range
id: range
correlation:
    type: event_count
    rules: [5638f7c0-ac70-491d-8465-2a65075e0d86]
    group-by: [ComputerName]
    timespan: 1h
    condition:
        gt: 100
        lte: 200
    x-tracewarden: { suppression: none }
`;
    const logins = Array.from({ length: 220 }, (_, at) => event(at, { EventID: 4625, ComputerName: 'pc' }));
    const rules = rulesOf(ours(text));
    expect(logins.flatMap((each) => rules.observe(each)).map((match) => match.value)).toEqual(
      Array.from({ length: 100 }, (_, at) => 101 + at),
    );
  });

  it('value_count: failed logons with many accounts', () => {
    const text = `${FAILED}title: Failed login
id: 0e95725d-7320-415d-80f7-004da920fc12
correlation:
    type: value_count
    rules:
        - 5638f7c0-ac70-491d-8465-2a65075e0d86
    group-by:
        - ComputerName
        - WorkstationName
    timespan: 1d
    condition:
        field: User
        gte: 100
`;
    const logins = (users: number) =>
      Array.from({ length: 300 }, (_, at) =>
        event(at, { EventID: 4625, ComputerName: 'pc', WorkstationName: 'ws', User: `u${at % users}` }),
      );
    expect(run(rulesOf(ours(text)), logins(99))).toEqual([]);
    expect(run(rulesOf(ours(text)), logins(100)).length).toBe(1);
  });

  const RECON = ['a', 'b', 'c']
    .map(
      (name, at) =>
        `title: recon ${name}\nname: recon_cmd_${name}\nlogsource:\n    product: windows\ndetection:\n    s: { EventID: ${at + 1} }\n    condition: s\n---\n`,
    )
    .join('');
  const recon = (type: string) => `${RECON}title: Recon
name: recon
correlation:
    type: ${type}
    rules:
        - recon_cmd_a
        - recon_cmd_b
        - recon_cmd_c
    group-by:
        - ComputerName
        - User
    timespan: 5m
`;
  const commands = (order: number[], step_s = 60, who: (at: number) => string = () => 'ana') =>
    order.map((EventID, at) => event(at, { EventID, ComputerName: 'pc', User: who(at) }, at * step_s));

  it('temporal: reconnaissance commands in any order', () => {
    for (const order of [
      [1, 2, 3],
      [3, 1, 2],
      [2, 3, 1],
    ]) {
      expect(run(rulesOf(ours(recon('temporal'))), commands(order))).toEqual(['recon: e0 e1 e2']);
    }
    expect(run(rulesOf(ours(recon('temporal'))), commands([1, 2, 2]))).toEqual([]);
    expect(run(rulesOf(ours(recon('temporal'))), commands([1, 2, 3], 151))).toEqual([]);
    expect(
      run(
        rulesOf(ours(recon('temporal'))),
        commands([1, 2, 3], 60, (at) => (at === 1 ? 'ben' : 'ana')),
      ),
    ).toEqual([]);
  });

  it('temporal_ordered: in this order only, all the way, and within the group', () => {
    const ordered = (order: number[]) => run(rulesOf(ours(recon('temporal_ordered'))), commands(order));
    expect(ordered([1, 2, 3])).toEqual(['recon: e0 e1 e2']);
    for (const order of [
      [1, 3, 2],
      [2, 1, 3],
      [3, 2, 1],
      [2, 3, 1],
      [3, 1, 2],
    ])
      expect(ordered(order)).toEqual([]);
    const other = commands([1, 2, 3], 60, (at) => (at === 1 ? 'ben' : 'ana'));
    expect(run(rulesOf(ours(recon('temporal_ordered'))), other)).toEqual([]);
  });

  it('aliases: the same addresses in different fields', () => {
    const text = `title: Internal error
name: internal_error
logsource:
    product: web
detection:
    selection:
        http.response.status_code: 500
    condition: selection
---
title: New connection
name: new_network_connection
logsource:
    product: network
detection:
    selection:
        event.category: network
        event.type: connection
        event.outcome: success
    condition: selection
---
title: Error and connection
name: both
correlation:
    type: temporal
    rules:
        - internal_error
        - new_network_connection
    group-by:
        - internal_ip
        - remote_ip
    timespan: 10s
    aliases:
        internal_ip:
            internal_error: destination.ip
            new_network_connection: source.ip
        remote_ip:
            internal_error: source.ip
            new_network_connection: destination.ip
`;
    const error = {
      http: { response: { status_code: 500 } },
      destination: { ip: '10.0.0.5' },
      source: { ip: '203.0.113.7' },
    };
    const connection = (source: string, destination: string) => ({
      event: { category: 'network', type: 'connection', outcome: 'success' },
      source: { ip: source },
      destination: { ip: destination },
    });
    const found = (extra: Record<string, unknown>) => run(rulesOf(ours(text)), [event(1, error), event(2, extra)]);
    expect(found(connection('10.0.0.5', '203.0.113.7'))).toEqual(['both: e1 e2']);
    expect(found(connection('203.0.113.7', '10.0.0.5'))).toEqual([]);
    expect(found(connection('10.0.0.5', '203.0.113.8'))).toEqual([]);
  });
});

describe('detections of the specification', () => {
  const rule = (detection: string) =>
    ours(`title: r\nname: r\nlogsource:\n    product: windows\ndetection:\n${detection}`);
  const fires = (detection: string, extra: Record<string, unknown>) =>
    run(rulesOf(rule(detection)), [event(1, extra)]).length === 1;

  it('Maps: event log and one of two ids', () => {
    const detection = `    selection:
        EventLog: Security
        EventID:
            - 517
            - 1102
    condition: selection
`;
    expect(fires(detection, { EventLog: 'security', EventID: 1102 })).toBe(true);
    expect(fires(detection, { EventLog: 'Security', EventID: 1103 })).toBe(false);
    expect(fires(detection, { EventLog: 'System', EventID: 517 })).toBe(false);
  });

  it('Maps: four fields together', () => {
    const detection = `    selection:
        EventLog: Security
        EventID: 4769
        TicketOptions: '0x40810000'
        TicketEncryption: '0x17'
    condition: selection
`;
    const ticket = { EventLog: 'Security', EventID: 4769, TicketOptions: '0x40810000', TicketEncryption: '0x17' };
    expect(fires(detection, ticket)).toBe(true);
    expect(fires(detection, { ...ticket, TicketEncryption: '0x18' })).toBe(false);
  });

  it('Special Field Values: not null', () => {
    const detection = `    selection:
        EventID: 4738
    filter:
        PasswordLastSet: null
    condition: selection and not filter
`;
    expect(fires(detection, { EventID: 4738, PasswordLastSet: 'today' })).toBe(true);
    expect(fires(detection, { EventID: 4738 })).toBe(false);
  });

  it('Special Field Values: null and an empty text in selections of their own, and not in a list', () => {
    const valid = `    selection_main:
        FieldA: 'something'
    selection_empty1:
        FieldB: ''
    selection_empty2:
        FieldB: null
    condition: selection_main and 1 of selection_empty*
`;
    expect(fires(valid, { FieldA: 'something' })).toBe(true);
    expect(fires(valid, { FieldA: 'something', FieldB: '' })).toBe(true);
    expect(fires(valid, { FieldA: 'something', FieldB: 'x' })).toBe(false);
    const invalid = `    selection_main:
        FieldA: 'something'
        FieldB:
            - ''
            - null
    condition: selection_main
`;
    expect(errorsOf(rule(invalid))[0]).toContain('null needs a selection of its own');
  });

  it('Field Existence', () => {
    const detection = `    selection:
        EventID: 4738
        PasswordLastSet|exists: true
    condition: selection
`;
    expect(fires(detection, { EventID: 4738, PasswordLastSet: 0 })).toBe(true);
    expect(fires(detection, { EventID: 4738 })).toBe(false);
  });

  it('Keywords search: one of them, or all of them', () => {
    const one =
      "    mimikatz_keywords:\n        - 'event::clear'\n        - 'event::drop'\n    condition: mimikatz_keywords\n";
    const all =
      "    keywords_cmdlet:\n        '|all':\n            - 'OabVirtualDirectory'\n            - ' -ExternalUrl '\n    condition: keywords_cmdlet\n";
    const says = (detection: string, content: string) =>
      run(rulesOf(rule(detection)), [record({ seq: 1, content })]).length === 1;
    expect(says(one, 'run EVENT::DROP now')).toBe(true);
    expect(says(one, 'run event')).toBe(false);
    expect(says(all, 'Set-OabVirtualDirectory -ExternalUrl x')).toBe(true);
    expect(says(all, 'Set-OabVirtualDirectory x')).toBe(false);
  });
});

const SCHEMAS = process.env.SIGMA_SCHEMA_DIR ?? '';
const schemaOf = (name: string) => join(SCHEMAS, `sigma-${name}-schema.json`);
const has_schemas =
  SCHEMAS !== '' && ['correlation-rules', 'detection-rule'].every((name) => existsSync(schemaOf(name)));

// Skipped without a copy of the official schemas: SIGMA_SCHEMA_DIR names the folder that holds them.
describe.skipIf(!has_schemas)('the official schemas', () => {
  const validate = (name: string) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    return ajv.compile(JSON.parse(readFileSync(schemaOf(name), 'utf8')) as object);
  };

  /** Of a file with one rule each: whether the schema takes it, and whether we do. */
  function verdicts(rule: Record<string, unknown>): { official: boolean; ours: boolean } {
    const schema = validate('correlation' in rule ? 'correlation-rules' : 'detection-rule');
    return { official: schema(rule), ours: parseRuleFile(JSON.stringify(rule), 'f').errors.length === 0 };
  }

  const base = {
    title: 'a',
    name: 'a',
    logsource: { product: 'tracewarden' },
    detection: { s: { tool: 'x' }, condition: 's' },
  };
  const correlation = {
    type: 'event_count',
    rules: ['a1'],
    'group-by': ['user_id'],
    timespan: '1h',
    condition: { gte: 2 },
  };
  const correlating = (more: object) => ({ title: 'c', name: 'c', correlation: { ...correlation, ...more } });

  it.each([
    base,
    {
      ...base,
      status: 'test',
      level: 'low',
      tags: ['attack.t1005'],
      date: '2026-01-15',
      falsepositives: ['None at all'],
    },
    { ...base, detection: { s: ['one', 2], condition: 's' } },
    correlating({}),
    correlating({ type: 'temporal', condition: undefined }),
    correlating({ type: 'temporal_ordered', condition: undefined, 'x-tracewarden': { distinct: ['server'] } }),
    correlating({ type: 'value_count', condition: { field: 'tool', gte: 2 } }),
    { ...correlating({}), generate: true },
  ])('take what we take: %j', (rule) => {
    expect(verdicts(JSON.parse(JSON.stringify(rule)) as Record<string, unknown>)).toEqual({
      official: true,
      ours: true,
    });
  });

  it.each([
    { ...base, title: undefined },
    { ...base, title: 'x'.repeat(257) },
    { ...base, logsource: undefined },
    { ...base, status: 'new' },
    { ...base, level: 'severe' },
    { ...base, detection: { s: { tool: 'x' } } },
    { ...base, detection: { s: 'text', condition: 's' } },
    correlating({ type: 'sometimes' }),
    correlating({ timespan: undefined }),
    correlating({ rules: undefined }),
    correlating({ 'group-by': undefined }),
    correlating({ condition: undefined }),
    correlating({ rules: ['a1', 'a1'] }),
    { ...correlating({}), level: 'severe' },
  ])('refuse what we refuse: %j', (rule) => {
    expect(verdicts(JSON.parse(JSON.stringify(rule)) as Record<string, unknown>)).toEqual({
      official: false,
      ours: false,
    });
  });

  // Where we are stricter: what the schema lets through has no meaning, or none here.
  it.each([
    { ...base, logsource: { product: 'windows' } },
    { ...base, levle: 'high' },
    { ...base, detection: { s: { toool: 'x' }, condition: 's' } },
    { ...base, detection: { s: { 'tool|near': 'x' }, condition: 's' } },
    { ...base, detection: { s: { tool: 'x' }, condition: 'other' } },
    correlating({ timespan: '5 years' }),
    correlating({ type: 'value_percentile', condition: { field: 'row_count', lte: 1 } }),
  ])('are less strict about %j', (rule) => {
    expect(verdicts(JSON.parse(JSON.stringify(rule)) as Record<string, unknown>)).toEqual({
      official: true,
      ours: false,
    });
  });
});
