/** The pages of the SOC: one shell for all of their addresses, and the scripts that fill it over the API. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext } from '../context.ts';
import { faultsAsPages } from '../pages/faults.ts';
import { shellPage } from '../pages/shell.ts';
import { type Api, open, secured } from '../route.ts';

const BUILT = new URL('../../dashboards/web/built/', import.meta.url);
const Page = { 'text/html': { schema: z.string() } };
const Tenant = z.object({ tenant: z.string().max(LIMITS.id_chars_max).optional() });
const name = z.string().min(1).max(LIMITS.id_chars_max);

/** Addresses of pages, with what they show. */
const PAGES = [
  ['/', 'overview', z.object({})],
  ['/alerts', 'alerts to triage', z.object({})],
  ['/incidents', 'incidents', z.object({})],
  ['/incidents/{incident_id}', 'one incident with its alerts', z.object({ incident_id: name })],
  ['/sessions', 'sessions', z.object({})],
  [
    '/sessions/{session_id}',
    'one session as a story, a waterfall and a provenance graph',
    z.object({ session_id: name }),
  ],
  ['/entities/{kind}/{name}', 'a user, role, agent, server or tool', z.object({ kind: name, name })],
  ['/tools', 'tools and gaps of the catalog', z.object({})],
  ['/tools/definitions', 'the versions of one tool’s definition side by side', z.object({})],
  ['/rules', 'detectors and rules, what they caught, and one to try', z.object({})],
  ['/suppressions', 'what is held back', z.object({})],
  ['/deliveries', 'what was asked of gateways and told to subscribers', z.object({})],
  ['/integrity', 'the log, with proofs that the browser checks', z.object({})],
  ['/audit', 'what people and programs did', z.object({})],
  ['/compliance', 'controls, holds, and what was erased', z.object({})],
] as const;

const staticRoute = createRoute({
  method: 'get',
  path: '/static/{file}',
  summary: 'Styles and scripts of the pages',
  request: { params: z.object({ file: z.string().max(100) }) },
  responses: {
    200: {
      description: 'the file',
      content: { 'text/css': { schema: z.string() }, 'text/javascript': { schema: z.string() } },
    },
  },
});

export function webRoutes(api: Api, context: ApiContext): void {
  const files = staticFiles();
  open(api, staticRoute, (c) => {
    const { file } = c.req.valid('param');
    const text = files.get(file);
    if (text === undefined) throw new AppError('not_found', 'there is no such file');
    const type = file.endsWith('.css') ? 'text/css' : 'text/javascript';
    return c.body(text, 200, { 'Content-Type': `${type}; charset=utf-8` });
  });
  for (const [path, shows, params] of PAGES) {
    const route = createRoute({
      method: 'get',
      path,
      summary: `Page: ${shows}`,
      request: { params, query: Tenant },
      responses: { 200: { description: 'the page', content: Page } },
    });
    api.app.use(path.replaceAll(/\{(\w+)\}/g, ':$1'), faultsAsPages(context.identity?.browsers === true));
    secured(api, context, 'sessions:read', route, (c) => c.html(shellPage(), 200));
  }
}

/** What a build made, read once: these are few and small, and no name of a request ever reaches the disk. */
function staticFiles(): Map<string, string> {
  const files = new Map<string, string>();
  files.set('style.css', readFileSync(new URL('../style.css', BUILT), 'utf8'));
  for (const file of builtFiles()) files.set(file, readFileSync(new URL(file, BUILT), 'utf8'));
  return files;
}

/** None in a checkout that was not built: the API works without. */
function builtFiles(): string[] {
  try {
    return readdirSync(BUILT).filter((file) => file.endsWith('.js'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
