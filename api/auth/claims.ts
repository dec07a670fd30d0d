/** From the claims of a token that was found good to who is asking. Pure. */
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { OidcSettings } from '../../core/oidc_settings.ts';
import { ALL_TENANTS, type Principal } from './access.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Nothing that could end a line or turn the direction of a text. */
const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u;
const SUB_CHARS_MAX = 255; // OpenID Connect Core 1.0, section 2
const NAME_CHARS_MAX = 100;

/**
 * The principal that claims stand for; its `key_id` is `oidc:` and the subject. Throws `forbidden` where no entry of
 * the settings gives a role, or where no tenant is named, and `unauthenticated` where the subject is none.
 */
export function principalFrom(claims: Claims, settings: OidcSettings): Principal {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub.length > SUB_CHARS_MAX || !PRINTABLE.test(sub)) {
    throw new AppError('unauthenticated', 'the token names no subject');
  }
  const held = new Set(textsOf(claimAt(claims, settings.role_claim)));
  const granted = settings.roles.find(({ value }) => held.has(value));
  if (granted === undefined) {
    throw new AppError('forbidden', `no role is given to what the claim ${nameOf(settings.role_claim)} holds`);
  }
  return { key_id: `oidc:${sub}`, name: nameIn(claims) ?? sub, role: granted.role, tenant: tenantIn(claims, settings) };
}

function tenantIn(claims: Claims, { tenant, tenant_claim }: OidcSettings): string {
  if (tenant_claim === undefined) return tenant ?? '';
  const value = claimAt(claims, tenant_claim);
  // Who writes a claim must not be able to write "all tenants" into it.
  const taken =
    typeof value === 'string' && value !== ALL_TENANTS && value.length <= LIMITS.id_chars_max && PRINTABLE.test(value);
  if (!taken) throw new AppError('forbidden', `the claim ${nameOf(tenant_claim)} names no tenant`);
  return value;
}

function nameIn(claims: Claims): string | undefined {
  return [claims.name, claims.preferred_username, claims.email].find(
    (each): each is string => typeof each === 'string' && each.length <= NAME_CHARS_MAX && PRINTABLE.test(each),
  );
}

const nameOf = (claim: string | string[]) => [claim].flat().join('.');
const textsOf = (value: unknown) => [value].flat().filter((each) => typeof each === 'string');

/** Own members alone: a claim called `constructor` is no claim. */
function claimAt(claims: Claims, claim: string | string[]): unknown {
  let value: unknown = claims;
  for (const name of [claim].flat()) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
