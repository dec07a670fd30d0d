/** The far end of the demo's web: takes posts on loopback and remembers them, so that the demo can say what arrived. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Sink {
  url: string;
  /** The posts that arrived, with the URL that the agent asked for. */
  readonly posts: readonly { url: string; body: string }[];
  close(): Promise<void>;
}

export async function openSink(): Promise<Sink> {
  const posts: { url: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    posts.push({ url: String(request.headers['x-demo-url']), body: await text(request) });
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    posts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
