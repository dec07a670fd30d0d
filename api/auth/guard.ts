/**
 * What every request passes first: the address it was sent to, the page it came from, and who is asking. A browser
 * that was lured onto our address (DNS rebinding) or that another site uses (cross-site requests) ends here.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { ALL_TENANTS, type Principal } from './access.ts';
import { mayDo, type Permission } from './roles.ts';

export const LOGIN_COOKIE = 'tracewarden_session';
/** What gateways do all the time has limits of its own. */
const OWN_LIMITS: ReadonlySet<Permission> = new Set(['events:write', 'enforcement:read', 'enforcement:answer']);
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
export const LOOPBACK_ADMIN: Principal = {
  key_id: 'loopback',
  name: 'insecure loopback',
  role: 'admin',
  tenant: ALL_TENANTS,
};

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

const hostOf = (c: Context) => c.req.header('host') ?? new URL(c.req.url).host;

/** Refuses requests that were sent to a name that is not ours, or from a page that is not ours. */
export function checkAddress(context: ApiContext): MiddlewareHandler {
  const allowed = new Set([...LOOPBACK, ...context.hosts.map((host) => hostName(host))]);
  return async (c, next) => {
    const host = hostOf(c);
    if (!allowed.has(hostName(host))) {
      throw new AppError(
        'host_forbidden',
        `this service does not answer to ${JSON.stringify(host.slice(0, 80))}; see "hosts" in its configuration`,
      );
    }
    const origin = c.req.header('origin');
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      throw new AppError(
        'origin_forbidden',
        `requests from the page ${JSON.stringify(origin.slice(0, 80))} are not taken`,
      );
    }
    if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.method !== 'GET') {
      throw new AppError('origin_forbidden', 'requests from pages of other sites are not taken');
    }
    await next();
  };
}

/** What a key or a token may look like. A token of an identity provider has three parts (RFC 7515, section 3.1). */
const BEARER = new RegExp(`^Bearer ([\\x21-\\x7e]{1,${LIMITS.bearer_chars_max}})$`, 'i');
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The address that a request comes from: that of the proxy, where there is one. */
export function addressOf(c: Context): string {
  const env = c.env as Partial<HttpBindings> | undefined;
  return env?.incoming?.socket.remoteAddress ?? 'unknown';
}

async function principalOf(context: ApiContext, c: Context): Promise<Principal | undefined> {
  const header = c.req.header('authorization');
  const bearer = header === undefined ? undefined : BEARER.exec(header)?.[1];
  if (bearer !== undefined) return bearerOf(context, addressOf(c), bearer);
  if (header !== undefined) {
    await context.attempts.failed(addressOf(c));
    return undefined;
  }
  const cookie = getCookie(c, LOGIN_COOKIE);
  if (cookie !== undefined) return browserOf(context, c, cookie);
  // A proxy that speaks for another name brings requests from anywhere.
  return context.insecure_loopback && LOOPBACK.has(hostName(hostOf(c))) ? LOOPBACK_ADMIN : undefined;
}

async function bearerOf(
  { access, attempts, identity }: ApiContext,
  address: string,
  bearer: string,
): Promise<Principal | undefined> {
  const key_id = access.idOf(bearer);
  if (key_id !== undefined) await attempts.check(address, key_id);
  const token = identity !== undefined && TOKEN.test(bearer);
  const principal = token ? await identity.check(bearer) : access.check(bearer);
  if (principal === undefined) await attempts.failed(address, key_id);
  return principal;
}

/**
 * A browser says where a request that changes something comes from; what does not say it is no page of ours. A cookie
 * that does not work is an old one, of a tab that was left open, and not a guess.
 */
function browserOf({ logins }: ApiContext, c: Context, cookie: string): Principal | undefined {
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
  const told = c.req.header('origin') !== undefined || c.req.header('sec-fetch-site') === 'same-origin';
  if (!reads && !told) {
    throw new AppError('origin_forbidden', 'a request with a login of a browser must say what page it comes from');
  }
  return logins.check(cookie);
}

/** Lets the holder of a permission pass, and fixes the tenant that the request is about. */
export function requirePermission(context: ApiContext, permission: Permission): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const principal = await principalOf(context, c);
    if (principal === undefined) throw new AppError('unauthenticated', 'send a key: Authorization: Bearer tw_…');
    if (!mayDo(principal.role, permission)) {
      throw new AppError('forbidden', `the role ${principal.role} does not include ${permission}`);
    }
    if (!OWN_LIMITS.has(permission)) await context.attempts.used(principal.key_id);
    c.set('principal', principal);
    c.set('tenant', tenantOf(principal, c.req.query('tenant')));
    await next();
    const { accessed, tenant } = c.var;
    if (accessed !== undefined && c.res.ok) await context.trail.record(principal, tenant, accessed);
  };
}

const TENANT_FORM = /^[^\u0000-\u001f\u007f-\u009f]+$/;

/** A key of one tenant speaks of that tenant alone; a key of all names one, or means the default. */
function tenantOf(principal: Principal, asked: string | undefined): string {
  if (asked !== undefined && (asked.length > LIMITS.id_chars_max || !TENANT_FORM.test(asked))) {
    const form = `1 to ${LIMITS.id_chars_max} characters without control characters`;
    throw new AppError('query_invalid', `tenant: must be ${form}`);
  }
  if (principal.tenant === ALL_TENANTS) return asked ?? 'default';
  if (asked !== undefined && asked !== principal.tenant) {
    throw new AppError('tenant_forbidden', 'this key belongs to another tenant');
  }
  return principal.tenant;
}
