/** A service on a real socket over a folder of its own, for tests that speak HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../api/app.ts';
import type { ApiContext } from '../../api/context.ts';
import { listen } from '../../cli/listen.ts';
import { openService, type Service, type ServiceOptions } from '../../cli/service.ts';
import { loadConfig } from '../../core/config.ts';
import type { Role } from '../../core/role.ts';

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

export interface Asked {
  key?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

/** One address of the service. */
export interface Endpoint {
  url: string;
  /** Sends a request and reads the whole answer. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>;
  /** GET with a key, as JSON; throws unless the answer is 200. */
  read<T>(path: string, key?: string): Promise<T>;
  /** POST /v1/events with the answer as JSON. Objects are sent as JSON, text and bytes as they are. */
  send(body: unknown, asked?: Asked & { query?: string }): Promise<{ status: number; answer: Receipts }>;
  close(): Promise<void>;
}

export interface Receipts {
  size: number;
  accepted: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  records: {
    index: number;
    outcome: string;
    seq: number;
    event_id: string;
    leaf_hash: string;
    reason?: string;
    message?: string;
    first_seq?: number;
  }[];
  /** Of a problem. */
  code?: string;
  detail?: string;
}

export interface TestService extends Endpoint {
  service: Service;
  data: string;
  notices: { notice: string; fields: Record<string, unknown> }[];
  /** A new key of a role. */
  key(role: Role, tenant?: string, expires_at_ms?: number): Promise<string>;
  /** A second address over the same log, with another context. */
  also(context: Partial<ApiContext>): Promise<Endpoint>;
}

export async function startTestService(options: Partial<ServiceOptions> = {}): Promise<TestService> {
  const data = mkdtempSync(join(tmpdir(), 'tracewarden-test-'));
  const notices: TestService['notices'] = [];
  const service = await openService({
    config: loadConfig({ data }, {}),
    onNotice: (notice, fields) => notices.push({ notice, fields }),
    ...options,
  });
  const endpoints: Endpoint[] = [];
  const open = async (api: Service['api']) => {
    const { url, close } = await listen(api.app, '127.0.0.1', 0);
    const endpoint = endpointOf(url, service.admin_key, close);
    endpoints.push(endpoint);
    return endpoint;
  };
  const first = await open(service.api);
  return {
    ...first,
    service,
    data,
    notices,
    key: async (role, tenant = 'default', expires_at_ms) =>
      (
        await service.context.access.create(
          { name: `a ${role}`, role, tenant, ...(expires_at_ms === undefined ? {} : { expires_at_ms }) },
          'test',
        )
      ).key,
    also: (context) => open(createApi({ ...service.context, ...context })),
    async close() {
      await Promise.all(endpoints.map((endpoint) => endpoint.close()));
      await service.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function endpointOf(url: string, admin_key: string, close: () => Promise<void>): Endpoint {
  const ask: Endpoint['ask'] = async (method, path, { key, headers, body } = {}) => {
    const auth: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...auth, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    url,
    ask,
    async read<T>(path: string, key = admin_key) {
      const { status, text } = await ask('GET', path, { key });
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      return JSON.parse(text) as T;
    },
    async send(body, { key = admin_key, headers, query = '' } = {}) {
      const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
      const all = { 'content-type': 'application/json', ...headers };
      const { status, text } = await ask('POST', `/v1/events${query}`, { key, headers: all, body: bytes });
      return { status, answer: JSON.parse(text) as Receipts };
    },
    close,
  };
}
