/** A receiver of webhooks on a local socket, which answers as it is told and keeps what it got. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Got {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  at_ms: number;
}

export interface Receiver {
  url: string;
  /** `127.0.0.1:port`, as the settings allow it. */
  host: string;
  got: Got[];
  /** What is done with the next requests; 204 when nothing is said. */
  answer: (response: ServerResponse, got: Got, nth: number) => void;
  /** Resolves when so many requests came. */
  count(n: number, timeout_ms?: number): Promise<Got[]>;
  close(): Promise<void>;
}

export async function startReceiver(port = 0): Promise<Receiver> {
  let wake: () => void = () => undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const got = { path: request.url ?? '', headers: request.headers, body, at_ms: Date.now() };
      receiver.got.push(got);
      receiver.answer(response, got, receiver.got.length);
      wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${bound}`,
    host: `127.0.0.1:${bound}`,
    got: [],
    answer: (response) => response.writeHead(204).end(),
    async count(n, timeout_ms = 10_000) {
      const end_ms = Date.now() + timeout_ms;
      while (receiver.got.length < n) {
        const left_ms = end_ms - Date.now();
        if (left_ms <= 0) throw new Error(`${receiver.got.length} of ${n} requests came`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, Math.min(left_ms, 200));
        });
      }
      return receiver.got;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
