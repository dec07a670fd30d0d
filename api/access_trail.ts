/**
 * The watchers are watched: what somebody looks at, exports, or logs in to is a record of the log before they get it.
 * Who reads the same thing again within the hour leaves no second record.
 */
import { randomUUID } from 'node:crypto';
import { type AccessDetail, type Accessed, accessIdentity } from '../core/access_record.ts';
import { LIMITS } from '../core/limits.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import type { Principal } from './auth/access.ts';
import { mayDo } from './auth/roles.ts';

export interface AccessTrail {
  /**
   * Resolves when the record is in the log. Rejects as the log does when it takes nothing: then nothing is to be
   * shown.
   */
  record(principal: Principal, tenant: string, accessed: Accessed): Promise<void>;
}

interface Remembered {
  until_ms: number;
  recorded: Promise<void>;
}

type Writing = Pick<LogWriter, 'stamp' | 'submitInternal'>;

const HOUR_MS = 3_600_000;

/** A trail into a log. Without a writer the process only reads a folder, and leaves no records. */
export function createAccessTrail(writer: Writing | undefined, now: () => number): AccessTrail {
  const remembered = new Map<string, Remembered>();
  return {
    async record(principal, tenant, accessed) {
      if (writer === undefined) return;
      const identity = accessIdentity(principal.key_id, tenant, accessed);
      if (identity === undefined) return submit(writer, principal, tenant, accessed, now());
      const known = remembered.get(identity);
      if (known !== undefined && known.until_ms > now()) return known.recorded;
      const recorded = submit(writer, principal, tenant, accessed, now());
      remember(remembered, identity, { until_ms: now() + HOUR_MS, recorded });
      try {
        await recorded;
      } catch (error) {
        remembered.delete(identity);
        throw error;
      }
    },
  };
}

/** What falls out of the memory is recorded once more, which is no loss. */
function remember(remembered: Map<string, Remembered>, identity: string, entry: Remembered): void {
  remembered.delete(identity);
  const [oldest] = remembered.keys();
  if (remembered.size >= LIMITS.accesses_remembered_max && oldest !== undefined) remembered.delete(oldest);
  remembered.set(identity, entry);
}

async function submit(
  writer: Writing,
  { key_id, name, role }: Principal,
  tenant: string,
  { type, session_id = '', subject, query }: Accessed,
  time_ms: number,
): Promise<void> {
  const detail: AccessDetail = {
    actor_name: name,
    role,
    content: mayDo(role, 'content:read'),
    ...(subject !== undefined && { subject }),
    ...(query !== undefined && { query }),
  };
  const event_id = `access-${randomUUID()}`;
  const place = { kind: 'action', type, tenant, session_id, user_id: '' } as const;
  await writer.submitInternal([writer.stamp({ ...place, event_id, actor: key_id, time_ms, detail: { ...detail } })]);
}
