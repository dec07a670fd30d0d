/** Asks the service over HTTP with kept connections; light, for programs that live beside an agent. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface ServiceAddress {
  url: string;
  key: string | undefined;
}

export interface ServiceAnswer {
  status: number;
  text: string;
}

const ANSWER_BYTES_MAX = 16_777_216;
const TIMEOUT_MS = 30_000;

/** Asks the service over one kept connection. Rejects when it does not answer. */
export function createServiceClient({ url, key }: ServiceAddress) {
  const base = url.replace(/\/+$/, '');
  const secure = base.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 2 })
    : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  const send = secure ? httpsRequest : httpRequest;
  return {
    ask(method: string, path: string, body?: Buffer): Promise<ServiceAnswer> {
      return new Promise((resolve, reject) => {
        const headers: Record<string, string | number> = {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/x-ndjson', 'content-length': body.length }),
        };
        const asked = send(`${base}${path}`, { method, headers, agent, timeout: TIMEOUT_MS }, (answer) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error('the answer is too large'));
            else parts.push(part);
          });
          answer.on('error', reject);
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        });
        asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
        asked.on('error', reject);
        asked.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
export type ServiceClient = ReturnType<typeof createServiceClient>;
