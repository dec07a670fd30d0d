/** Logging in with a one-time code, and out again. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { LOGIN_COOKIE } from '../auth/guard.ts';
import type { ApiContext } from '../context.ts';
import { HOW_TO_GET_IN, notice } from '../pages/layout.ts';
import { type Api, open } from '../route.ts';

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
  },
});

const logoutRoute = createRoute({
  method: 'post',
  path: '/logout',
  summary: 'End the login of this browser',
  responses: { 303: { description: 'logged out' } },
});

export function loginRoutes(api: Api, { logins }: ApiContext): void {
  open(api, loginRoute, (c) => {
    const { code } = c.req.valid('query');
    if (code === undefined) return c.html(notice('You are not logged in', HOW_TO_GET_IN), 401);
    // Only who opens the address uses the code up, not a program that looks whether it is there.
    const token = c.req.method === 'GET' ? logins.redeem(code) : undefined;
    if (token === undefined)
      return c.html(notice('This login address does not work', html`${WHY}${HOW_TO_GET_IN}`), 403);
    setCookie(c, LOGIN_COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/', secure: overTls(c) });
    return c.redirect('/', 303);
  });
  open(api, logoutRoute, (c) => {
    const token = getCookie(c, LOGIN_COOKIE);
    if (token !== undefined) logins.end(token);
    deleteCookie(c, LOGIN_COOKIE, { path: '/' });
    return c.redirect('/login', 303);
  });
}

const WHY = html`<p>Its code is wrong, was used before, or is older than ten minutes.</p>`;

/** Whether the browser came over https, also when a proxy in front ends the TLS. */
function overTls(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
}
