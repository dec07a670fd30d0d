/** Paths in the parameters of a call, whether they lie in what was declared, and those that lead out of any sandbox. */
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import type { Leaf } from '../lineage/leaves.ts';
import { oneSlash, unescapePercent, withSlashes } from './credential_paths.ts';

const CHARS_MAX = 65_536;
const PATHS_MAX = 64;
const PATH_CHARS_MAX = 1_024;

const PATH_NAME = wordSet(
  'path paths file files filename filepath dir directory folder root uri url cwd source destination src dest target location workdir',
);
/** The first directory of a path on a machine; `/v1/users` is one of some service. */
const MACHINE =
  /^(?:[a-z]:|~|\/(?:home|root|etc|var|srv|mnt|media|proc|sys|dev|boot|run|users|private|volumes|data|library)(?=\/|$))/;
/** Where programs and passing files lie. */
const COMMON = /^\/(?:dev\/(?:null|stdin|stdout|stderr|tty)|var\/tmp|private\/tmp|private\/var\/folders)(?:\/|$)/;

/** The paths of a machine that a parameter names, in one spelling. A command is looked through word by word. */
export function pathsIn(leaf: Leaf, command: boolean): string[] {
  const text = unescapePercent(leaf.text.slice(0, CHARS_MAX));
  if (!command && !holdsWord(wordsOf(leaf.name), PATH_NAME) && !/^file:\/\//i.test(text.trim())) return [];
  const parts = command ? text.split(/[\s"'`;|&<>()=,]+/) : [text.trim()];
  const paths = parts.filter((part) => /^(?:\/|~|\.\.|file:|[A-Za-z]:[\\/])/i.test(part) || /\.\.[\\/]/.test(part));
  return paths.slice(0, PATHS_MAX).map(plainPath);
}

/** A path or a file URL with one kind of slash, percent signs resolved and no `..` that can be resolved. */
export function plainPath(path: string): string {
  const local = path.slice(0, PATH_CHARS_MAX).replace(/^file:(?:\/\/(?:localhost)?)?(?=\/)/i, '');
  const plain = withSlashes(unescapePercent(local)).replace(/^\/([a-z]:)/, '$1');
  return plain.length > 1 ? plain.replace(/\/$/, '') : plain;
}

/** Whether a path of a machine lies outside of every root; a relative one, or a common place, never does. */
export function isOutside(path: string, roots: readonly string[]): boolean {
  if (!MACHINE.test(path) || COMMON.test(path)) return false;
  if (!path.startsWith('~')) return !roots.some((root) => isBelow(path, root));
  // Whose home `~` is can only be told from the roots.
  const homes = roots.flatMap((root) => /^(?:\/(?:home|users)\/[^/]+|\/root)(?=\/|$)/.exec(root)?.[0] ?? []);
  const places = homes.map((home) => path.replace(/^~/, home));
  return places.length > 0 && ![path, ...places].some((place) => roots.some((root) => isBelow(place, root)));
}

function isBelow(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`);
}

/** Whether a relative path climbs up and comes down in a place of the system. */
export function isTraversal(path: string): boolean {
  return /^(?:[^/]{1,64}\/){0,4}(?:\.\.\/){2,}(?:[^/]{1,64}\/)*(?:etc|proc|root|sys|windows|boot|\.ssh|var\/(?:run|log|lib))(?:\/|$)/.test(
    path,
  );
}

export interface WayOut {
  /** In an analyst's words. */
  kind: string;
  /** Whether there is no ordinary use of it in a sandbox. */
  clear: boolean;
  shown: string;
}

const WAYS: readonly [kind: string, clear: boolean, pattern: RegExp][] = [
  ['the root directory of another process', true, /\/proc\/(?:1|self|thread-self|\d{1,10})\/(?:root|cwd)(?:\/|\b)/],
  [
    'the namespaces of the first process',
    true,
    /\/proc\/1\/(?:ns|exe|fd|mem|environ)\b|\bnsenter\b[^\n]{0,80}(?:-t|--target)[ =]?1\b/,
  ],
  [
    'a kernel setting that starts programs',
    true,
    /\/proc\/sys\/kernel\/(?:core_pattern|modprobe)|\brelease_agent\b|\/sys\/kernel\/uevent_helper/,
  ],
  ['a switch that resets or crashes the machine', true, /\/proc\/sysrq-trigger/],
  [
    'a privileged container',
    true,
    /\bdocker\b[^\n]{0,200}\s--privileged\b|--pid[= ]host\b|(?:-v|--volume)[= ]?\/:\/\w?/,
  ],
  [
    'the socket of the container service',
    false,
    /(?:docker|containerd|crio|podman|buildkitd)\.sock\b|\/\/\.\/pipe\/docker_engine/,
  ],
  ['the memory of the machine', true, /\/dev\/(?:mem|kmem|port)\b|\/proc\/kcore\b/],
  [
    'a disk as a device',
    false,
    /\/dev\/(?:sd[a-z]|nvme\d|vd[a-z]|xvd[a-z]|dm-\d|mapper\/|loop\d|disk\d)|\/\/\.\/physicaldrive\d/,
  ],
  ['the files of other containers', false, /\/var\/lib\/(?:docker|containerd|kubelet|containers)(?:\/|\b)/],
];
const HINT =
  /\/proc\/|\/sys\/|\/dev\/|nsenter|release_agent|privileged|--pid|--volume|-v|\.sock|docker_engine|physicaldrive|\/var\/lib\//;

/** What in a text leads out of a sandbox, each kind once. */
export function waysOut(text: string): WayOut[] {
  // A `..` behind a link to another root leads elsewhere than it seems, so none is resolved.
  const plain = oneSlash(unescapePercent(text.slice(0, CHARS_MAX)));
  if (!HINT.test(plain)) return [];
  return WAYS.flatMap(([kind, clear, pattern]) => {
    const found = pattern.exec(plain)?.[0];
    return found === undefined ? [] : [{ kind, clear, shown: found.slice(0, 120) }];
  });
}
