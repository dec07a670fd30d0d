/**
 * Puts the wrapper in front of the servers of a client's configuration, and takes it away again. Pure: text to text.
 * Everything else in the text stays as it is, comments and spaces among it.
 */
import { basename } from 'node:path';
import {
  applyEdits,
  type FormattingOptions,
  findNodeAtLocation,
  getNodeValue,
  modify,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { AppError } from '../../core/errors.ts';

/** How the wrapper is started, with absolute paths: some clients start servers without a PATH. */
export interface Launcher {
  command: string;
  /** What stands before `wrap`. */
  args: readonly string[];
}

export interface Rewritten {
  text: string;
  /** Names of servers that changed. */
  changed: string[];
  /** Servers that stayed as they are, and why. */
  left: { name: string; why: string }[];
}

type Path = (string | number)[];

interface Entry {
  path: Path;
  name: string;
  node: Node;
}

/** Puts the wrapper in front of every server that is started as a command. Throws `client_config_invalid`. */
export function wrapText(text: string, maps: readonly (readonly string[])[], launcher: Launcher): Rewritten {
  return rewrite(text, maps, (server) => {
    if (isWrapped(server)) return { why: 'is wrapped already' };
    const { command, args = [] } = server;
    const remote = ['url', 'serverUrl', 'httpUrl'].some((name) => typeof server[name] === 'string');
    if (command === undefined) return { why: remote ? 'is reached over HTTP' : 'has no command' };
    const plain = Array.isArray(args) && args.every((each) => typeof each === 'string');
    if (typeof command !== 'string' || !plain) return { why: 'has a command or arguments that are no text' };
    return (name) => ({
      command: launcher.command,
      args: [...launcher.args, 'wrap', ...nameFlags(name), '--', command, ...(args as string[])],
    });
  });
}

/** Takes the wrapper away from every server that has it. Throws `client_config_invalid`. */
export function unwrapText(text: string, maps: readonly (readonly string[])[]): Rewritten {
  return rewrite(text, maps, (server) => {
    if (!isWrapped(server)) return { why: 'is not wrapped' };
    const args = server.args as string[];
    const [command = '', ...rest] = args.slice(args.indexOf('--') + 1);
    return () => ({ command, args: rest });
  });
}

/** Some clients join arguments with spaces and split them again, so a name with one goes without. */
function nameFlags(name: string): string[] {
  const plain = name.replace(/[^\w.@/-]+/g, '-').replace(/^-+|-+$/g, '');
  return plain === '' ? [] : ['--name', plain];
}

const PROGRAMS = new Set(['tracewarden', 'tracewarden.js', 'main.js']);

function isWrapped({ command, args }: Record<string, unknown>): boolean {
  if (!Array.isArray(args) || typeof command !== 'string') return false;
  const at = args.indexOf('wrap');
  const program: unknown = at > 0 ? args[at - 1] : command;
  const named = typeof program === 'string' && PROGRAMS.has(basename(program.replaceAll('\\', '/')));
  return at >= 0 && named && args.indexOf('--') > at && args.indexOf('--') < args.length - 1;
}

type Change = (name: string) => { command: string; args: string[] };

function rewrite(
  text: string,
  maps: readonly (readonly string[])[],
  decide: (server: Record<string, unknown>) => Change | { why: string },
): Rewritten {
  const changed: string[] = [];
  const left: Rewritten['left'] = [];
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  let now = text.slice(mark.length);
  const options = formatOf(text);
  for (const { path, name, node } of entriesOf(now, maps)) {
    const server = getNodeValue(node) as Record<string, unknown>;
    const decided = decide(server);
    if (typeof decided !== 'function') {
      left.push({ name, why: decided.why });
      continue;
    }
    const { command, args } = decided(name);
    const edit = (member: string, value: unknown) => {
      now = applyEdits(now, modify(now, [...path, member], value, { formattingOptions: options }));
    };
    edit('command', command);
    edit('args', args.length === 0 && server.args === undefined ? undefined : args);
    changed.push(name);
  }
  return { text: mark + now, changed, left };
}

/** The servers of all maps, in the order of the text. */
function entriesOf(text: string, maps: readonly (readonly string[])[]): Entry[] {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) throw invalid(`${printParseErrorCode(error.error)} at ${placeOf(text, error.offset)}`);
  if (root === undefined) return [];
  if (root.type !== 'object') throw invalid('it is no JSON object');
  return maps.flatMap((map) => expand(root, map)).flatMap((path) => serversIn(root, path));
}

/** Paths that a pattern with `*` stands for. */
function expand(root: Node, pattern: readonly string[]): Path[] {
  let paths: Path[] = [[]];
  for (const part of pattern) {
    paths = paths.flatMap((path) => {
      if (part !== '*') return [[...path, part]];
      const node = findNodeAtLocation(root, path);
      return keysOf(node).map((key) => [...path, key]);
    });
  }
  return paths;
}

function keysOf(node: Node | undefined): string[] {
  if (node?.type !== 'object') return [];
  const keys = (node.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw invalid(`${JSON.stringify(twice).slice(0, 80)} is there twice`);
  return keys;
}

function serversIn(root: Node, path: Path): Entry[] {
  const map = findNodeAtLocation(root, path);
  if (map === undefined) return [];
  if (map.type !== 'object') throw invalid(`${path.join('.').slice(0, 200)} is no object`);
  return keysOf(map).map((name) => {
    const node = findNodeAtLocation(root, [...path, name]);
    if (node?.type !== 'object') throw invalid(`the server ${JSON.stringify(name).slice(0, 80)} is no object`);
    keysOf(node);
    return { path: [...path, name], name, node };
  });
}

const invalid = (why: string) => new AppError('client_config_invalid', why);

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** As the text is indented already. */
function formatOf(text: string): FormattingOptions {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return { insertSpaces: !indent.startsWith('\t'), tabSize: indent.startsWith('\t') ? 1 : indent.length, eol };
}
