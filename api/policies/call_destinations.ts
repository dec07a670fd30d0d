/** The hosts and mail domains that a call names as its destinations, as the catalog knows the tool's parameters. Pure. */
import { groupFields } from '../../core/groups.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ToolProfile } from '../../detectors/catalog/capability.ts';
import { parameterRoleIn } from '../../detectors/catalog/destinations.ts';
import { domainOf } from '../../detectors/content/named_places.ts';
import { extractValues } from '../../detectors/lineage/extract_values.ts';
import { leavesOf } from '../../detectors/lineage/leaves.ts';

const DESTINATIONS_MAX = 100;

/** Each once, sorted. Accounts, telephone numbers and names of channels are no hosts and are left out. */
export function destinationsOfCall(profile: ToolProfile, params: string): string[] {
  if (params === '') return [];
  const found = new Set<string>();
  for (const { name, path, text } of leavesOf(groupFields(params), LIMITS.field_bytes_max).leaves) {
    const role = parameterRoleIn(profile, name, path);
    if (!role.destination) continue;
    for (const { kind, value } of extractValues(text, role)) {
      if (kind === 'email') found.add(domainOf(value));
      if (kind === 'host') found.add(value);
    }
    if (found.size >= DESTINATIONS_MAX) break;
  }
  return [...found].filter((each) => each !== '').sort();
}
