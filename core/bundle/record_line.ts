/** A line of `records.ndjson`: one record with what opens its commitments, and what is wrong with one. */
import { type Core, GROUPS, type Group } from '../core_record.ts';
import { fromBase64 } from '../tlog/bytes.ts';
import type { CommitPart } from './commitment.ts';

/** A part that is not disclosed is absent. The salts open these parts and no others. */
export interface BundleRecord extends Partial<Record<Group, string>> {
  seq: number;
  /** The bytes that the log commits to. */
  core: string;
  /** Field salts of the parts, in base64. */
  salts: Partial<Record<Group, string>>;
  /** `erased` or `expired` where parts are gone from the store. */
  state?: string;
}

/** The link of a session's chain that came before, as it is known from the records so far. */
export interface SessionLink {
  /** Leaf hash in base64. */
  leaf: string;
  session_seq: number;
}

/** Each part has to open its commitment, and none may be there that the record did not commit to. */
export function partProblems(record: BundleRecord, core: Core, parts: readonly string[], commit: CommitPart): string[] {
  const problems: string[] = [];
  for (const group of GROUPS) {
    const text = record[group];
    const committed = core.commit[group];
    if (text === undefined) {
      if (committed === undefined || record.state !== undefined || !parts.includes(group)) continue;
      problems.push(`${group} is not there, though the manifest says that it is disclosed`);
    } else if (committed === undefined) {
      problems.push(`${group} is there, the record has none`);
    } else if (!opensPart(record, group, text, committed, commit)) {
      problems.push(`${group} does not open its commitment`);
    }
  }
  return problems;
}

function opensPart(record: BundleRecord, group: Group, text: string, committed: string, commit: CommitPart): boolean {
  const salt = fromBase64(String(Object(record.salts)[group] ?? ''));
  return typeof text === 'string' && salt !== undefined && commit(salt, group, text) === committed;
}

/** What is wrong with a record's place behind the one before it in its session; `whole`: nothing may come before. */
export function linkProblem(core: Core, before: SessionLink | undefined, whole: boolean): string | undefined {
  const number = core.session_seq ?? 0;
  if (before === undefined) {
    return core.session_prev === undefined || !whole
      ? undefined
      : 'the session began before the first record of the bundle';
  }
  if (core.session_prev === before.leaf) return undefined;
  return `it does not follow the record before it: a record between ${before.session_seq} and ${number} is not here`;
}
