/** What a server is, as far as its command and the files behind it tell: program, package, version, digests. */
import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { plainName } from '../../ingest/mcp/mcp_message.ts';

export interface ServerIdentity {
  version?: string | undefined;
  package?: string | undefined;
  registry?: string | undefined;
  executable?: string | undefined;
  executable_sha256?: string | undefined;
  args_sha256: string;
  installer?: string | undefined;
  process?: string | undefined;
}

const FILE_BYTES_MAX = 67_108_864;
const LAUNCHERS: Record<string, string> = { npx: 'npm', bunx: 'npm', pnpx: 'npm', uvx: 'pypi', pipx: 'pypi' };
const INTERPRETERS = /^(?:node|nodejs|bun|deno|tsx|python[\d.]*|ruby|perl|sh|bash)$/;
/** Flags of launchers that a value follows; the package of `-p` is taken as it stands. */
const WITH_VALUE = new Set(['--registry', '--cache', '--userconfig', '--index-url', '--python', '--with', '--cwd']);
const PACKAGE_FLAG = new Set(['-p', '--package', '--from', '--spec']);

/** Never throws: what cannot be found out is left out. */
export function identifyServer(command: readonly string[], env: NodeJS.ProcessEnv): ServerIdentity {
  const [program = '', ...args] = command;
  const args_sha256 = createHash('sha256').update(JSON.stringify(args)).digest('hex');
  const path = findProgram(program, env);
  const name = basename(program).replace(/\.(?:exe|cmd)$/i, '');
  const registry = LAUNCHERS[name];
  if (registry !== undefined) {
    const spec = packageSpec(args);
    return { ...spec, registry, installer: plainName(path ?? program, 2_048), process: plainName(name), args_sha256 };
  }
  const script = INTERPRETERS.test(name) ? scriptOf(args) : undefined;
  const file = script ?? path;
  const inside = INTERPRETERS.test(name) && script === undefined ? { package: moduleOf(args) } : {};
  return {
    ...inside,
    ...(file === undefined
      ? {}
      : { ...packageOf(file), executable: plainName(file, 2_048), executable_sha256: digestOf(file) }),
    process: plainName(name),
    args_sha256,
  };
}

/** A short name for a server that was given none. */
export function serverName(identity: ServerIdentity, command: readonly string[]): string {
  const from_package = identity.package?.replace(/^.*\//, '');
  return (
    plainName(
      from_package ?? basename(identity.executable ?? command[0] ?? 'server', extname(identity.executable ?? '')),
    ) ?? 'server'
  );
}

function findProgram(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const places = program.includes('/') ? [''] : (env.PATH ?? '').split(delimiter);
  for (const place of places) {
    const path = resolve(place, program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return realpathSync(path);
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function packageSpec(args: readonly string[]): { package?: string | undefined; version?: string | undefined } {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (PACKAGE_FLAG.has(arg)) return splitSpec(args[at + 1] ?? '');
    if (WITH_VALUE.has(arg)) at++;
    else if (!arg.startsWith('-') && arg !== 'run') return splitSpec(arg);
  }
  return {};
}

/** `@acme/x@1.2.0`, `x==1.2.0`: a version that names a tag or a range is none. */
function splitSpec(spec: string): { package?: string | undefined; version?: string | undefined } {
  const [, name, version] = /^(@?[^@=<>~!]+)(?:@|==)?(.*)$/.exec(spec) ?? [];
  return { package: plainName(name), version: /^\d[\w.+-]*$/.test(version ?? '') ? plainName(version) : undefined };
}

function scriptOf(args: readonly string[]): string | undefined {
  for (const arg of args) {
    if (arg === '-m' || arg === '-c' || arg === '-e' || arg === '--eval') return undefined;
    if (arg.startsWith('-')) continue;
    try {
      const path = realpathSync(resolve(arg));
      if (statSync(path).isFile()) return path;
    } catch {
      // The value of a flag, or a script that is not there.
    }
  }
  return undefined;
}

function moduleOf(args: readonly string[]): string | undefined {
  const at = args.indexOf('-m');
  return at < 0 ? undefined : plainName(args[at + 1]);
}

/** Name and version in the manifest of the package that a file belongs to. */
function packageOf(file: string): { package?: string | undefined; version?: string | undefined } {
  if (!isAbsolute(file)) return {};
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (typeof manifest.name === 'string') {
        return { package: plainName(manifest.name), version: plainName(manifest.version) };
      }
    } catch {
      // No manifest here.
    }
    if (dirname(folder) === folder) return {};
  }
}

function digestOf(file: string): string | undefined {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) return undefined;
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
}
