/**
 * Places where programs keep credentials: files of well-known names, and the address where cloud machines hand out
 * theirs. Spellings are brought together first: percent signs, backslashes, doubled slashes, numbers for an address.
 */
import { hostOf } from '../lineage/normalise.ts';

/** `config` names places that hold settings as often as secrets. */
export type PlaceGrade = 'metadata' | 'credential' | 'config';

export interface CredentialPlace {
  /** In an analyst's words, such as `SSH key`. */
  kind: string;
  grade: PlaceGrade;
  /** The path as it may be shown. */
  shown: string;
}

const TEXT_CHARS_MAX = 65_536;
const SHOWN_CHARS_MAX = 120;
const PLACES_MAX = 16;
const URLS_MAX = 32;

/** Before a name of a file: the beginning, a slash, a space, a quote or the like. */
const START = String.raw`(?:^|[\s/"'\`=:(,<>|;@])`;
const END = String.raw`(?![\w-]|\.\w)`;
const file = (pattern: string, end = END) => new RegExp(`${START}(${pattern})${end}`, 'g');

const FILES: readonly [kind: string, grade: PlaceGrade, pattern: RegExp][] = [
  [
    'SSH key',
    'credential',
    file(String.raw`\.ssh(?:/?(?=$|[\s"'])|/(?!known_hosts|config\b|[\w.-]{0,64}\.pub\b)[\w.*?-]{1,64})`, ''),
  ],
  ['SSH key', 'credential', file('id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?')],
  ['AWS credentials', 'credential', file(String.raw`\.aws/(?:credentials|(?:sso|cli)/cache)`)],
  [
    'Google Cloud credentials',
    'credential',
    file(String.raw`(?:gcloud/)?(?:application_default_credentials\.json|access_tokens\.db|legacy_credentials)`),
  ],
  [
    'Azure credentials',
    'credential',
    file(String.raw`\.azure/(?:accesstokens\.json|msal_token_cache\.\w+|azureprofile\.json)`),
  ],
  ['Kubernetes credentials', 'credential', file(String.raw`\.kube/config|kubeconfig|etc/kubernetes/admin\.conf`)],
  ['Kubernetes credentials', 'credential', file(String.raw`var/run/secrets/kubernetes\.io/serviceaccount(?:/token)?`)],
  ['Docker credentials', 'credential', file(String.raw`\.docker/config\.json`)],
  ['Git credentials', 'credential', file(String.raw`\.git-credentials|\.config/gh/hosts\.yml|\.netrc|_netrc`)],
  [
    'package registry credentials',
    'credential',
    file(String.raw`\.pypirc|\.cargo/credentials(?:\.toml)?|\.gem/credentials`),
  ],
  ['package registry credentials', 'config', file(String.raw`\.npmrc`)],
  ['database password', 'credential', file(String.raw`\.pgpass|\.my\.cnf`)],
  ['infrastructure credentials', 'credential', file(String.raw`\.terraform\.d/credentials\.tfrc\.json|\.vault-token`)],
  ['GnuPG keys', 'credential', file(String.raw`\.gnupg(?:/[\w.*-]{0,64}){0,3}`, '')],
  ['environment file', 'config', file(String.raw`\.env(?:\.(?!example|sample|template|dist|defaults?\b)[\w-]{1,32})?`)],
  [
    'browser store',
    'credential',
    file(
      String.raw`(?:chrome|chromium|edge|brave[\w-]*|user data|default)/(?:[\w .-]{1,32}/){0,3}(?:login data|cookies|web data)`,
    ),
  ],
  ['browser store', 'credential', file(String.raw`logins\.json|key4\.db|cookies\.sqlite`)],
  ['keychain', 'credential', file(String.raw`library/keychains|login\.keychain(?:-db)?|\.local/share/keyrings`)],
  ['keychain', 'credential', file(String.raw`microsoft/(?:credentials|protect|vault)|[\w.-]{1,64}\.kdbx`)],
  ['system passwords', 'credential', file(String.raw`etc/(?:g?shadow|master\.passwd|security/opasswd)-?`)],
  ['system passwords', 'credential', file(String.raw`system32/config/(?:sam|security)|ntds\.dit`)],
  ['environment of a process', 'credential', file(String.raw`proc/(?:self|thread-self|\d{1,10})/environ`)],
  [
    'agent credentials',
    'credential',
    file(String.raw`\.claude/\.credentials\.json|\.codex/auth\.json|\.gemini/oauth_creds\.json`),
  ],
  [
    'agent configuration',
    'config',
    file(
      String.raw`\.cursor/mcp\.json|claude_desktop_config\.json|\.vscode/mcp\.json|\.codeium/windsurf/mcp_config\.json`,
    ),
  ],
  ['wallet', 'credential', file(String.raw`wallet\.dat|\.ethereum/keystore|\.config/solana/id\.json`)],
];

/** A fixed part that must occur before any pattern is tried. */
const HINT =
  /\.ssh|id_(?:rsa|dsa|ecdsa|ed25519)|\.aws|gcloud|credential|access_tokens|\.azure|kube|\.docker|netrc|\.config|\.npmrc|\.pypirc|\.pgpass|\.my\.cnf|\.vault-token|\.gnupg|\.env|login data|cookies|web data|logins\.json|key4\.db|key(?:chain|ring)|microsoft|\.kdbx|shadow|passwd|config[\\/]s|ntds|environ|\.codex|oauth_creds|mcp\.json|mcp_config|claude_desktop|wallet\.dat|keystore|solana/i;

/** The credential places that a text names, each kind once. Time is linear in the text. */
export function credentialPlaces(text: string): CredentialPlace[] {
  const places = new Map<string, CredentialPlace>();
  const head = text.slice(0, TEXT_CHARS_MAX);
  // Most texts hold neither a fixed part nor anything that could become one.
  for (const spelling of HINT.test(head) || ESCAPED.test(head) ? spellings(head) : []) {
    if (!HINT.test(spelling)) continue;
    for (const [kind, grade, pattern] of FILES) {
      if (places.has(kind) || places.size >= PLACES_MAX) continue;
      pattern.lastIndex = 0;
      const found = pattern.exec(spelling)?.[1];
      if (found !== undefined) places.set(kind, { kind, grade, shown: found.slice(0, SHOWN_CHARS_MAX) });
    }
  }
  const metadata = metadataHost(head);
  if (metadata !== undefined) places.set('metadata', { kind: 'cloud metadata', grade: 'metadata', shown: metadata });
  return [...places.values()];
}

/** The text in lower case with slashes, as it stands and with percent signs resolved twice. */
function spellings(text: string): string[] {
  const once = unescapePercent(text);
  const twice = once === text ? text : unescapePercent(once);
  return [...new Set([text, once, twice])].map(withSlashes);
}

/** One kind of slash, no doubled ones, no `/./`, and `..` resolved where a directory stands before it. */
export function withSlashes(path: string): string {
  let plain = oneSlash(path);
  for (let round = 0; round < 4 && plain.includes('/../'); round++) {
    plain = plain.replace(/[^/\s"']{1,255}\/\.\.\//g, (found) => (found === '../../' ? found : ''));
  }
  return plain;
}

/** Lower case, one kind of slash, no doubled ones and no `/./`. */
export function oneSlash(path: string): string {
  return path
    .toLowerCase()
    .replace(/\\+/g, '/')
    .replace(/\/(?:\.?\/)+/g, '/');
}

/** Percent escapes of ASCII resolved; anything else stays as it is. */
export function unescapePercent(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Percent signs, and detours within a name of several parts. */
const ESCAPED = /%[0-9a-f]{2}|[\\/]\.{0,2}[\\/]/i;

const METADATA_HOSTS = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '[fd00:ec2::254]',
  '[fd00:ec2::23]',
  '[fd20:ce::254]',
  '[::ffff:a9fe:a9fe]',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
]);
const URL_LIKE = /[a-z][a-z0-9+.-]{0,15}:\/\/[^\s"'<>]{1,300}/gi;

/** The address of a cloud's metadata service in a text, however the address is written. */
function metadataHost(head: string): string | undefined {
  const plain = /(?<![\d.])169\.254\.169\.254(?![\d])|metadata\.google\.internal/i.exec(head);
  if (plain !== null) return plain[0].toLowerCase();
  const candidates = head.includes('://') ? [...head.matchAll(URL_LIKE)].slice(0, URLS_MAX).map(([url]) => url) : [];
  // A bare host or number counts where it is the whole parameter.
  if (/^\[?[\w.:-]{4,64}\]?(?:\/\S*)?$/.test(head)) candidates.push(head);
  return candidates.map(hostOf).find((host) => host !== undefined && METADATA_HOSTS.has(host));
}
