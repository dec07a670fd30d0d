/** Under which names a server is known: `mcp-server-github`, `my_github` and `github-mcp` are all GitHub. */
import { wordSet, wordsOf } from './words.ts';

/** Words that say nothing about which server it is. */
const DECORATION = wordSet(`mcp server servers my the a official local remote hosted prod production staging dev test
  demo new old client tool tools api service app integration connector plugin extension proxy gateway wrapper adapter
  modelcontextprotocol claude ai cursor vscode codex npx uvx io com org v1 v2 v3 enterprise cloud custom internal
  company corp team work personal readonly ro rw sse http stdio streamable us eu for of and with default main primary
  secondary global example`);
/** Names so general that they say something only when nothing else stands beside them. */
const GENERAL =
  wordSet(`search files file fs fetch memory memories shell terminal bash mail email mailbox mailer calendar
  drive docs maps database sql web browser code git vault chat weather time clock bank banking notebook workspace
  thinking commands cli box es pg op ha gh yt dir drive time teams sandbox commander`);

/** The words of a server's name without decoration and repetition, in one text; all of them when nothing else is left. */
export function serverKey(name: string): string {
  const words = [...new Set(wordsOf(name))];
  const left = words.filter((word) => !DECORATION.has(word) && !/^\d+$/.test(word));
  return (left.length > 0 ? left : words).join(' ');
}

/** The keys that may be part of a longer name, the longest first: `acme github backend` holds `github`. */
export function keysWithin(key: string): string[] {
  const words = key.split(' ').slice(0, 8);
  const keys: string[] = [];
  for (let length = words.length - 1; length >= 1; length--) {
    for (let at = 0; at + length <= words.length; at++) {
      const part = words.slice(at, at + length);
      // `AcmeGitHub` falls into acme, git and hub.
      for (const key of length > 1 ? [part.join(' '), part.join('')] : part) if (!GENERAL.has(key)) keys.push(key);
    }
  }
  return keys;
}

/** A package's name without version and registry: `npm:@acme/x@1.2.0` is `@acme/x`. */
export function packageKey(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^(?:npm|pypi|pip|uvx|npx|docker|oci|pkg):(?:npm\/|pypi\/|docker\/)?/, '')
    .replace(/^(?:docker\.io\/|index\.docker\.io\/)/, '')
    .replace(/(?!^)(?:@[^/]*|==.*|:[^/]*)$/, '')
    .replace(/_/g, '-');
}

/** One spelling of a tool's name: `create-issue` and `createIssue` are one. */
export function toolKey(name: string): string {
  return wordsOf(name).join('_');
}

/** A tool's name without the prefix of a client or a gateway, and the server that the prefix names. */
export function splitToolName(tool: string, server: string | undefined): { local: string; server: string | undefined } {
  const client = /^mcp__(.+?)__(.+)$/.exec(tool);
  if (client !== null) return { local: client[2] ?? tool, server: server || client[1] };
  const prefix = /^([^:./]{1,64}?)(?:__|[:./])(.+)$/.exec(tool);
  if (prefix === null) return { local: tool, server };
  const named = serverKey(prefix[1] ?? '');
  if (server !== undefined && server !== '' && named !== serverKey(server)) return { local: tool, server };
  return { local: prefix[2] ?? tool, server: server || prefix[1] };
}
