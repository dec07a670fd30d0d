/** Whose an alert may become: keys that could act on it themselves. */
import { AppError } from '../core/errors.ts';
import type { Role } from '../core/role.ts';
import { type Access, ALL_TENANTS, type Principal } from './auth/access.ts';
import { mayDo } from './auth/roles.ts';

export interface Assignee {
  owner_id: string;
  owner_name: string;
}

/**
 * Who is meant by the id or the name of a key; without either, whoever asks. A key of another tenant is answered like
 * one that does not exist. Throws `query_invalid`.
 */
export function assigneeOf(
  { access, now }: { access: Access; now: () => number },
  tenant: string,
  asked: string | undefined,
  principal: Principal,
): Assignee {
  if (asked === undefined) return { owner_id: principal.key_id, owner_name: principal.name };
  const able = access
    .list()
    .filter((key) => !key.revoked && key.expires_at_ms > now() && mayDo(key.role as Role, 'alerts:act'))
    .filter((key) => key.tenant === tenant || key.tenant === ALL_TENANTS);
  const by_id = able.find(({ key_id }) => key_id === asked);
  const named = by_id === undefined ? able.filter(({ name }) => name === asked) : [by_id];
  const [key] = named;
  if (key === undefined) throw new AppError('query_invalid', 'owner: no key of this id or name may act on alerts here');
  if (named.length > 1)
    throw new AppError('query_invalid', `owner: ${named.length} keys have this name; give a key_id`);
  return { owner_id: key.key_id, owner_name: key.name };
}
