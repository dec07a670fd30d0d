/**
 * Who looked at what: the types of the records that a reading, an export and a login leave in the log, and what they
 * say. Pure.
 */

/** Types of records of kind `action`. */
export const ACCESS_TYPES = [
  'session.read',
  'event.read',
  'alert.read',
  'rejected.read',
  'content.searched',
  'evidence.exported',
  'access.login',
  'access.logout',
] as const;
export type AccessType = (typeof ACCESS_TYPES)[number];

/** What was looked at. */
export interface Accessed {
  type: AccessType;
  /** The session that it is about; absent where it is about none in particular. */
  session_id?: string;
  /** Id of the event, the alert or the bundle, or how somebody logged in. */
  subject?: string;
  /** What was searched for. It can be a name or a secret, and is erased with nobody. */
  query?: string;
}

/** What the record says. Who it was is the record's own actor. */
export interface AccessDetail {
  actor_name: string;
  role: string;
  /** Whether prompts, parameters and results were shown, or withheld. */
  content: boolean;
  subject?: string;
  query?: string;
}

/** Every one of these is recorded; the others once an hour for one who looks at the same thing again. */
const EACH: ReadonlySet<AccessType> = new Set(['evidence.exported', 'access.login', 'access.logout']);

/** What makes a reading the same as one before, or undefined where each counts. */
export function accessIdentity(key_id: string, tenant: string, accessed: Accessed): string | undefined {
  if (EACH.has(accessed.type)) return undefined;
  const { type, session_id, subject, query } = accessed;
  return JSON.stringify([key_id, tenant, type, session_id, subject, query]);
}
