/** The values that pass from agent to agent, as digests: of a result with their places, of a call with their parameters. */
import type { ProvenanceEvent } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import { parameterRole, parameterRoleIn } from '../catalog/destinations.ts';
import type { ContentView } from '../content/content_view.ts';
import { digestOf } from '../finding_id.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { identifierAt } from '../lineage/identifiers.ts';
import { leavesOf } from '../lineage/leaves.ts';
import { shortDigest, textDigests } from '../lineage/memory_digests.ts';
import { previewOf } from '../lineage/normalise.ts';
import { extractSecrets, secretDigest } from '../lineage/secrets.ts';
import { createPlacer, OCCURRENCES, type Occurrence } from '../lineage/sentences.ts';
import { TextScan } from '../lineage/text_scan.ts';

/** A value of a result, and the least ordinary place where it stood. */
export interface PlacedDigest {
  digest: string;
  occurrence: Occurrence;
}

/** A value in a parameter of a call. */
export interface ParameterDigest {
  digest: string;
  path: string;
  /** As it may be shown. */
  preview: string;
  destination: boolean;
}

const VALUES_MAX = 24;
const LEAVES_MAX = 64;
const TEXT_CHARS_MAX = 65_536;
const place_scan = new TextScan();

/** The values of a result with their places, orders first. */
export function placedDigests(content: ContentView): PlacedDigest[] {
  const places = new Map<string, Occurrence>();
  const note = (digest: string, occurrence: Occurrence): void => {
    const before = places.get(digest);
    if (before === undefined || OCCURRENCES.indexOf(before) < OCCURRENCES.indexOf(occurrence)) {
      places.set(digest, occurrence);
    }
  };
  let left = TEXT_CHARS_MAX;
  for (const { key, text, field } of content.segments) {
    left -= text.length;
    if (left < 0) break;
    const place = createPlacer(text, field);
    for (const { kind, value, start, end } of extractValues(text, parameterRole(key))) {
      note(shortDigest(digestOf([kind, value])), place(start, end).occurrence);
    }
    const scan = place_scan.scan(text);
    for (let token = 0; token < scan.tokens; token++) {
      const found = identifierAt(text, scan, token);
      if (found === undefined) continue;
      const { start, end } = found;
      const digest = digestOf(['identifier', text.slice(start, end).toLowerCase()]);
      note(shortDigest(digest), place(start, end).occurrence);
    }
  }
  // What stands in the name of a field is no order.
  for (const digest of textDigests(content.text).values) if (!places.has(digest)) note(digest, 'field');
  return [...places]
    .map(([digest, occurrence]) => ({ digest, occurrence }))
    .sort((one, other) => OCCURRENCES.indexOf(other.occurrence) - OCCURRENCES.indexOf(one.occurrence))
    .slice(0, VALUES_MAX);
}

/** The digests of a text's secrets. */
export function secretDigests(text: string): string[] {
  const found = extractSecrets(text.slice(0, TEXT_CHARS_MAX)).map((secret) => shortDigest(secretDigest(secret)));
  return [...new Set(found)].slice(0, VALUES_MAX);
}

/** The values in a call's parameters, those that say where it goes first. */
export function parameterValues(event: ProvenanceEvent, call: CallProfile): ParameterDigest[] {
  const values = new Map<string, ParameterDigest>();
  const { leaves } = leavesOf(event.params ?? {}, TEXT_CHARS_MAX);
  for (const { path, name, text } of leaves.slice(0, LEAVES_MAX)) {
    const role = parameterRoleIn(call, name, path);
    for (const { kind, value } of extractValues(text, role)) {
      const digest = shortDigest(digestOf([kind, value]));
      if (values.get(digest)?.destination === true) continue;
      values.set(digest, { digest, path, preview: previewOf(kind, value), destination: role.destination });
    }
    for (const digest of secretDigests(text))
      values.set(digest, { digest, path, preview: 'a secret', destination: false });
    for (const digest of textDigests(text).values) {
      if (!values.has(digest)) values.set(digest, { digest, path, preview: 'a name or number', destination: false });
    }
  }
  return [...values.values()]
    .sort((one, other) => Number(other.destination) - Number(one.destination))
    .slice(0, VALUES_MAX);
}
