/** Puts the application on a socket, with limits on what a slow or silent client can hold. */

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from '../api/context.ts';
import { AppError, codeOf } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

export interface Listening {
  url: string;
  close(): Promise<void>;
}

const DRAIN_MS = 5_000;
/** How this machine reaches a service that listens on all its addresses. */
const EVERYWHERE: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Listens. Throws `port_in_use`. */
export function listen(app: OpenAPIHono<ApiEnv>, host: string, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (address: AddressInfo) => {
      const reached = EVERYWHERE[address.address] ?? address.address;
      const shown = reached.includes(':') ? `[${reached}]` : reached;
      resolve({ url: `http://${shown}:${address.port}`, close: () => close(server) });
    }) as Server;
    server.headersTimeout = LIMITS.body_idle_ms_max;
    server.requestTimeout = LIMITS.body_total_ms_max;
    server.maxHeadersCount = 100;
    server.maxConnections = LIMITS.connections_max;
    server.on('error', (error) => {
      const used = codeOf(error) === 'EADDRINUSE';
      reject(used ? new AppError('config_invalid', `port ${port} on ${host} is in use`, { cause: error }) : error);
    });
  });
}

/** Stops taking connections, lets requests end, then cuts those that do not. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
