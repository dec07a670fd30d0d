/**
 * Changes a stored log in every way that the store allows, one at a time, and asks of the verifier that it sees each
 * change and names the table, and the column where it is one.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldSalt } from '../core/commitment.ts';
import { EVENT_EXAMPLES } from '../core/event_examples.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import { TABLES, type TableName } from '../core/store/tables.ts';
import { signCheckpoint } from '../core/tlog/checkpoint.ts';
import { ed25519FromSeed } from '../core/tlog/ed25519_node.ts';
import { noteSigner } from '../core/tlog/note_key.ts';
import { eraseContent } from '../ingest/erase.ts';
import type { VerifyReport } from '../ingest/verify/report.ts';
import { ORIGIN, openTestLog, openTestStore, START_MS, type TestLog, temporaryFolder } from './log_kit.ts';

const folder = temporaryFolder('mutation');
/** What detection derived from the log and a replay makes again: no table of these is proved. */
const DERIVED = ['deliveries', 'edges', 'signals', 'observations', 'session_facts'] as const;
type ProvedTable = Exclude<TableName, (typeof DERIVED)[number]>;
const isProved = (table: TableName): table is ProvedTable => !DERIVED.some((derived) => derived === table);
const NAMES = (Object.keys(TABLES) as TableName[]).filter(isProved);
let log: TestLog;
let store: Store;
/** The newest checkpoint, and what was the newest one before the last batch. */
let last_note = '';
let size = 0;
let early_size = 0;

const ALERTS = 20;
const KEYS = 10;
const time = (at: number) => new Date(START_MS + at * 1_000).toISOString();

/** Text that is longer in bytes than in characters, and a replacement character that was really sent. */
const WIDE = ['Prüferin', '日本', '🙂🙂', 'broken \ufffd'];

/** Event `at`, in one of eleven sessions, with every column that an event can have. */
function event(at: number) {
  return {
    event_id: `e-${at}`,
    type: at % 3 === 0 ? 'tool.call' : at % 3 === 1 ? 'tool.result' : 'prompt',
    time: time(at),
    session_id: `s-${at % 11}`,
    user_id: `user${at % 11}@example.com`,
    user_role: 'analyst',
    agent: 'assistant',
    client: 'desktop',
    server: 'files',
    tool: 'read',
    call_id: `c-${at}`,
    is_error: at % 5 === 0,
    params: { path: `/srv/${at}` },
    content: `result ${at}`,
    note: at,
  };
}

async function recordInternal(): Promise<void> {
  const { writer } = log;
  const place = { tenant: 'default', session_id: '', user_id: '', actor: 'admin', time_ms: START_MS };
  const alert = {
    rule_id: 'secret_to_egress',
    rule_version: 3,
    severity: 'high',
    title: 'A secret left',
    reason: 'A value of a secret went out.',
    session_id: 's-1',
    user_id: 'user1@example.com',
    agent: 'assistant',
    tags: ['exfiltration'],
    evidence: [{ log: ORIGIN, seq: 4, event_id: 'e-4', role: 'read the secret' }],
  };
  const raise = (at: number) =>
    writer.stamp({
      ...place,
      kind: 'alert',
      type: 'alert',
      event_id: `alert-${at}`,
      user_id: 'user1@example.com',
      detail: alert,
    });
  const setKey = (key_id: string, revoked: boolean) =>
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'key.changed',
      event_id: `key-${key_id}-${revoked}`,
      detail: {
        key_id,
        name: 'gateway',
        role: 'ingest',
        tenant: 'default',
        sha256: `0011${'22'.repeat(30)}`,
        created_at_ms: START_MS,
        expires_at_ms: START_MS + 1,
        revoked,
      },
    });
  const closed = (at: number) =>
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'alert.closed',
      event_id: `close-${at}`,
      detail: { alert_id: `alert-${at}`, actor_name: 'soc', request_id: `${at}`, verdict: 'benign', note: 'asked for' },
    });
  const suppression = {
    alert_id: 'alert-1',
    actor_name: 'soc',
    request_id: 's',
    scope: { rule_id: 'secret_to_egress', tool: 'read' },
    reason: 'a backup',
    expires_at_ms: START_MS + 1,
  };
  const heldBack = (at: number) =>
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'finding.suppressed',
      event_id: `finding-${at}`,
      detail: { suppression_id: 'suppress-1', severity: 'high', session_id: 's-1' },
    });
  const config = { type: 'config', event_id: 'config-1', detail: { limits: { a: 1 } } };
  await writer.submitInternal([
    ...Array.from({ length: ALERTS }, (_, at) => raise(at)),
    raise(1),
    ...Array.from({ length: KEYS }, (_, at) => setKey(`key-${at}`, false)),
    setKey('key-1', true),
    ...Array.from({ length: ALERTS }, (_, at) => closed(at)),
    closed(1),
    writer.stamp({ ...place, kind: 'action', type: 'alert.suppressed', event_id: 'suppress-1', detail: suppression }),
    ...Array.from({ length: 10 }, (_, at) => heldBack(at)),
    writer.stamp({ ...place, kind: 'config', ...config }),
  ]);
}

const copy = (from: string, to: string) =>
  Promise.all(
    NAMES.map((table) => store.command(`CREATE TABLE ${to}${table} ENGINE = Memory AS SELECT * FROM ${from}${table}`)),
  );

async function restore(tables: readonly string[] = NAMES, from = 'kept_'): Promise<void> {
  for (const table of tables) {
    await store.command(`TRUNCATE TABLE ${table}`);
    await store.command(`INSERT INTO ${table} SELECT * FROM ${from}${table}`);
  }
}

beforeAll(async () => {
  store = await openTestStore(folder);
  log = await openTestLog(folder, store);
  await log.submit(Object.values(EVENT_EXAMPLES));
  await log.submit(Array.from({ length: 260 }, (_, at) => event(at)));
  await log.checkpointer.publish();
  await recordInternal();
  await log.submit(['{"event_id":', '[]', '\u0000', { ...event(1), tenant: '*' }], 'default');
  await log.submit(
    WIDE.map((text, at) => ({ ...event(500 + at), session_id: text, user_role: text, note: text, content: text })),
  );
  await log.submit([event(1), event(2), { ...event(3), content: 'other' }, { ...event(4), session_id: 'moved' }]);
  await log.submit([
    { ...event(400), session_id: undefined },
    { ...event(401), session_id: undefined },
  ]);
  await log.submit(Array.from({ length: 260 }, (_, at) => event(1_000 + at)));
  await log.checkpointer.publish();
  early_size = log.writer.head.size;
  await store.command('SELECT 1');
  await copy('', 'early_');
  await log.submit(Array.from({ length: 20 }, (_, at) => ({ ...event(2_000 + at), tenant: 'acme' })));
  await log.checkpointer.publish();
  size = log.writer.head.size;
  const [newest] = await store.rows<{ note: string }>('SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1');
  last_note = newest?.note ?? '';
  await store.command(`INSERT INTO cursors SELECT '${ORIGIN}', 'detected_through', ${size}`);
  await copy('', 'kept_');
});

afterAll(async () => {
  await log.writer.close();
  await store.close();
});

async function expectFound(report: VerifyReport, table: string, column?: string): Promise<void> {
  expect(report.ok).toBe(false);
  const found = report.findings.filter((finding) => finding.table === table);
  expect(found, JSON.stringify(report.findings.slice(0, 5))).not.toEqual([]);
  if (column === undefined) return;
  const columns = found.flatMap((finding) => finding.column?.split(', ') ?? []);
  expect(columns, JSON.stringify(found.slice(0, 5))).toContain(column);
}

it('verifies the log as it was written, with every kind of record in it', async () => {
  const report = await log.verify();
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ ok: true, size, records: size, alerts: ALERTS, checkpoints: 3, erased: 0 });
  const kinds = await store.rows<{ kind: string; n: number }>(
    'SELECT toString(kind) AS kind, count() AS n FROM events GROUP BY kind ORDER BY kind',
  );
  expect(kinds.map((row) => row.kind)).toEqual([
    'action',
    'alert',
    'config',
    'conflict',
    'duplicate',
    'event',
    'rejected',
  ]);
  expect(size).toBeGreaterThan(512);
  const signed = log.signer.last();
  const known = { against: last_note, with_content: false, ...(signed && { signed }) };
  expect(await log.verify(known)).toMatchObject({ ok: true });
});

// --- Every column ---

/** What is not proved, and why. A new column must be proved or stand here. */
const NOT_COVERED: Record<string, string> = {
  'checkpoints.log': 'a checkpoint that is moved away is a copy less; what was signed is kept by those who hold it',
  'checkpoints.signed_at': 'the time of signing is not part of a C2SP checkpoint',
  'content.expires_at': 'retention is checked when content expires, by the record that says so',
  'cursors.log': 'detection starts over, which finds the same alerts again',
  'cursors.name': 'detection starts over, which finds the same alerts again',
};
/** Tables that hold nothing of the log. */
const NOT_OF_THE_LOG: Record<string, string> = {
  schema_migrations: 'what the program applied to the store, compared with its files at each start',
  ...Object.fromEntries(DERIVED.map((table) => [table, 'derived from the log, and made again by a replay'])),
};

/** The row of a table in which its column number `at` is changed, and how findings name it. */
const ROW: Record<ProvedTable, (at: number) => { where: string; seq?: number }> = {
  leaves: (at) => ({ where: `seq = ${30 + at}` }),
  nodes: () => ({ where: 'level = 8 AND idx = 1' }),
  heads: () => ({ where: '1' }),
  checkpoints: (at) => ({ where: `size = (SELECT size FROM kept_checkpoints ORDER BY size LIMIT 1 OFFSET ${at % 3})` }),
  cursors: () => ({ where: '1' }),
  events: (at) => ({ where: `seq = ${30 + at}`, seq: 30 + at }),
  content: (at) => ({ where: `seq = ${30 + at}`, seq: 30 + at }),
  sessions: (at) => ({ where: `tenant = '${at < 11 ? 'default' : 'acme'}' AND session_id = 's-${at % 11}'` }),
  alerts: (at) => ({ where: `alert_id = 'alert-${at}'` }),
  alert_actions: (at) => ({ where: `action_id = 'close-${at}'` }),
  suppressed_findings: (at) => ({ where: `finding_id = 'finding-${at}'` }),
  access_keys: (at) => ({ where: `key_id = 'key-${at}'` }),
};

/** Columns whose change moves the row elsewhere: what is missed or in the way is found, not the column. */
const MOVES: Record<ProvedTable, readonly string[]> = {
  leaves: ['log', 'seq'],
  nodes: ['log', 'level', 'idx'],
  heads: ['log', 'size'],
  checkpoints: ['size'],
  cursors: [],
  events: ['tenant', 'session_id', 'log', 'seq'],
  content: ['tenant', 'session_id', 'log', 'seq'],
  sessions: ['tenant', 'session_id', 'log'],
  alerts: ['tenant', 'alert_id', 'log'],
  alert_actions: ['tenant', 'alert_id', 'log', 'seq'],
  suppressed_findings: ['tenant', 'suppression_id', 'log', 'seq'],
  access_keys: ['key_id'],
};
/** Tables of one row, whose columns are changed one at a time. */
const SINGLE = new Set<ProvedTable>(['heads', 'cursors', 'nodes']);

function changed(column: string, type: string): string {
  if (type.startsWith('FixedString')) return `CAST(reverse(${column}) AS ${type})`;
  if (type.startsWith('Array')) return `arrayPushBack(${column}, 'x')`;
  if (type.startsWith('DateTime64')) return `${column} + toIntervalMillisecond(1)`;
  if (column === 'is_error' || column === 'revoked') return `1 - ${column}`;
  if (type.startsWith('UInt')) return `${column} + 1`;
  return column === 'range' ? 'reverse(range)' : `concat(${column}, 'x')`;
}

const COLUMNS = NAMES.flatMap((table) =>
  Object.entries(TABLES[table]).map(([column, type]) => [table, column, type] as const),
);

it('knows every column of the store: each is proved or named as not', async () => {
  const stored = await store.rows<{ at: string; table: string }>(
    `SELECT concat(table, '.', name) AS at, table FROM system.columns
     WHERE database = currentDatabase() AND NOT startsWith(table, 'v_') AND NOT match(table, '^(kept|early)_')`,
  );
  const known = new Set([...COLUMNS.map(([table, column]) => `${table}.${column}`), ...Object.keys(NOT_COVERED)]);
  const unknown = stored.filter((row) => !known.has(row.at) && !(row.table in NOT_OF_THE_LOG));
  expect(unknown.map((row) => row.at)).toEqual([]);
});

describe('a value that was changed', () => {
  const covered = COLUMNS.filter(([table, column]) => !(`${table}.${column}` in NOT_COVERED));
  const staying = covered.filter(([table, column]) => !MOVES[table].includes(column));

  async function change(table: ProvedTable, columns: readonly (typeof covered)[number][]): Promise<VerifyReport> {
    const values = columns.map(
      ([, column, type], at) => `if(${ROW[table](at).where}, ${changed(column, type)}, ${column}) AS ${column}`,
    );
    await store.command(`TRUNCATE TABLE ${table}`);
    await store.command(`INSERT INTO ${table} SELECT * REPLACE (${values.join(', ')}) FROM kept_${table}`);
    const report = await log.verify();
    await restore([table]);
    return report;
  }

  it.each(NAMES.filter((table) => !SINGLE.has(table)))(
    'is found in each column of %s, and in its row',
    async (table) => {
      const columns = staying.filter((each) => each[0] === table);
      const { findings } = await change(table, columns);
      const missed = columns.filter(([, column], at) => {
        const { seq } = ROW[table](at);
        return !findings.some(
          (finding) =>
            finding.table === table &&
            finding.column?.split(', ').includes(column) &&
            (seq === undefined || finding.seq === seq),
        );
      });
      expect(
        missed.map(([, column]) => column),
        JSON.stringify(findings.slice(0, 9)),
      ).toEqual([]);
    },
  );

  it.each(staying.filter(([table]) => SINGLE.has(table)))('is found in %s.%s', async (...column) => {
    await expectFound(await change(column[0], [column]), column[0], column[1]);
  });

  it.each(covered.filter(([table, column]) => MOVES[table].includes(column)))(
    'moves a row away from %s by its %s',
    async (...column) => {
      await expectFound(await change(column[0], [column]), column[0]);
    },
  );

  it.each(Object.keys(NOT_COVERED))('is not found in %s, as documented', async (at) => {
    const [table = '', column = ''] = at.split('.');
    const type = column === 'expires_at' ? 'DateTime' : (TABLES[table as TableName] as Record<string, string>)[column];
    const value = type === 'DateTime' ? 'now()' : changed(column, type ?? 'String');
    await store.command(`TRUNCATE TABLE ${table}`);
    await store.command(`INSERT INTO ${table} SELECT * REPLACE (${value} AS ${column}) FROM kept_${table}`);
    const report = await log.verify();
    await restore([table]);
    expect(report.ok).toBe(true);
  });
});

// --- Every row, and what cannot be said as a column ---

type Case = readonly [what: string, sql: readonly string[], table: string, column?: string];

const without = (table: string, where: string) => [
  `TRUNCATE TABLE ${table}`,
  `INSERT INTO ${table} SELECT * FROM kept_${table} WHERE NOT (${where})`,
];
const replaced = (table: string, replace: string) => [
  `TRUNCATE TABLE ${table}`,
  `INSERT INTO ${table} SELECT * REPLACE (${replace}) FROM kept_${table}`,
];
/** The rows of two sequence numbers exchange their values. */
const swapped = (table: string, columns: readonly string[], a: string, b: string) => {
  const other = (column: string) =>
    `if(seq = ${a}, (SELECT ${column} FROM kept_${table} WHERE seq = ${b} LIMIT 1), if(seq = ${b}, (SELECT ${column} FROM kept_${table} WHERE seq = ${a} LIMIT 1), ${column})) AS ${column}`;
  return replaced(table, columns.map(other).join(', '));
};

const CASES: Case[] = [
  ['a leaf was removed', without('leaves', 'seq = 40'), 'leaves'],
  ['the first leaf was removed', without('leaves', 'seq = 0'), 'leaves'],
  ['the last leaves were removed', without('leaves', 'seq > 500'), 'leaves'],
  ['two leaves were exchanged', swapped('leaves', ['leaf_hash'], '40', '41'), 'leaves', 'leaf_hash'],
  [
    'a leaf was forked',
    [`INSERT INTO leaves SELECT * REPLACE (reverse(leaf_hash) AS leaf_hash) FROM kept_leaves WHERE seq = 40`],
    'leaves',
  ],
  ['an event was removed', without('events', `event_id = 'e-45'`), 'events'],
  ['a rejected record was removed', without('events', `kind = 'rejected'`), 'events'],
  ['the last events were removed', without('events', 'seq > 500'), 'events'],
  ['two events exchanged their cores', swapped('events', ['core'], '40', '51'), 'events', 'core'],
  [
    'two events of a session exchanged everything but their numbers',
    swapped(
      'events',
      ['event_id', 'session_seq', 'time', 'received_at', 'call_id', 'core', 'who', 'what', 'detail'],
      '40',
      '51',
    ),
    'events',
    'core',
  ],
  ['two events exchanged what was called', swapped('events', ['what', 'call_id'], '40', '51'), 'events', 'what'],
  [
    'an event has a second row in another session',
    [`INSERT INTO events SELECT * REPLACE ('forged' AS session_id) FROM kept_events WHERE event_id = 'e-45'`],
    'events',
  ],
  [
    'an event that nobody sent was added',
    [
      `INSERT INTO events SELECT * REPLACE (seq + 1000000 AS seq, 'forged' AS session_id) FROM kept_events WHERE event_id = 'e-45'`,
      `INSERT INTO heads SELECT * REPLACE (size + 2000000 AS size) FROM kept_heads`,
    ],
    'leaves',
  ],
  [
    'a character was exchanged for a byte that reads alike',
    replaced('events', `replaceAll(detail, unhex('EFBFBD'), unhex('FF')) AS detail`),
    'events',
    'detail',
  ],
  [
    'a character of content was exchanged for a byte that reads alike',
    replaced('content', `replaceAll(content, unhex('EFBFBD'), unhex('FF')) AS content`),
    'content',
    'content',
  ],
  ['content was removed', without('content', 'seq = 40'), 'content'],
  ['the last content was removed', without('content', 'seq > 500'), 'content'],
  [
    'two records exchanged their content',
    swapped('content', ['params', 'content', 'salt'], '40', '51'),
    'content',
    'params',
  ],
  ['two records exchanged their params', swapped('content', ['params'], '40', '43'), 'content', 'params'],
  [
    'content was added where no record is',
    [`INSERT INTO content SELECT * REPLACE ('forged' AS session_id) FROM kept_content WHERE seq = 40`],
    'content',
  ],
  [
    'content was called erased, and no record says so',
    replaced(
      'content',
      `if(seq = 40, 'erased', state) AS state, if(seq = 40, 1, version) AS version, if(seq = 40, '', params) AS params, if(seq = 40, '', content) AS content, if(seq = 40, '{}', salt) AS salt`,
    ),
    'content',
    'state',
  ],
  [
    'content was called erased and its salts are no JSON',
    replaced('content', `if(seq = 40, 'erased', state) AS state, if(seq = 40, 1, version) AS version`),
    'content',
    'salt',
  ],
  [
    'the name of a user was changed in the row and in its opening alike',
    replaced(
      'events',
      `replaceAll(user_id, 'user3@', 'other@') AS user_id, replaceAll(who, 'user3@', 'other@') AS who`,
    ),
    'events',
    'who',
  ],
  [
    'a session was removed with all its records',
    [
      ...without('events', `session_id = 's-3'`),
      ...without('content', `session_id = 's-3'`),
      ...without('sessions', `session_id = 's-3'`),
    ],
    'events',
  ],
  ['a session has no row', without('sessions', `session_id = 's-3'`), 'sessions'],
  [
    'a session has a row and no record',
    [
      `INSERT INTO sessions SELECT * REPLACE ('forged' AS session_id) FROM kept_sessions WHERE startsWith(user_id, 'user3@')`,
    ],
    'sessions',
  ],
  [
    'a session claims records beyond the log',
    [
      `INSERT INTO sessions SELECT * REPLACE (last_seq + 100000 AS last_seq) FROM kept_sessions WHERE session_id = 's-3'`,
    ],
    'sessions',
    'last_seq',
  ],
  ['an alert was removed', without('alerts', `alert_id = 'alert-1'`), 'alerts'],
  [
    'an alert was added',
    [`INSERT INTO alerts SELECT * REPLACE ('forged' AS alert_id) FROM kept_alerts LIMIT 1`],
    'alerts',
  ],
  ['what was done with an alert was removed', without('alert_actions', `action_id = 'close-2'`), 'alert_actions'],
  [
    'an alert was closed, and no record says so',
    [
      `INSERT INTO alert_actions SELECT * REPLACE (seq + 1 AS seq, 'forged' AS action_id) FROM kept_alert_actions WHERE alert_id = 'alert-2'`,
    ],
    'alert_actions',
  ],
  [
    'an alert was opened again',
    replaced('alert_actions', `if(action_id = 'close-2', 'new', status) AS status`),
    'alert_actions',
    'status',
  ],
  [
    'a verdict was changed',
    replaced('alert_actions', `if(action_id = 'close-2', 'true_positive', verdict) AS verdict`),
    'alert_actions',
    'verdict',
  ],
  [
    'somebody else was said to have closed an alert',
    replaced('alert_actions', `if(action_id = 'close-2', 'other', actor) AS actor`),
    'alert_actions',
    'actor',
  ],
  [
    'a suppression was made wider',
    replaced('alert_actions', `replaceAll(scope, ',"tool":"read"', '') AS scope`),
    'alert_actions',
    'scope',
  ],
  [
    'a suppression was made longer',
    replaced('alert_actions', `if(scope = '', expires_at, expires_at + toIntervalDay(9)) AS expires_at`),
    'alert_actions',
    'expires_at',
  ],
  ['findings that were held back were removed', without('suppressed_findings', '1'), 'suppressed_findings'],
  [
    'a finding was held back, and no record says so',
    [
      `INSERT INTO suppressed_findings SELECT * REPLACE (seq - 100 AS seq, 'forged' AS finding_id) FROM kept_suppressed_findings LIMIT 1`,
    ],
    'suppressed_findings',
  ],
  ['a key was removed', without('access_keys', `key_id = 'key-2'`), 'access_keys'],
  [
    'a key was added',
    [`INSERT INTO access_keys SELECT * REPLACE ('forged' AS key_id) FROM kept_access_keys LIMIT 1`],
    'access_keys',
  ],
  ['a revocation was taken back', without('access_keys', 'revoked = 1'), 'access_keys'],
  ['a node was removed', without('nodes', 'idx = 0'), 'nodes'],
  ['two nodes were exchanged', replaced('nodes', '1 - idx AS idx'), 'nodes'],
  [
    'a node was forked',
    ['INSERT INTO nodes SELECT * REPLACE (reverse(hash) AS hash) FROM kept_nodes WHERE idx = 0'],
    'nodes',
  ],
  [
    'a node was added inside the log',
    [
      'INSERT INTO nodes SELECT * REPLACE (16 AS level, 0 AS idx) FROM kept_nodes WHERE idx = 0',
      'INSERT INTO nodes SELECT * REPLACE (3 AS level) FROM kept_nodes WHERE idx = 0',
    ],
    'nodes',
  ],
  ['the head was removed', ['TRUNCATE TABLE heads'], 'heads', 'size'],
  [
    'the head was set back alone',
    ['TRUNCATE TABLE heads', 'INSERT INTO heads SELECT * FROM early_heads'],
    'heads',
    'size',
  ],
  ['the head covers one record less', replaced('heads', 'size - 1 AS size'), 'heads', 'root'],
  [
    'detection claims more than there is',
    ['INSERT INTO cursors SELECT * REPLACE (seq + 1 AS seq) FROM kept_cursors'],
    'cursors',
    'seq',
  ],
];

for (const [what, sql, table, column] of CASES) {
  it(`finds that ${what}`, async () => {
    for (const statement of sql) await store.command(statement);
    const report = await log.verify();
    const tables = sql.map((statement) => /^(?:TRUNCATE TABLE|INSERT INTO) (\w+)/.exec(statement)?.[1] ?? '');
    await restore([...new Set(tables)]);
    await expectFound(report, table, column);
  });
}

describe('a checkpoint', () => {
  async function replaceNote(note: string): Promise<VerifyReport> {
    await store.command(`TRUNCATE TABLE checkpoints`);
    await store.command(
      `INSERT INTO checkpoints SELECT * REPLACE (if(size = ${size}, {note:String}, note) AS note) FROM kept_checkpoints`,
      { note },
    );
    const report = await log.verify();
    await restore(['checkpoints']);
    return report;
  }

  it('that another key signed under the same name is refused', async () => {
    const { root } = log.writer.head;
    const other = noteSigner(ORIGIN, ed25519FromSeed(randomBytes(32)));
    const report = await replaceNote(signCheckpoint({ origin: ORIGIN, size, root }, [other]));
    await expectFound(report, 'checkpoints', 'note');
  });

  it('whose note was altered is refused', async () => {
    await expectFound(await replaceNote(last_note.replace(`\n${size}\n`, `\n${size - 1}\n`)), 'checkpoints', 'note');
    await expectFound(await replaceNote(''), 'checkpoints', 'note');
  });

  it('that was rightly signed for other leaves shows that the leaves are others', async () => {
    const signer = noteSigner(ORIGIN, ed25519FromSeed(log.keys.seed));
    const note = signCheckpoint({ origin: ORIGIN, size, root: randomBytes(32) }, [signer]);
    const report = await replaceNote(note);
    await expectFound(report, 'leaves');
    await expectFound(report, 'checkpoints', 'root');
  });

  it('of the same size with another root is a fork', async () => {
    const signer = noteSigner(ORIGIN, ed25519FromSeed(log.keys.seed));
    const root = randomBytes(32);
    const note = signCheckpoint({ origin: ORIGIN, size, root }, [signer]);
    const row = new RowWriter(1024).string(ORIGIN).u64(size).fixed(root).string(note).i64(START_MS);
    await store.insert('checkpoints', row);
    const report = await log.verify();
    await restore(['checkpoints']);
    expect(report.findings.map((finding) => finding.code)).toContain('fork');
  });

  it('kept elsewhere must be of this log and open with its key', async () => {
    await expectFound(await log.verify({ against: 'no note' }), '(given)');
    const other = noteSigner('other.example.com/log', ed25519FromSeed(log.keys.seed));
    const note = signCheckpoint({ origin: 'other.example.com/log', size, root: log.writer.head.root }, [other]);
    await expectFound(await log.verify({ against: note }), '(given)');
  });
});

describe('a store that was rolled back as a whole', () => {
  it('looks whole by itself, and not against a checkpoint kept elsewhere or the memory of the signer', async () => {
    await restore(NAMES, 'early_');
    const alone = await log.verify();
    const against = await log.verify({ against: last_note });
    const signed = log.signer.last();
    const remembered = signed && (await log.verify({ signed }));
    await restore();
    expect(alone).toMatchObject({ ok: true, size: early_size });
    await expectFound(against, 'heads', 'size');
    await expectFound(remembered ?? alone, 'heads', 'size');
  });
});

describe('one session', () => {
  const session = { tenant: 'default', session_id: 's-3' };

  it('is proved complete by itself', async () => {
    const [row] = await store.rows<{ n: number }>(
      `SELECT count() AS n FROM v_events WHERE tenant = 'default' AND session_id = 's-3'`,
    );
    expect(await log.verify({ session })).toMatchObject({ ok: true, session: { ...session, events: row?.n } });
  });

  it.each([
    ['one of its events', `event_id = 'e-45'`],
    ['its last event', `event_id = 'e-1257'`],
    ['all its events', `session_id = 's-3'`],
  ])('is not proved when %s went', async (_, where) => {
    for (const sql of without('events', where)) await store.command(sql);
    const report = await log.verify({ session });
    await restore(['events']);
    await expectFound(report, 'events');
  });

  it('is not proved when its content was changed, and does not look at that of others', async () => {
    for (const sql of replaced('content', `if(session_id = 's-4', 'x', content) AS content`)) await store.command(sql);
    expect((await log.verify({ session })).ok).toBe(true);
    for (const sql of replaced('content', `if(session_id = 's-3', 'x', content) AS content`)) await store.command(sql);
    const report = await log.verify({ session });
    await restore(['content']);
    await expectFound(report, 'content', 'content');
  });

  it('that is not in the log is said not to be', async () => {
    const report = await log.verify({ session: { tenant: 'default', session_id: 'nowhere' } });
    expect(report.findings.map((finding) => finding.code)).toEqual(['session_unknown']);
  });
});

// Last, since it adds to the log.
describe('content that was erased', () => {
  const erased = async () =>
    (await store.rows<{ n: number }>(`SELECT count() AS n FROM v_content WHERE state = 'erased'`))[0]?.n ?? 0;

  it('verifies as erased when a record of the log says so, and is counted', async () => {
    const request = { tenant: 'default', session_id: 's-5', reason: 'asked for', actor: 'admin', now_ms: START_MS };
    const done = await eraseContent(store, log.writer, request);
    expect(done.erased).toBeGreaterThan(40);
    expect(await erased()).toBe(done.erased);
    const report = await log.verify();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ ok: true, erased: done.erased, size: size + 1 });
    const session = { tenant: 'default', session_id: 's-5' };
    const alone = await log.verify({ session });
    expect(alone).toMatchObject({ ok: true, erased: alone.session?.events });
  });

  it('of a user goes in all sessions, and is gone only once', async () => {
    const request = {
      tenant: 'default',
      user_id: 'user6@example.com',
      reason: 'asked for',
      actor: 'admin',
      now_ms: START_MS,
    };
    const done = await eraseContent(store, log.writer, request);
    expect(done.erased).toBeGreaterThan(40);
    expect(await eraseContent(store, log.writer, request)).toMatchObject({ seq: undefined, erased: 0 });
    const [left] = await store.rows<{ text: string }>(
      `SELECT concat(params, content) AS text FROM content FINAL WHERE tenant = 'default' AND session_id = 's-6' ORDER BY text DESC LIMIT 1`,
    );
    expect(left?.text).toBe('');
    expect((await log.verify()).ok).toBe(true);
  });

  it('is not contradicted when its event comes again', async () => {
    const [receipt] = await log.submit([event(5)]);
    expect(receipt).toMatchObject({ outcome: 'duplicate' });
    expect((await log.verify()).ok).toBe(true);
  });

  /** Erases the content of a session behind the log's back, as the program would do it. */
  async function eraseQuietly(session_id: string): Promise<void> {
    const kept = await store.rows<{ seq: number; salt: string }>(
      `SELECT seq, hex(salt) AS salt FROM content FINAL WHERE tenant = 'default' AND session_id = {session_id:String}`,
      { session_id },
    );
    const rows = new RowWriter();
    for (const { seq, salt } of kept) {
      const salts = ['detail', 'what', 'who'].map((group) => [
        group,
        fieldSalt(Buffer.from(salt, 'hex'), group).toString('base64'),
      ]);
      rows.string('default').string(session_id).string(ORIGIN).u64(seq).u8(1).string('erased');
      rows
        .string('')
        .string('')
        .string(JSON.stringify(Object.fromEntries(salts)));
    }
    await store.insert('content', rows);
  }

  it('without a record is tampering, and so is a record that was made to say more', async () => {
    await store.command('CREATE TABLE last_content ENGINE = Memory AS SELECT * FROM content');
    await store.command('CREATE TABLE last_events ENGINE = Memory AS SELECT * FROM events');
    await eraseQuietly('s-7');
    const session = { tenant: 'default', session_id: 's-7' };
    await expectFound(await log.verify(), 'content', 'state');
    await expectFound(await log.verify({ session }), 'content', 'state');
    await store.command('TRUNCATE TABLE events');
    await store.command(
      `INSERT INTO events SELECT * REPLACE (if(type = 'erasure', replaceRegexpOne(detail, '"ranges":\\\\[', concat('"ranges":[[0,', toString(seq), '],')), detail) AS detail) FROM last_events`,
    );
    await expectFound(await log.verify(), 'events', 'detail');
    await expectFound(await log.verify({ session }), 'events', 'detail');
    await restore(['content', 'events'], 'last_');
  });

  it('must really be gone', async () => {
    await store.command('TRUNCATE TABLE content');
    await store.command(
      `INSERT INTO content SELECT * REPLACE (if(state = 'erased', 'still here', content) AS content) FROM last_content`,
    );
    const report = await log.verify();
    await restore(['content'], 'last_');
    await expectFound(report, 'content', 'content');
  });

  it('leaves openings that cannot be changed', async () => {
    await store.command('TRUNCATE TABLE events');
    await store.command(
      `INSERT INTO events SELECT * REPLACE (if(session_id = 's-5', replaceAll(what, 'read', 'send'), what) AS what, if(session_id = 's-5', replaceAll(tool, 'read', 'send'), tool) AS tool) FROM last_events`,
    );
    const report = await log.verify();
    await restore(['events'], 'last_');
    await expectFound(report, 'events', 'what');
  });
});
