/** Logging in with a one-time code or through an identity provider, and out again. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { AppError } from '../../core/errors.ts';
import { createSealer } from '../auth/attempt_cookie.ts';
import { addressOf, LOGIN_COOKIE } from '../auth/guard.ts';
import type { ApiContext } from '../context.ts';
import { howToGetIn, notice } from '../pages/layout.ts';
import { type Api, open, responses } from '../route.ts';

const Page = { 'text/html': { schema: z.string() } };

const loginRoute = createRoute({
  method: 'get',
  path: '/login',
  summary: 'Trade a one-time code for a login of a browser',
  request: { query: z.object({ code: z.string().max(200).optional() }) },
  responses: {
    303: { description: 'logged in; go to the overview' },
    401: { description: 'no code: how to get one', content: Page },
    403: { description: 'the code is wrong, was used, or is too old', content: Page },
    ...responses(429),
  },
});

const beginRoute = createRoute({
  method: 'get',
  path: '/login/oidc',
  summary: 'Send a browser to the identity provider',
  responses: { 303: { description: 'go to the identity provider' }, ...responses(404, 503) },
});

const callbackRoute = createRoute({
  method: 'get',
  path: '/login/callback',
  summary: 'Where the identity provider sends a browser back to',
  responses: {
    200: { description: 'logged in; the page goes on to the overview', content: Page },
    403: { description: 'the login failed, or gives no role', content: Page },
    ...responses(404, 429, 503),
  },
});

const logoutRoute = createRoute({
  method: 'post',
  path: '/logout',
  summary: 'End the login of this browser',
  responses: { 303: { description: 'logged out' } },
});

/** Between going to the provider and coming back, bound to this browser. */
const ATTEMPT_COOKIE = 'tracewarden_attempt';
const ATTEMPT_S = 600;

export function loginRoutes(api: Api, context: ApiContext): void {
  const { logins, attempts, identity } = context;
  const sso = identity?.browsers === true;
  const sealer = createSealer(ATTEMPT_S, context.now);
  /** Nobody is logged in without a record of it. */
  const recordLogin = async (token: string, subject: string) => {
    const principal = logins.check(token);
    if (principal === undefined) return;
    await context.trail.record(principal, principal.tenant, { type: 'access.login', subject });
  };
  open(api, loginRoute, async (c) => {
    const { code } = c.req.valid('query');
    if (code === undefined) return c.html(notice('You are not logged in', howToGetIn(sso)), 401);
    // Only who opens the address uses the code up, not a program that looks whether it is there.
    const opened = c.req.method === 'GET';
    const token = opened ? logins.redeem(code) : undefined;
    if (token === undefined) {
      if (opened) await attempts.failed(addressOf(c));
      return c.html(notice('This login address does not work', html`${WHY}${howToGetIn(sso)}`), 403);
    }
    await recordLogin(token, 'code');
    keepLogin(c, token);
    return c.redirect('/', 303);
  });
  open(api, beginRoute, async (c) => {
    if (!sso) throw new AppError('not_found', 'there is no single sign-on here');
    const { address, attempt } = await identity.begin();
    setCookie(c, ATTEMPT_COOKIE, await sealer.seal(attempt), {
      httpOnly: true,
      sameSite: 'Lax', // the provider's page, which is another site, sends the browser back
      path: '/login',
      maxAge: ATTEMPT_S,
      secure: overTls(c),
    });
    return c.redirect(address.href, 303);
  });
  open(api, callbackRoute, async (c) => {
    if (!sso) throw new AppError('not_found', 'there is no single sign-on here');
    const sealed = getCookie(c, ATTEMPT_COOKIE);
    deleteCookie(c, ATTEMPT_COOKIE, { path: '/login' });
    try {
      const attempt = sealed === undefined ? undefined : await sealer.open(sealed);
      if (attempt === undefined) throw new AppError('login_failed', 'no login was begun in this browser lately');
      const token = logins.open(await identity.finish(new URL(c.req.url).search, attempt));
      await recordLogin(token, 'oidc');
      keepLogin(c, token);
      return c.html(ONWARD, 200);
    } catch (error) {
      if (!(error instanceof AppError) || !DENIED.has(error.code)) throw error;
      await attempts.failed(addressOf(c));
      context.onNotice('login_failed', { code: error.code, error: error.message });
      return c.html(notice('You are not logged in', html`<p>${error.message}.</p>${howToGetIn(sso)}`), 403);
    }
  });
  open(api, logoutRoute, async (c) => {
    const token = getCookie(c, LOGIN_COOKIE);
    if (token !== undefined) {
      // Who wants out gets out, also while the log takes nothing.
      const principal = logins.check(token);
      logins.end(token);
      if (principal !== undefined) await context.trail.record(principal, principal.tenant, { type: 'access.logout' });
    }
    deleteCookie(c, LOGIN_COOKIE, { path: '/' });
    return c.redirect('/login', 303);
  });
}

const DENIED = new Set(['login_failed', 'forbidden', 'unauthenticated']);
const WHY = html`<p>Its code is wrong, was used before, or is older than ten minutes.</p>`;

/**
 * A redirect would still count as sent by the provider's site, and the browser would hold the new cookie back. This
 * page is ours, and so is the way on from it.
 */
const ONWARD = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><title>Tracewarden</title></head>
<body><p><a href="/">You are logged in: go on to the overview</a></p></body></html>`;

function keepLogin(c: Context, token: string): void {
  setCookie(c, LOGIN_COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/', secure: overTls(c) });
}

/** Whether the browser came over https, also when a proxy in front ends the TLS. */
function overTls(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
}
