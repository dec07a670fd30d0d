/** The finding that a match of a rule is. */
import { digestOf, findingId } from '../finding_id.ts';
import type { RuleMatch } from './rows.ts';

/** The id of a match's finding: the same whichever back end found it. */
export function findingIdOfMatch({ rule_id, version, tenant, anchor, events, key }: RuleMatch): string {
  return findingId({
    rule_id,
    rule_version: version,
    tenant,
    session_id: anchor.session_id,
    event_ids: events.map(({ point }) => point.event_id),
    sink_digest: digestOf(Object.entries(key).map(([name, value]) => `${name}=${value ?? ''}`)),
  });
}
