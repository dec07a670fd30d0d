/**
 * Keys of the API: made, checked and revoked. A key is `tw_` + its id + `_` + 32 random bytes; only its SHA-256 is
 * kept. A change of a key is a record of the log, and the store's row is projected from that record.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import { ROLES, type Role } from '../../core/role.ts';
import { readAccessKeys } from '../../core/store/queries/access_keys.ts';
import type { Store } from '../../core/store/store.ts';
import type { KeyDetail } from '../../ingest/encode.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';

export const ALL_TENANTS = '*';
/** The end of DateTime64 columns' common range: a key that does not expire. */
export const NEVER_MS = Date.UTC(2200, 0, 1);
const KEYS_MAX = 10_000;
const KEY_FORM = /^tw_([A-Za-z0-9-]{12})_([A-Za-z0-9_-]{43})$/;

/** Who is asking. */
export interface Principal {
  key_id: string;
  name: string;
  role: Role;
  /** The one tenant it may see, or '*'. */
  tenant: string;
}

export interface NewKey {
  name: string;
  role: Role;
  tenant: string;
  expires_at_ms?: number;
}

export interface Access {
  /** Who holds this key, or undefined: unknown, revoked and expired keys look the same. */
  check(key: string): Principal | undefined;
  /** The id that a key names, where there is such a key; its secret may be wrong. */
  idOf(key: string): string | undefined;
  list(): KeyDetail[];
  /** Makes a key. The key itself is returned this once and never kept. */
  create(wanted: NewKey, actor: string): Promise<{ key: string; detail: KeyDetail }>;
  /** A new key in the place of one, which works on until `until_ms`. Throws `key_unknown`, `key_expired`. */
  rotate(key_id: string, until_ms: number, actor: string): Promise<{ key: string; detail: KeyDetail }>;
  /** Revokes a key at once. Throws `key_unknown`. */
  revoke(key_id: string, actor: string): Promise<void>;
}

const digestOf = (key: string) => createHash('sha256').update(key).digest();

/** Loads the keys of a store. `writer` is absent where nothing may be changed. */
export async function openAccess(store: Store, writer: LogWriter | undefined, now: () => number): Promise<Access> {
  const keys = new Map<string, KeyDetail>();
  for (const row of await readAccessKeys(store)) keys.set(row.key_id, { ...row, revoked: row.revoked === 1 });
  return {
    check: (key) => checkKey(keys, key, now()),
    idOf(key) {
      const id = KEY_FORM.exec(key)?.[1];
      return id !== undefined && keys.has(id) ? id : undefined;
    },
    list: () => [...keys.values()],
    async create(wanted, actor) {
      if (keys.size >= KEYS_MAX) throw new AppError('too_many_keys', `there are ${KEYS_MAX} keys already`);
      const { key, detail } = newKey(wanted, now());
      await record(writer, [change(detail, 'created')], actor, now());
      keys.set(detail.key_id, detail);
      return { key, detail };
    },
    async rotate(key_id, until_ms, actor) {
      const old = present(keys, key_id);
      const now_ms = now();
      if (old.revoked || old.expires_at_ms <= now_ms) {
        throw new AppError('key_expired', 'a key that was revoked or has expired is not rotated; make a new one');
      }
      if (keys.size >= KEYS_MAX) throw new AppError('too_many_keys', `there are ${KEYS_MAX} keys already`);
      const { key, detail } = newKey({ ...old, role: old.role as Role, expires_at_ms: lifeAgain(old, now_ms) }, now_ms);
      const ending = { ...old, expires_at_ms: Math.min(old.expires_at_ms, until_ms) };
      const ends = ending.expires_at_ms < old.expires_at_ms ? [change(ending, `ends-${ending.expires_at_ms}`)] : [];
      await record(writer, [change(detail, 'created'), ...ends], actor, now_ms);
      keys.set(detail.key_id, detail);
      keys.set(key_id, ending);
      return { key, detail };
    },
    async revoke(key_id, actor) {
      const detail = present(keys, key_id);
      const revoked = { ...detail, revoked: true };
      keys.set(key_id, revoked);
      await record(writer, [change(revoked, 'revoked')], actor, now());
    },
  };
}

function checkKey(keys: ReadonlyMap<string, KeyDetail>, key: string, now_ms: number): Principal | undefined {
  const id = KEY_FORM.exec(key)?.[1];
  const detail = id === undefined ? undefined : keys.get(id);
  // The digest is compared even when there is no such key, so that time tells nothing.
  const expected = Buffer.from(detail?.sha256 ?? '00'.repeat(32), 'hex');
  const same = timingSafeEqual(digestOf(key), expected);
  if (detail === undefined || !same || detail.revoked || detail.expires_at_ms <= now_ms) return undefined;
  return { key_id: detail.key_id, name: detail.name, role: detail.role as Role, tenant: detail.tenant };
}

function newKey(wanted: NewKey, now_ms: number): { key: string; detail: KeyDetail } {
  if (!ROLES.includes(wanted.role)) throw new AppError('role_unknown', `role must be one of ${ROLES.join(', ')}`);
  const key_id = randomBytes(9).toString('base64url').replaceAll('_', '-').replace(/^-/, 'k'); // no option of a command
  const key = `tw_${key_id}_${randomBytes(32).toString('base64url')}`;
  const detail: KeyDetail = {
    key_id,
    name: wanted.name,
    role: wanted.role,
    tenant: wanted.tenant,
    sha256: digestOf(key).toString('hex'),
    created_at_ms: now_ms,
    expires_at_ms: wanted.expires_at_ms ?? NEVER_MS,
    revoked: false,
  };
  return { key, detail };
}

/** As long a life as the old key was given; one that does not expire has a successor that does not. */
function lifeAgain(old: KeyDetail, now_ms: number): number {
  return old.expires_at_ms >= NEVER_MS ? NEVER_MS : now_ms + (old.expires_at_ms - old.created_at_ms);
}

function present(keys: ReadonlyMap<string, KeyDetail>, key_id: string): KeyDetail {
  const detail = keys.get(key_id);
  if (detail === undefined) throw new AppError('key_unknown', `there is no key ${JSON.stringify(key_id).slice(0, 40)}`);
  return detail;
}

interface KeyChange {
  event_id: string;
  detail: KeyDetail;
}

const change = (detail: KeyDetail, what: string): KeyChange => ({ event_id: `key-${detail.key_id}-${what}`, detail });

async function record(
  writer: LogWriter | undefined,
  changes: readonly KeyChange[],
  actor: string,
  time_ms: number,
): Promise<void> {
  if (writer === undefined) throw new AppError('read_only', 'keys can be changed only where the log is written');
  const place = { kind: 'action', type: 'key.changed', tenant: ALL_TENANTS, session_id: '', user_id: '' } as const;
  const records = changes.map(({ event_id, detail }) =>
    writer.stamp({ ...place, event_id, actor, time_ms, detail: { ...detail } }),
  );
  await writer.submitInternal(records);
}
