/** Keys of the API as stored: digests, never the keys. */
import type { Store } from '../store.ts';

/** A key as the log and the store know it: never the key itself, only its digest. */
export interface AccessKey {
  key_id: string;
  name: string;
  role: string;
  tenant: string;
  sha256: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked: boolean;
}

type AccessKeyRow = Omit<AccessKey, 'revoked'> & { revoked: number };

/** All keys in their newest version, for the guard's memory. */
export async function readAccessKeys(store: Store): Promise<AccessKeyRow[]> {
  return store.rows<AccessKeyRow>(
    `SELECT key_id, name, toString(role) AS role, tenant, lower(hex(sha256)) AS sha256,
            toUnixTimestamp64Milli(created_at) AS created_at_ms, toUnixTimestamp64Milli(expires_at) AS expires_at_ms, revoked
     FROM access_keys FINAL
     ORDER BY key_id`,
  );
}
