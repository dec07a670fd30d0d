/**
 * What every request passes first: the address it was sent to, the page it came from, and who is asking. A browser
 * that was lured onto our address (DNS rebinding) or that another site uses (cross-site requests) ends here.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { ALL_TENANTS, type Principal } from './access.ts';
import { mayDo, type Permission } from './roles.ts';

export const LOGIN_COOKIE = 'tracewarden_session';
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

function principalOf(context: ApiContext, c: Context): Principal | undefined {
  const header = c.req.header('authorization');
  const bearer = header === undefined ? undefined : /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1];
  if (bearer !== undefined) return context.access.check(bearer);
  if (header !== undefined) return undefined;
  const cookie = getCookie(c, LOGIN_COOKIE);
  if (cookie !== undefined) return context.logins.check(cookie);
  // A proxy that speaks for another name brings requests from anywhere.
  return context.insecure_loopback && LOOPBACK.has(hostName(hostOf(c))) ? LOOPBACK_ADMIN : undefined;
}

/** Lets the holder of a permission pass, and fixes the tenant that the request is about. */
export function requirePermission(context: ApiContext, permission: Permission): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const principal = principalOf(context, c);
    if (principal === undefined) throw new AppError('unauthenticated', 'send a key: Authorization: Bearer tw_…');
    if (!mayDo(principal.role, permission)) {
      throw new AppError('forbidden', `the role ${principal.role} does not include ${permission}`);
    }
    c.set('principal', principal);
    c.set('tenant', tenantOf(principal, c.req.query('tenant')));
    await next();
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
