/**
 * Gives each record its place in the log: sequence number, session link, core and leaf hash. A pure function of the
 * records and of the state before them: however a stream is cut into batches, restarted, or its cache evicted, the
 * same bytes come out.
 */
import { hash } from 'node:crypto';
import { commitField } from '../core/commitment.ts';
import { type Core, formatCore, type Group } from '../core/core_record.ts';
import { CORE_VERSION } from '../core/event.ts';
import { type Fields, groupText, WHO_FIELDS } from '../core/groups.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import { LIMITS } from '../core/limits.ts';
import type { Pseudonymizer } from '../core/pseudonym.ts';
import { advanceSession, emptySession, type SessionState } from '../core/session.ts';
import { eventOf } from '../core/stored_event.ts';
import type { CompactRange } from '../core/tlog/compact_range.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { type GapSessions, gapKey, sessionOf } from './derive_session.ts';
import { type FirstRecord, sameEvent } from './duplicate.ts';
import { type Horizon, horizonId } from './horizon.ts';
import type { AcceptedRecord, InternalRecord, ParsedEvent, ParsedRejection, SequencedRecord } from './record.ts';

/** Everything that the next core depends on. `sequenceBatch` moves it forward in place. */
export interface SequencerState {
  log: string;
  range: CompactRange;
  horizon: Horizon;
  sessions: Map<string, SessionState>;
  gaps: GapSessions;
  pseudonyms: Pseudonymizer;
}

/** One record with what parsing made of it. */
export type SequencerInput =
  | { record: AcceptedRecord; parsed: ParsedEvent | ParsedRejection; internal?: undefined }
  | { record: InternalRecord; parsed?: undefined; internal: true };

/** A node of the tree that proofs need: the root of a complete subtree of 2^level leaves. */
export interface TreeNode {
  level: number;
  index: number;
  hash: Uint8Array;
}

export interface SequencedBatch {
  records: SequencedRecord[];
  nodes: TreeNode[];
  /** Sessions that moved, in their state after the batch. */
  touched: Map<string, SessionState>;
}

export function sessionKey(tenant: string, session_id: string): string {
  return `${tenant}\0${session_id}`;
}

/**
 * Sequences records in order and appends the results to `into`. Sessions that the records belong to must be in
 * `state.sessions` already, unless they are new; `firstOf` gives a record that a repeated id may repeat.
 */
export function sequenceBatch(
  state: SequencerState,
  inputs: readonly SequencerInput[],
  firstOf: (seq: number) => FirstRecord | undefined,
  into: SequencedBatch,
): void {
  const start = into.records.length === 0 ? state.range.size : (into.records[0] as SequencedRecord).seq;
  const find = (seq: number) => (seq >= start ? into.records[seq - start] : firstOf(seq));
  for (const input of inputs) {
    state.gaps.advance(input.record.received_at_ms);
    const record = input.internal
      ? internalRecord(state, input.record)
      : input.parsed.ok
        ? eventRecord(state, input.record, input.parsed, find, into.touched)
        : rejectedRecord(state, input.record, input.parsed);
    record.offset = input.record.offset ?? record.seq;
    into.records.push(record);
    state.range.append(record.leaf_hash, (level, index, node) => {
      if (level % 8 === 0) into.nodes.push({ level, index, hash: node });
    });
  }
}

/** The parts of a record from which its core is made. */
interface Draft {
  kind: SequencedRecord['kind'];
  type: string;
  event_id?: string;
  tenant: string;
  time?: string;
  user?: string;
  session?: string;
  first_seq?: number;
  reason?: string;
  received_at_ms: number;
  salt: Buffer;
  parts: Partial<Record<Group, string | Buffer>>;
  link?: SessionState;
}

const PART_NAMES = ['content', 'detail', 'params', 'what', 'who'] as const;

function commitments(draft: Draft): Core['commit'] {
  const made: Core['commit'] = {};
  for (const name of PART_NAMES) {
    const part = draft.parts[name];
    if (part !== undefined) made[name] = commitField(draft.salt, name, part);
  }
  return made;
}

function coreText(state: SequencerState, draft: Draft, seq: number): string {
  const { pseudonyms } = state;
  const { tenant } = draft;
  const core: Core = {
    commit: commitments(draft),
    core_version: CORE_VERSION,
    kind: draft.kind,
    received_at: isoTime(draft.received_at_ms),
    seq,
    tenant: pseudonyms.of('tenant', '', tenant),
    type: draft.type,
  };
  if (draft.event_id !== undefined) core.event_id = draft.event_id;
  if (draft.first_seq !== undefined) core.first_seq = draft.first_seq;
  if (draft.reason !== undefined) core.reason = draft.reason;
  if (draft.time !== undefined) core.time = draft.time;
  if (draft.user) core.user = pseudonyms.of('user', tenant, draft.user);
  if (draft.session) core.session = pseudonyms.of('session', tenant, draft.session);
  if (draft.link !== undefined) {
    core.session_seq = draft.link.events;
    if (draft.link.events > 0) core.session_prev = draft.link.last_leaf;
  }
  return formatCore(core);
}

let iso_ms = Number.NaN;
let iso_text = '';

/** RFC 3339 in milliseconds and UTC. Records of one arrival share the text. */
function isoTime(ms: number): string {
  if (ms !== iso_ms) {
    iso_text = new Date(ms).toISOString();
    iso_ms = ms;
  }
  return iso_text;
}

function leafHash(core: string): Buffer {
  return Buffer.from(nodeHasher.leaf(Buffer.from(core, 'utf8')));
}

/** A record with nothing in it but its place; the callers fill in what they know. */
function placed(state: SequencerState, draft: Draft): SequencedRecord {
  const seq = state.range.size;
  const core = coreText(state, draft, seq);
  const text = (part: string | Buffer | undefined) => (typeof part === 'string' ? part : '');
  return {
    seq,
    offset: seq,
    kind: draft.kind,
    type: draft.type,
    event_id: draft.event_id ?? '',
    tenant: draft.tenant,
    session_id: '',
    session_seq: 0,
    time_ms: draft.received_at_ms,
    received_at_ms: draft.received_at_ms,
    user_id: '',
    user_role: '',
    agent: '',
    server: '',
    tool: '',
    call_id: '',
    is_error: false,
    reason: draft.reason ?? '',
    message: '',
    first_seq: draft.first_seq ?? -1,
    core,
    leaf_hash: leafHash(core),
    salt: draft.salt,
    who: text(draft.parts.who),
    what: text(draft.parts.what),
    params: text(draft.parts.params),
    content: draft.parts.content ?? '',
    detail: text(draft.parts.detail),
    event: undefined,
    internal: undefined,
  };
}

function eventRecord(
  state: SequencerState,
  record: AcceptedRecord,
  parsed: ParsedEvent,
  find: (seq: number) => FirstRecord | undefined,
  touched: Map<string, SessionState>,
): SequencedRecord {
  const { fields, tenant } = parsed;
  const event_id = fields.event_id as string;
  const seq = state.range.size;
  const id = parsed.horizon_id ?? horizonId('event', tenant, event_id);
  const { session_id, source } = sessionOf(state.gaps, fields, tenant, seq);
  const named: Fields = { ...fields, session_id, session_source: source };
  const who = groupText(named, WHO_FIELDS);
  const first_seq = state.horizon.find(id, seq);
  if (first_seq !== undefined) {
    const same = sameEvent(find(first_seq), { parsed, who });
    return repeatedRecord(state, record, parsed, who, first_seq, same);
  }
  state.horizon.add(id, seq);
  const key = sessionKey(tenant, session_id);
  const session = state.sessions.get(key) ?? emptySession(tenant, session_id, source);
  const draft: Draft = {
    kind: 'event',
    type: fields.type as string,
    event_id,
    tenant,
    time: fields.time as string,
    session: session_id,
    received_at_ms: record.received_at_ms,
    salt: saltOf(record, fields),
    parts: eventParts(parsed, who),
    link: session,
  };
  if (fields.user_id !== undefined) draft.user = fields.user_id as string;
  const made = placed(state, draft);
  project(made, named, parsed.time_ms);
  made.session_id = session_id;
  made.session_seq = session.events;
  made.event = eventOf(
    {
      log: state.log,
      seq,
      session_seq: session.events,
      event_id,
      type: made.type,
      time: fields.time as string,
      time_ms: parsed.time_ms,
      received_at_ms: record.received_at_ms,
    },
    named,
  );
  // Moved to the end, so that the map's order is the order of last use.
  state.sessions.delete(key);
  state.sessions.set(key, session);
  const derived = session.session_source === 'gap';
  const key_before = derived && session.events > 0 ? gapKey(session) : undefined;
  advanceSession(session, made.event, made.leaf_hash.toString('base64'));
  if (derived) state.gaps.follow(session, key_before);
  touched.set(key, session);
  return made;
}

/** A producer that sent a salt of its own can check the commitments to what it sent. */
function saltOf(record: AcceptedRecord, fields: Fields): Buffer {
  return typeof fields.salt === 'string' ? Buffer.from(fields.salt, 'base64') : record.salt;
}

function eventParts(parsed: ParsedEvent, who: string): Draft['parts'] {
  const parts: Draft['parts'] = { who };
  if (parsed.what !== '') parts.what = parsed.what;
  if (parsed.params !== '') parts.params = parsed.params;
  if (parsed.fields.content !== undefined) parts.content = parsed.content;
  if (parsed.detail !== '') parts.detail = parsed.detail;
  return parts;
}

/** The columns that are projected from the openings for searching. */
function project(made: SequencedRecord, fields: Fields, time_ms: number): void {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  made.time_ms = time_ms;
  made.user_id = text(fields.user_id);
  made.user_role = text(fields.user_role);
  made.agent = text(fields.agent);
  made.server = text(fields.server);
  made.tool = text(fields.tool);
  made.call_id = text(fields.call_id);
  made.is_error = fields.is_error === true;
}

/** A repeated id: with the same content a leaf that names the first; with other content all of it is kept. */
function repeatedRecord(
  state: SequencerState,
  record: AcceptedRecord,
  parsed: ParsedEvent,
  who: string,
  first_seq: number,
  same: boolean,
): SequencedRecord {
  const { fields, tenant } = parsed;
  const source: Fields = { accepted_by: record.accepted_by, tenant };
  const made = placed(state, {
    kind: same ? 'duplicate' : 'conflict',
    type: fields.type as string,
    event_id: fields.event_id as string,
    tenant,
    time: fields.time as string,
    first_seq,
    reason: same ? 'duplicate' : 'event_id_conflict',
    received_at_ms: record.received_at_ms,
    salt: same ? record.salt : saltOf(record, fields),
    parts: same ? { who: groupText(source, WHO_FIELDS) } : eventParts(parsed, who),
  });
  if (same) made.time_ms = parsed.time_ms;
  else project(made, fields, parsed.time_ms);
  made.message = same
    ? `record ${first_seq} of this log has this event_id and the same content`
    : `event_id was used by record ${first_seq} of this log with other content`;
  return made;
}

function rejectedRecord(state: SequencerState, record: AcceptedRecord, parsed: ParsedRejection): SequencedRecord {
  const tenant = parsed.tenant;
  const detail = {
    message: parsed.message,
    sha256: hash('sha256', record.bytes, 'hex'),
    size_bytes: record.bytes.length,
  };
  const made = placed(state, {
    kind: 'rejected',
    type: 'rejected',
    tenant,
    reason: parsed.reason,
    received_at_ms: record.received_at_ms,
    salt: record.salt,
    parts: {
      who: groupText({ accepted_by: record.accepted_by, tenant }, WHO_FIELDS),
      detail: canonicalJson(detail),
      content: Buffer.from(record.bytes.subarray(0, LIMITS.rejected_bytes_kept_max)),
    },
  });
  made.message = parsed.message;
  return made;
}

function internalRecord(state: SequencerState, record: InternalRecord): SequencedRecord {
  const seq = state.range.size;
  const id = horizonId('internal', record.tenant, record.event_id);
  const who: Fields = { accepted_by: record.actor, tenant: record.tenant };
  if (record.session_id !== '') who.session_id = record.session_id;
  if (record.user_id !== '') who.user_id = record.user_id;
  const first_seq = state.horizon.find(id, seq);
  const repeated = first_seq !== undefined;
  if (!repeated) state.horizon.add(id, seq);
  const draft: Draft = {
    kind: repeated ? 'duplicate' : record.kind,
    type: record.type,
    event_id: record.event_id,
    tenant: record.tenant,
    time: new Date(record.time_ms).toISOString(),
    session: record.session_id,
    user: record.user_id,
    received_at_ms: record.received_at_ms,
    salt: record.salt,
    parts: { who: groupText(who, WHO_FIELDS), ...(repeated ? {} : { detail: canonicalJson(record.detail) }) },
  };
  if (repeated) {
    draft.first_seq = first_seq;
    draft.reason = 'duplicate';
  }
  const made = placed(state, draft);
  made.time_ms = record.time_ms;
  made.user_id = record.user_id;
  if (!repeated) made.internal = record.detail;
  return made;
}
