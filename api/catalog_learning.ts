/** Tells the catalog what the servers of some tools last published, before it judges them. */
import type { ToolDefinition } from '../core/event.ts';
import { groupFields } from '../core/groups.ts';
import { readToolLists } from '../core/store/queries/tools.ts';
import type { Store } from '../core/store/store.ts';
import type { Catalog } from '../detectors/catalog/capabilities.ts';

/** Takes in the newest list of each server that is named. */
export async function learnPublished(
  store: Store,
  catalog: Catalog,
  tenant: string,
  rows: readonly { server: string }[],
): Promise<void> {
  const servers = [...new Set(rows.map((row) => row.server))];
  for (const { server, detail } of await readToolLists(store, tenant, servers)) {
    const { tools } = groupFields(detail);
    if (Array.isArray(tools)) catalog.learn(server, { tools: tools as ToolDefinition[] }, tenant);
  }
}
