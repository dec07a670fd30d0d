/** The domains and hosts that a text names. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { rememberLast } from './remember_last.ts';

const MAY_NAME = /[\w-]\.[A-Za-z]|@|:\/\//;
const PROMPT_CHARS_MAX = 65_536;

/** The domain of an address, or empty. */
export function domainOf(address: string): string {
  return address.includes('@') ? address.slice(address.lastIndexOf('@') + 1).toLowerCase() : '';
}

/** Whether a domain is a known one, or lies below it. */
export function isWithin(domain: string, known: string): boolean {
  return known !== '' && (domain === known || domain.endsWith(`.${known}`));
}

/** The domains that an event's content names. */
export const namedPlaces: (event: ProvenanceEvent) => readonly string[] = rememberLast((event: ProvenanceEvent) => {
  const text = (event.content ?? '').slice(0, PROMPT_CHARS_MAX);
  if (!MAY_NAME.test(text)) return [];
  const places = new Set<string>();
  for (const { kind, value } of extractValues(text)) {
    if (kind === 'email') places.add(domainOf(value));
    if (kind === 'host') places.add(value);
  }
  return [...places];
});
