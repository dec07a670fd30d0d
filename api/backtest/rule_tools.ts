/** What calls of the tools in a store can amount to, by the catalog and by all definitions that servers published. */
import type { ToolDefinition } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { readCalledTools, readPublishedTools } from '../../core/store/queries/called_tools.ts';
import { readHeads } from '../../core/store/queries/committed.ts';
import type { Store } from '../../core/store/store.ts';
import { type Catalog, profileCall } from '../../detectors/catalog/capabilities.ts';
import { createToolBook, shortened, type ToolBook } from '../../detectors/catalog/tool_book.ts';
import type { ToolVariants } from '../../detectors/sigma/sql/tool_bounds.ts';
import { readListings } from './tool_listings.ts';

/** Of one tool: a backtest asks for any time, the stream only for the present. */
const VERSIONS_MAX = 1_000;

/** Of each called tool everything that it can be taken for: a session may have seen any of its definitions, or none. */
export async function readToolVariants(store: Store, catalog: Catalog, tenant: string): Promise<ToolVariants[]> {
  const [called, published] = await Promise.all([readCalledTools(store, tenant), readPublishedTools(store, tenant)]);
  const definitions = new Map<string, ToolDefinition[]>();
  for (const { tenant: of, server, definition, is_detail } of published) {
    for (const each of definitionsIn(definition, is_detail === 1)) {
      const key = keyOf(of, server, each.name);
      const known = definitions.get(key);
      if (known === undefined) definitions.set(key, [each]);
      else known.push(each);
    }
  }
  return called.map((tool) => {
    const own = definitions.get(keyOf(tool.tenant, tool.server, tool.tool)) ?? [];
    const profiles = [undefined, ...own, ...own.map(shortened)].map((definition) =>
      catalog.profile(tool.server, tool.tool, definition, tool.tenant),
    );
    const variants = new Map<string, ToolVariants['variants'][number]>();
    for (const profile of profiles) {
      // What the parameters name can only add to what goes out.
      for (const named of [false, true]) {
        const { capabilities, egress } = profileCall(profile, { address: named, host: named });
        const variant = { capability: [...capabilities], egress };
        variants.set(JSON.stringify([[...variant.capability].sort(), egress]), variant);
      }
    }
    return { ...tool, variants: [...variants.values()] };
  });
}

/** What servers published, by place in their logs: what the stream knew when it judged a call. */
export async function readToolBook(store: Store): Promise<ToolBook> {
  const book = createToolBook({ ...LIMITS, book_versions_max: VERSIONS_MAX });
  const { head_logs, head_sizes } = await readHeads(store);
  for (const [at, log] of head_logs.entries()) {
    for (const event of await readListings(store, log, head_sizes[at] as number)) book.note(event);
  }
  return book;
}

function definitionsIn(json: string, is_detail: boolean): ToolDefinition[] {
  const value = JSON.parse(json) as ToolDefinition | { tools?: ToolDefinition[] };
  return is_detail ? ((value as { tools?: ToolDefinition[] }).tools ?? []) : [value as ToolDefinition];
}

function keyOf(tenant: string, server: string, tool: string): string {
  return `${tenant}\u0000${server}\u0000${tool}`;
}
