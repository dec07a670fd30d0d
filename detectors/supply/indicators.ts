/** Indicators of compromise by their digests: what another program names, and what a call's parameters hold. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { parameterRole } from '../catalog/destinations.ts';
import type { ExternalSignal } from '../event_fields.ts';
import { digestOf } from '../finding_id.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { leavesOf } from '../lineage/leaves.ts';
import { hostOf, previewOf } from '../lineage/normalise.ts';
import { plainPath } from './path_bounds.ts';

export interface Indicator {
  digest: string;
  /** As it may be shown. */
  preview: string;
}

export interface UsedIndicator extends Indicator {
  /** The parameter it stands in. */
  path: string;
  /** Whether the parameter says where something goes. */
  destination: boolean;
  /** Whether the parameter is a URL; a bare address is as often only looked up. */
  url: boolean;
}

const TEXT_CHARS_MAX = 65_536;
const USED_MAX = 48;
const DOMAINS_MAX = 4;
const URL_LIKE = /[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>]{1,2000}/gi;
const SHA256 = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/gi;

/** The indicator that a signal speaks of; undefined for kinds that other detectors look at, and for what is too wide. */
export function namedIndicator({ kind, value }: Pick<ExternalSignal, 'kind' | 'value'>): Indicator | undefined {
  const text = value.trim();
  if (kind === 'email') return indicatorOf('email', text.toLowerCase());
  if (kind === 'url') return urlIndicator(text);
  if (kind === 'user') return indicatorOf('user', text.toLowerCase());
  if (kind === 'file')
    return /^[0-9a-f]{64}$/i.test(text)
      ? indicatorOf('sha256', text.toLowerCase())
      : indicatorOf('file', plainPath(text));
  if (kind !== 'address' && kind !== 'domain' && kind !== 'host') return undefined;
  const host = hostOf(
    text.includes(':') && !text.includes('.') && !text.startsWith('[') ? `[${text}]` : text.replace(/^\*\./, ''),
  );
  // A whole ending such as `com` names nobody.
  return host === undefined || !/[.:]/.test(host) ? undefined : indicatorOf('host', host);
}

/** The indicators that a call's parameters may be, with the domains above each host. */
export function usedIndicators(event: ProvenanceEvent): UsedIndicator[] {
  const used = new Map<string, UsedIndicator>();
  for (const leaf of leavesOf(event.params ?? {}, TEXT_CHARS_MAX).leaves) {
    const role = parameterRole(leaf.name);
    const add = (indicator: Indicator | undefined): void => {
      if (indicator === undefined || used.size >= USED_MAX || used.has(indicator.digest)) return;
      used.set(indicator.digest, {
        ...indicator,
        path: leaf.path,
        destination: role.destination,
        url: leaf.text.includes('://'),
      });
    };
    const text = leaf.text;
    for (const value of extractValues(text, role)) for (const one of valueIndicators(value.kind, value.value)) add(one);
    for (const [url] of text.includes('://') ? text.matchAll(URL_LIKE) : []) add(urlIndicator(url));
    for (const [hash] of text.length >= 64 ? text.matchAll(SHA256) : []) add(indicatorOf('sha256', hash.toLowerCase()));
    if (text.length > 200 || /\s/.test(text.trim())) continue;
    if (/[/\\]/.test(text) || /^[\w-]+\.\w{1,8}$/.test(text)) addFile(text, add);
    else if (role.destination) add(indicatorOf('user', text.toLowerCase()));
  }
  return [...used.values()];
}

/** The indicators of one value that the lineage knows; the first has the digest of its edges. */
export function valueIndicators(kind: 'email' | 'host' | 'account' | 'phone', value: string): Indicator[] {
  const own: Indicator = { digest: digestOf([kind, value]), preview: previewOf(kind, value) };
  if (kind === 'host') return [own, ...domainsAbove(value)];
  return kind === 'email' ? [own, ...domainsAbove(`@.${value.slice(value.indexOf('@') + 1)}`)] : [own];
}

/** `b.example.com` and `example.com` for `a.b.example.com`; an address has none. */
function domainsAbove(host: string): Indicator[] {
  if (/^[\d.]+$/.test(host) || host.startsWith('[')) return [];
  const labels = host.split('.');
  const domains = labels.slice(1, -1).map((_, at) => labels.slice(at + 1).join('.'));
  return domains.slice(-DOMAINS_MAX).map((domain) => indicatorOf('host', domain));
}

function addFile(text: string, add: (indicator: Indicator) => void): void {
  const path = plainPath(text);
  add(indicatorOf('file', path));
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name !== path && name.length >= 4) add(indicatorOf('file', name));
}

/** Scheme, host and path; what follows a question mark differs from call to call. */
function urlIndicator(text: string): Indicator | undefined {
  try {
    const url = new URL(text);
    const host = hostOf(text);
    if (host === undefined) return undefined;
    const path = url.pathname.replace(/\/+$/, '');
    return {
      digest: digestOf(['url', `${host}${path}`]),
      preview: previewOf('host', `${host}${path === '' ? '' : '/…'}`),
    };
  } catch {
    return undefined;
  }
}

function indicatorOf(kind: 'email' | 'host' | 'user' | 'file' | 'sha256', value: string): Indicator {
  return { digest: digestOf([kind, value]), preview: value.length > 80 ? `${value.slice(0, 79)}…` : value };
}
