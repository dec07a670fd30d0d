/** Faults as pages. */
import type { Context, MiddlewareHandler } from 'hono';
import { html } from 'hono/html';
import { AppError } from '../../core/errors.ts';
import type { ApiEnv } from '../context.ts';
import { asAppError, statusOf } from '../problem.ts';
import { inert } from './inert.ts';
import { howToGetIn, notice, type Viewer } from './layout.ts';

const viewerOf = (c: Context<ApiEnv>): Viewer => ({ principal: c.var.principal, tenant: c.var.tenant });

/** For a browser a fault is a page as well; programs get the problem document. `sso`: whether there is single sign-on. */
export function faultsAsPages(sso: boolean): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    if (c.error === undefined || !(c.req.header('accept') ?? '').includes('text/html')) return;
    const error = asAppError(c.error);
    const status = statusOf(error);
    const viewer = c.var.principal === undefined ? undefined : viewerOf(c);
    if (status === 401) {
      c.res = await c.html(notice('You are not logged in', howToGetIn(sso)), status);
      return;
    }
    const known = error instanceof AppError && status !== 500;
    const why = known ? error.message : 'Something went wrong on our side; the log of the service says what.';
    const title = status === 404 ? 'There is nothing here' : 'This cannot be shown';
    c.res = await c.html(notice(title, html`<p>${inert(why)}</p><p><a href="/">Overview</a></p>`, viewer), status);
  };
}
