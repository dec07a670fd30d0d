/** Reads back, in pieces that fit into memory, what servers published about their tools. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { readToolListings } from '../../core/store/queries/takeover.ts';
import type { Store } from '../../core/store/store.ts';

const LISTINGS_MAX = 1_000;
const PAGE_LISTINGS = 50;
/** Characters of the definitions that are read back; older listings are left out. */
const LISTINGS_CHARS_MAX = 33_554_432;

/** The last events before a sequence number in which servers published tools, in log order. */
export async function readListings(store: Store, log: string, before: number): Promise<ProvenanceEvent[]> {
  const pages: ProvenanceEvent[][] = [];
  let left = LISTINGS_MAX;
  let chars = 0;
  for (let end = before; left > 0 && chars < LISTINGS_CHARS_MAX; ) {
    const page = await readToolListings(store, log, end, Math.min(PAGE_LISTINGS, left));
    pages.unshift(page);
    left -= page.length;
    for (const { tools } of page) chars += JSON.stringify(tools ?? []).length;
    const [first] = page;
    if (first === undefined || page.length < PAGE_LISTINGS) break;
    end = first.seq;
  }
  return pages.flat();
}
