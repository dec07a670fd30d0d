/**
 * Keys of the API: made, checked and revoked. A key is `tw_` + its id + `_` + 32 random bytes; only its SHA-256 is
 * kept. A change of a key is a record of the log, and the store's row is projected from that record.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import { readAccessKeys } from '../../core/store/queries/access_keys.ts';
import type { Store } from '../../core/store/store.ts';
import type { KeyDetail } from '../../ingest/encode.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';
import { ROLES, type Role } from './roles.ts';

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
  list(): KeyDetail[];
  /** Makes a key. The key itself is returned this once and never kept. */
  create(wanted: NewKey, actor: string): Promise<{ key: string; detail: KeyDetail }>;
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
    list: () => [...keys.values()],
    async create(wanted, actor) {
      if (keys.size >= KEYS_MAX) throw new AppError('too_many_keys', `there are ${KEYS_MAX} keys already`);
      const { key, detail } = newKey(wanted, now());
      await record(writer, detail, actor, now());
      keys.set(detail.key_id, detail);
      return { key, detail };
    },
    async revoke(key_id, actor) {
      const detail = keys.get(key_id);
      if (detail === undefined)
        throw new AppError('key_unknown', `there is no key ${JSON.stringify(key_id).slice(0, 40)}`);
      const revoked = { ...detail, revoked: true };
      keys.set(key_id, revoked);
      await record(writer, revoked, actor, now());
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

async function record(writer: LogWriter | undefined, detail: KeyDetail, actor: string, now_ms: number): Promise<void> {
  if (writer === undefined) throw new AppError('read_only', 'keys can be changed only where the log is written');
  const event_id = `key-${detail.key_id}-${detail.revoked ? 'revoked' : 'created'}`;
  const place = {
    kind: 'action',
    type: 'key.changed',
    event_id,
    tenant: ALL_TENANTS,
    session_id: '',
    user_id: '',
  } as const;
  await writer.submitInternal([writer.stamp({ ...place, actor, time_ms: now_ms, detail: { ...detail } })]);
}
