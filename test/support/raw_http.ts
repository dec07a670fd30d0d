/** HTTP over a bare socket, for what a well-behaved client never does. */
import { connect, type Socket } from 'node:net';

/** Opens a socket to an address such as http://127.0.0.1:1234. */
export function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** The head of a POST of events, without its body. */
export function postHead(key: string, headers: Record<string, string>): string {
  const all = { Host: 'localhost', Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return ['POST /v1/events HTTP/1.1', ...lines, '', ''].join('\r\n');
}

/** What the other side says until it ends the connection, or until `enough` says so. */
export function readSocket(socket: Socket, enough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (enough(text)) resolve(text);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => resolve(text));
  });
}
