/** Compares one stored record with its core and its openings: every column, every commitment. Pure. */
import { Buffer } from 'node:buffer';
import { SEVERITY_RISK, type Severity } from '../../core/alert.ts';
import { commit, commitField, SALT_BYTES } from '../../core/commitment.ts';
import { type Core, GROUPS, type Group } from '../../core/core_record.ts';
import { messageOf } from '../../core/errors.ts';
import { type Fields, groupFields } from '../../core/groups.ts';
import { canonicalJson } from '../../core/json/canonical.ts';
import type { Pseudonymizer, PseudonymKind } from '../../core/pseudonym.ts';
import type { ContentRows, EventRows } from '../../core/store/queries/record_rows.ts';

/** A column that does not say what the core or its openings say. */
export interface Disagreement {
  table: 'events' | 'content';
  column: string;
  message: string;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What the openings say: the fields of `who` and of `what`. */
export interface Opened {
  who: Fields;
  what: Fields;
}

/** Compares the columns that repeat the core, and the pseudonyms where their key is at hand. */
export class ClearCheck {
  private readonly pseudonyms: Pseudonymizer | undefined;
  private wrong: Disagreement[] = [];
  // The last arrival and the last names: records of one session mostly share them.
  private received_at = '';
  private received_at_ms = 0;
  private readonly named = {
    tenant: new LastName('tenant'),
    user: new LastName('user'),
    session: new LastName('session'),
  };

  constructor(pseudonyms: Pseudonymizer | undefined) {
    this.pseudonyms = pseudonyms;
  }

  check(row: EventRows, core: Core, { who, what }: Opened): readonly Disagreement[] {
    if (this.wrong.length > 0) this.wrong = [];
    if (core.received_at !== this.received_at) {
      this.received_at = core.received_at;
      this.received_at_ms = Date.parse(core.received_at);
    }
    const session_id = text(who.session_id);
    this.expect('version', row.version, 0);
    this.expect('kind', row.kind, core.kind);
    this.expect('type', row.type, core.type);
    this.expect('event_id', row.event_id, core.event_id ?? '');
    this.expect('reason', row.reason, core.reason ?? '');
    this.expect('session_seq', row.session_seq, core.session_seq ?? 0);
    this.expect('received_at', row.received_at_ms, this.received_at_ms);
    this.expect('time', row.time_ms, core.time === undefined ? this.received_at_ms : Date.parse(core.time));
    this.expect('tenant', row.tenant, text(who.tenant));
    this.expect('session_id', row.session_id, core.kind === 'event' ? session_id : '');
    this.expect('user_id', row.user_id, text(who.user_id));
    this.expect('user_role', row.user_role, text(who.user_role));
    this.expect('agent', row.agent, text(who.agent));
    this.expect('server', row.server, text(what.server));
    this.expect('tool', row.tool, text(what.tool));
    this.expect('call_id', row.call_id, text(what.call_id));
    this.expect('is_error', row.is_error, what.is_error === true ? 1 : 0);
    if (this.pseudonyms !== undefined) this.checkPseudonyms(this.pseudonyms, row.tenant, session_id, core, who);
    return this.wrong;
  }

  private checkPseudonyms(made: Pseudonymizer, tenant: string, session_id: string, core: Core, who: Fields): void {
    this.expect('tenant', this.named.tenant.of(made, '', tenant), core.tenant);
    if (core.user !== undefined) this.expect('user_id', this.named.user.of(made, tenant, text(who.user_id)), core.user);
    if (core.session !== undefined) {
      this.expect('session_id', this.named.session.of(made, tenant, session_id), core.session);
    }
  }

  private expect(column: string, stored: unknown, expected: unknown): void {
    if (stored === expected) return;
    const message = `${column} is ${shown(stored)}, the record says ${shown(expected)}`;
    this.wrong.push({ table: 'events', column, message });
  }
}

/** One pseudonym, remembered while the name stays the same. */
class LastName {
  private readonly kind: PseudonymKind;
  private tenant = '';
  private name = '';
  private made: string | undefined;

  constructor(kind: PseudonymKind) {
    this.kind = kind;
  }

  of(pseudonyms: Pseudonymizer, tenant: string, name: string): string {
    if (this.made !== undefined && tenant === this.tenant && name === this.name) return this.made;
    this.tenant = tenant;
    this.name = name;
    this.made = pseudonyms.of(this.kind, tenant, name);
    return this.made;
  }
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? 'absent';
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

/**
 * Compares each part with its commitment. Of erased content the parts are gone: they must be empty, and what remains
 * opens with the salts that the erasure left.
 */
export function checkCommitments(row: EventRows, content: ContentRows, core: Core): Disagreement[] {
  const wrong: Disagreement[] = [];
  const salts = content.state === 'kept' ? undefined : saltsOf(content.salt);
  if (salts === 'malformed') {
    return [{ table: 'content', column: 'salt', message: 'the salts that an erasure left cannot be read' }];
  }
  const { commit: committed } = core;
  const check = (table: Disagreement['table'], group: Group, stored: Buffer) => {
    const message = checkPart(group, stored, committed[group], content, salts);
    if (message !== undefined) wrong.push({ table, column: group, message });
  };
  check('events', 'who', row.who_bytes);
  check('events', 'what', row.what_bytes);
  check('events', 'detail', row.detail_bytes);
  check('content', 'params', content.params);
  check('content', 'content', content.content);
  const parts = Object.keys(committed).length;
  if (parts > 1 && wrong.length === parts) {
    wrong.push({ table: 'content', column: 'salt', message: 'the salt opens no part, or no part is what it was' });
  }
  return wrong;
}

type Salts = Partial<Record<Group, Buffer>>;

function checkPart(
  group: Group,
  stored: Buffer,
  committed: string | undefined,
  content: ContentRows,
  salts: Salts | undefined,
): string | undefined {
  if (committed === undefined) return stored.length > 0 ? `${group} is there, the record has none` : undefined;
  const gone = salts !== undefined && (group === 'params' || group === 'content' || salts[group] === undefined);
  if (gone) return stored.length > 0 ? `${group} is still there after it was ${content.state}` : undefined;
  return opens(group, stored, committed, content.salt, salts) ? undefined : `${group} does not open its commitment`;
}

/** Whether a part opens its commitment, with the record's salt or with the part's own. */
export function opens(
  group: Group,
  stored: Buffer,
  committed: string,
  salt: Buffer,
  salts: Salts | undefined,
): boolean {
  if (salts === undefined) return salt.length === SALT_BYTES && commitField(salt, group, stored) === committed;
  const field_salt = salts[group];
  return field_salt?.length === SALT_BYTES && commit(field_salt, group, stored).toString('base64') === committed;
}

/** After an erasure the record's salt is gone and single salts of what remains stand in its place, as JSON. */
export function saltsOf(salt: Buffer): Salts | 'malformed' {
  let stored: unknown;
  try {
    stored = JSON.parse(salt.toString('utf8') || '{}');
  } catch {
    return 'malformed';
  }
  if (typeof stored !== 'object' || stored === null) return 'malformed';
  const salts: Salts = {};
  for (const group of GROUPS) {
    const value = (stored as Fields)[group];
    if (typeof value === 'string') salts[group] = Buffer.from(value, 'base64');
  }
  return salts;
}

/** Reads the openings of records. Records of one session mostly have the same `who`, which is then read once. */
export class Openings {
  private who_text = '';
  private who: Fields = {};

  /** The openings as fields, or why they cannot be read. */
  read(row: EventRows): Opened & { problem?: string } {
    try {
      if (row.who !== this.who_text) {
        this.who = groupFields(row.who);
        this.who_text = row.who;
      }
      return { who: this.who, what: groupFields(row.what) };
    } catch (error) {
      return { who: {}, what: {}, problem: `who and what are not JSON: ${messageOf(error).slice(0, 80)}` };
    }
  }
}

/** The row that an alert's record projects to, in the form in which the store gives it back. */
export function expectedAlert(row: EventRows, log: string): Fields {
  const detail = groupFields(row.detail);
  return {
    tenant: row.tenant,
    alert_id: row.event_id,
    log,
    seq: row.seq,
    rule_id: detail.rule_id,
    rule_version: detail.rule_version,
    severity: detail.severity,
    risk: detail.risk ?? SEVERITY_RISK[detail.severity as Severity],
    title: detail.title,
    reason: detail.reason,
    session_id: detail.session_id,
    user_id: detail.user_id,
    agent: detail.agent,
    time_ms: row.time_ms,
    raised_at_ms: row.received_at_ms,
    tags: detail.tags,
    evidence: canonicalJson(detail.evidence),
  };
}

/** The same where the record's detail is erased: what the core still says. What else the row holds is a claim. */
export function erasedAlert(row: EventRows, log: string): Fields {
  const { tenant, event_id, seq, time_ms, received_at_ms } = row;
  return { tenant, alert_id: event_id, log, seq, time_ms, raised_at_ms: received_at_ms };
}
