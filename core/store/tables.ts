/**
 * The tables that are written, each with its columns in the order in which rows are encoded. The SQL of an insert is
 * made of these constants alone.
 */
export const TABLES = {
  leaves: { log: 'String', seq: 'UInt64', leaf_hash: 'FixedString(32)', offset: 'UInt64' },
  nodes: { log: 'String', level: 'UInt8', idx: 'UInt64', hash: 'FixedString(32)' },
  heads: { log: 'String', size: 'UInt64', root: 'FixedString(32)', range: 'String', received_at_ms: 'UInt64' },
  checkpoints: { log: 'String', size: 'UInt64', root: 'FixedString(32)', note: 'String', signed_at: 'DateTime64(3)' },
  cursors: { log: 'String', name: 'String', seq: 'UInt64' },
  events: {
    tenant: 'String',
    session_id: 'String',
    log: 'String',
    seq: 'UInt64',
    version: 'UInt8',
    kind: 'String',
    type: 'String',
    event_id: 'String',
    session_seq: 'UInt32',
    time: 'DateTime64(3)',
    received_at: 'DateTime64(3)',
    user_id: 'String',
    user_role: 'String',
    agent: 'String',
    server: 'String',
    tool: 'String',
    call_id: 'String',
    is_error: 'UInt8',
    reason: 'String',
    core: 'String',
    who: 'String',
    what: 'String',
    detail: 'String',
  },
  content: {
    tenant: 'String',
    session_id: 'String',
    log: 'String',
    seq: 'UInt64',
    version: 'UInt8',
    state: 'String',
    params: 'String',
    content: 'String',
    salt: 'String',
  },
  sessions: {
    tenant: 'String',
    session_id: 'String',
    log: 'String',
    last_seq: 'UInt64',
    last_leaf: 'FixedString(32)',
    events: 'UInt32',
    calls: 'UInt32',
    errors: 'UInt32',
    prompts: 'UInt32',
    first_time: 'DateTime64(3)',
    last_time: 'DateTime64(3)',
    first_received: 'DateTime64(3)',
    last_received: 'DateTime64(3)',
    session_source: 'String',
    user_id: 'String',
    user_role: 'String',
    agent: 'String',
    client: 'String',
    servers: 'Array(String)',
    tools: 'Array(String)',
  },
  alerts: {
    tenant: 'String',
    alert_id: 'String',
    log: 'String',
    seq: 'UInt64',
    rule_id: 'String',
    rule_version: 'UInt32',
    severity: 'String',
    risk: 'UInt8',
    title: 'String',
    reason: 'String',
    session_id: 'String',
    user_id: 'String',
    agent: 'String',
    time: 'DateTime64(3)',
    raised_at: 'DateTime64(3)',
    tags: 'Array(String)',
    evidence: 'String',
  },
  access_keys: {
    key_id: 'String',
    version: 'UInt64',
    name: 'String',
    role: 'String',
    tenant: 'String',
    sha256: 'FixedString(32)',
    created_at: 'DateTime64(3)',
    expires_at: 'DateTime64(3)',
    revoked: 'UInt8',
  },
} as const;

export type TableName = keyof typeof TABLES;

/** The column names of a table, comma-separated. */
export function columnsOf(table: TableName): string {
  return Object.keys(TABLES[table]).join(', ');
}

/** The columns with their types, as the `file` table function takes them. */
export function structureOf(table: TableName): string {
  return Object.entries(TABLES[table])
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');
}
