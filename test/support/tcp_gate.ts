/** A way to a server on loopback that tests can shut: new connections are refused, or answers are lost on the way back. */
import { connect, createServer, type Socket } from 'node:net';

export interface Gate {
  port: number;
  /** Cuts every connection, and takes none until it is opened again. */
  shut(): void;
  open(): void;
  /** The next so many connections are cut when the server has answered: it did what it was asked, and nobody hears of it. */
  loseAnswers(count: number): void;
  close(): Promise<void>;
}

export async function openGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let is_open = true;
  let lost = 0;
  const server = createServer((client) => {
    if (!is_open) return void client.destroy();
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (lost > 0) {
        lost--;
        client.destroy();
        upstream.destroy();
      } else client.write(chunk);
    });
    upstream.on('end', () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the gate has no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    shut() {
      is_open = false;
      cut();
    },
    open() {
      is_open = true;
    },
    loseAnswers(count) {
      lost = count;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
