/** Compares one stored record with its core and its openings: every column, every commitment. Pure. */
import { Buffer } from 'node:buffer';
import { SEVERITY_RISK, type Severity } from '../../core/alert.ts';
import { commit, commitField, SALT_BYTES } from '../../core/commitment.ts';
import { type Core, GROUPS, type Group } from '../../core/core_record.ts';
import { messageOf } from '../../core/errors.ts';
import { type Fields, groupFields } from '../../core/groups.ts';
import type { Pseudonymizer } from '../../core/pseudonym.ts';
import type { ContentRow, EventRow } from '../../core/store/queries/records.ts';

/** A column that does not say what the core or its openings say. */
export interface Disagreement {
  table: 'events' | 'content';
  column: string;
  message: string;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Compares the columns that repeat the core, and the pseudonyms where their key is at hand. */
export function checkClear(row: EventRow, core: Core, fields: Fields, pseudonyms?: Pseudonymizer): Disagreement[] {
  const wrong: Disagreement[] = [];
  const expect = (column: string, stored: unknown, expected: unknown) => {
    if (stored === expected) return;
    const message = `${column} is ${shown(stored)}, the record says ${shown(expected)}`;
    wrong.push({ table: 'events', column, message });
  };
  const in_session = core.kind === 'event';
  const received_at_ms = Date.parse(core.received_at);
  expect('seq', row.seq, core.seq);
  expect('version', row.version, 0);
  expect('kind', row.kind, core.kind);
  expect('type', row.type, core.type);
  expect('event_id', row.event_id, core.event_id ?? '');
  expect('reason', row.reason, core.reason ?? '');
  expect('session_seq', row.session_seq, core.session_seq ?? 0);
  expect('received_at', row.received_at_ms, received_at_ms);
  expect('time', row.time_ms, core.time === undefined ? received_at_ms : Date.parse(core.time));
  expect('tenant', row.tenant, text(fields.tenant));
  expect('session_id', row.session_id, in_session ? text(fields.session_id) : '');
  expect('user_id', row.user_id, text(fields.user_id));
  for (const column of ['user_role', 'agent', 'server', 'tool', 'call_id'] as const) {
    expect(column, row[column], text(fields[column]));
  }
  expect('is_error', row.is_error, fields.is_error === true ? 1 : 0);
  if (pseudonyms !== undefined) checkPseudonyms(core, row, fields, pseudonyms, expect);
  return wrong;
}

function checkPseudonyms(
  core: Core,
  row: EventRow,
  fields: Fields,
  pseudonyms: Pseudonymizer,
  expect: (column: string, stored: unknown, expected: unknown) => void,
): void {
  const tenant = row.tenant;
  expect('tenant', pseudonyms.of('tenant', '', tenant), core.tenant);
  if (core.user !== undefined) expect('user_id', pseudonyms.of('user', tenant, text(fields.user_id)), core.user);
  if (core.session !== undefined) {
    expect('session_id', pseudonyms.of('session', tenant, text(fields.session_id)), core.session);
  }
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'absent';
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

/** The parts of a record with the column that holds each. */
function partsOf(
  row: EventRow,
  content: ContentRow,
): [group: Group, stored: string | Buffer, table: Disagreement['table']][] {
  return [
    ['who', row.who, 'events'],
    ['what', row.what, 'events'],
    ['detail', row.detail, 'events'],
    ['params', content.params, 'content'],
    ['content', content.content, 'content'],
  ];
}

/**
 * Compares each part with its commitment. Of erased content the parts are gone: they must be empty, and what remains
 * opens with the salts that the erasure left.
 */
export function checkCommitments(row: EventRow, content: ContentRow, core: Core): Disagreement[] {
  const wrong: Disagreement[] = [];
  const salts = saltsOf(content);
  for (const [group, stored, table] of partsOf(row, content)) {
    const message = checkPart(group, stored, core.commit[group], content, salts);
    if (message !== undefined) wrong.push({ table, column: group, message });
  }
  return wrong;
}

function checkPart(
  group: Group,
  stored: string | Buffer,
  committed: string | undefined,
  content: ContentRow,
  salts: Partial<Record<Group, Buffer>> | undefined,
): string | undefined {
  if (committed === undefined) return stored.length > 0 ? `${group} is there, the record has none` : undefined;
  const gone = content.state !== 'kept' && (group === 'params' || group === 'content' || salts?.[group] === undefined);
  if (gone) return stored.length > 0 ? `${group} is still there after it was ${content.state}` : undefined;
  const made = openedCommitment(group, stored, content.salt, salts);
  return made === committed ? undefined : `${group} does not open its commitment`;
}

function openedCommitment(
  group: Group,
  stored: string | Buffer,
  salt: Buffer,
  salts: Partial<Record<Group, Buffer>> | undefined,
): string | undefined {
  if (salts === undefined) return salt.length === SALT_BYTES ? commitField(salt, group, stored) : undefined;
  const field_salt = salts[group];
  return field_salt?.length === SALT_BYTES ? commit(field_salt, group, stored).toString('base64') : undefined;
}

/** After an erasure the record's salt is gone and single salts of what remains stand in its place, as JSON. */
function saltsOf(content: ContentRow): Partial<Record<Group, Buffer>> | undefined {
  if (content.state === 'kept') return undefined;
  const stored = JSON.parse(content.salt.toString('utf8') || '{}') as Record<string, unknown>;
  const salts: Partial<Record<Group, Buffer>> = {};
  for (const group of GROUPS) {
    const value = stored[group];
    if (typeof value === 'string') salts[group] = Buffer.from(value, 'base64');
  }
  return salts;
}

/** The openings of a record as fields, or why they cannot be read. */
export function openedFields(row: EventRow): { fields: Fields; problem?: string } {
  try {
    return { fields: { ...groupFields(row.who), ...groupFields(row.what) } };
  } catch (error) {
    return { fields: {}, problem: `who and what are not JSON: ${messageOf(error).slice(0, 80)}` };
  }
}

/** The row that an alert's record projects to, in the form in which the store gives it back. */
export function expectedAlert(row: EventRow, log: string): Fields {
  const detail = groupFields(row.detail);
  return {
    tenant: row.tenant,
    alert_id: row.event_id,
    log,
    seq: row.seq,
    rule_id: detail.rule_id,
    rule_version: detail.rule_version,
    severity: detail.severity,
    risk: SEVERITY_RISK[detail.severity as Severity],
    title: detail.title,
    reason: detail.reason,
    session_id: detail.session_id,
    user_id: detail.user_id,
    agent: detail.agent,
    time_ms: row.time_ms,
    raised_at_ms: row.received_at_ms,
    tags: detail.tags,
    evidence: JSON.stringify(detail.evidence),
  };
}
