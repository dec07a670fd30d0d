/** Finds configurations that are not the approved ones, or that changed, and says which settings differ. */
import type { Severity } from '../../core/alert.ts';
import { isNews, keep, useEntry } from '../bounded.ts';
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { configOf, installationOf } from '../event_fields.ts';
import { elsewhere, type RawEvent } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import type { EventRef } from '../lineage/edge.ts';
import { type SupplyPolicy, withoutPolicy } from '../supply/policy.ts';
import { bareDigest, canonicalDigest } from '../tools/canonical_digest.ts';
import { isRecord } from '../tools/schema_names.ts';
import { inLogOrder, listing, shorten } from '../wording.ts';

interface Body {
  name: string;
  installation: string;
  sha256: string;
  /** What the event itself says: approved, not approved, or nothing. */
  verdict: 'approved' | 'not_approved' | 'unknown';
  /** Names of settings with the beginning of their value's digest. */
  settings: [string, string][];
}

interface State {
  /** The latest used last. */
  found: { installation: string; sha256: string; settings: [string, string][]; event: EventRef }[];
  told: string[];
}

interface Detail {
  name: string;
  installation: string;
  drift: 'not_approved' | 'changed';
  settings: string[];
}

const INSTALLATIONS_MAX = 128;
const SETTINGS_MAX = 64;
const SETTING_CHARS_MAX = 80;
const TOLD_MAX = 256;
const DAY_MS = 86_400_000;
/** Settings that decide what an agent may do unasked, and what is seen of it. */
const SAFETY =
  wordSet(`approve approval approved allow allowed permission permissions sandbox trust trusted auto confirm
  confirmation bypass skip dangerous unsafe yolo telemetry log logging audit otel proxy hook hooks server servers mcp env root
  roots policy guard`);

export default withoutPolicy((policy: SupplyPolicy) => {
  const approved = new Map(policy.configurations.map(({ name, sha256 }) => [name, new Set(sha256)]));
  return defineCorrelator<State, Body, Detail>({
    metadata: {
      id: 'configuration_drift',
      version: 1,
      title: 'Configuration is not the approved one',
      description: {
        detects:
          'A configuration snapshot that says it is not approved, whose digest differs from the approved one it names or ' +
          'from those in the operator’s policy file; and one that changed on its installation while nothing says what is ' +
          'approved. Names the settings that differ from the snapshot before.',
        misses: 'Configurations that are not reported, and settings that take effect without being in the file.',
      },
      severity: 'medium',
      status: 'experimental',
      tags: ['AML.T0081', 'ASI04', 'ASI03', 'LLM03', 'MCP09'],
      references: [
        'https://atlas.mitre.org/techniques/AML.T0081',
        'https://owasp.org/www-project-mcp-top-10/',
        'https://modelcontextprotocol.io/specification/2025-06-18/basic/security_best_practices',
      ],
      false_positives: [
        'A change that was agreed on and whose approval has not been recorded yet.',
        'A client that writes times or window sizes into the same file: reported as low.',
        'A file that differs in white space only.',
      ],
      runbook: [
        'Read which settings differ: new servers, approvals that are skipped, logging that is off?',
        'Ask the owner of the installation; if nobody changed it, look for what wrote the file.',
        'Put the approved configuration back, or approve this one.',
      ],
    },
    watches: ['config.snapshot'],
    group_by: 'resource',
    window_ms: 180 * DAY_MS,
    initial: () => ({ found: [], told: [] }),

    extract(event): Extract<Body>[] {
      const config = configOf(event);
      if (config === undefined) return [];
      const sha256 = bareDigest(config.sha256);
      const settings = settingsOf(config.settings ?? {});
      const body = {
        name: config.name,
        installation: installationOf(event),
        sha256,
        verdict: verdictOf(config, sha256),
        settings,
      };
      return [{ key: config.name, body }];
    },

    step(state, { body, event }): Match<Detail>[] {
      const { name, installation, sha256, settings } = body;
      const before = useEntry(state.found, (one) => one.installation === installation);
      const last = before === undefined ? undefined : { ...before };
      if (before === undefined) keep(state.found, { installation, sha256, settings, event }, INSTALLATIONS_MAX);
      else Object.assign(before, { sha256, settings, event });
      const list = approved.get(name);
      const verdict = list === undefined ? body.verdict : list.has(sha256) ? 'approved' : 'not_approved';
      const changed = last !== undefined && last.sha256 !== sha256;
      if (verdict === 'approved' || (verdict === 'unknown' && !changed)) return [];
      if (!isNews(state.told, `${installation}\u0000${sha256}\u0000${verdict}`, TOLD_MAX)) return [];
      const different = changed ? differences(last.settings, settings) : [];
      return [
        {
          severity: severityOf(verdict, different),
          steps: inLogOrder([
            ...(changed ? [{ event: last.event, role: 'The configuration was another one here' }] : []),
            { event, role: 'This is how it was found' },
          ]),
          source: name,
          sink_digest: digestOf([installation, sha256, verdict]),
          detail: { name, installation, drift: verdict === 'not_approved' ? verdict : 'changed', settings: different },
        },
      ];
    },

    explain({ steps, detail: { name, installation, drift, settings } }) {
      const file = shorten(name, 80);
      const where = installation === '' ? '' : ` at ${shorten(installation, 80)}`;
      const which =
        settings.length === 0
          ? ''
          : ` These settings differ from before: ${listing(
              settings.map((one) => shorten(one, 64)),
              6,
            )}.`;
      const what =
        drift === 'not_approved' ? 'is not the approved one' : 'changed, and nothing says whether that was approved';
      return {
        title: `Configuration ${file} ${what}`,
        reason: `Configuration ${file}${where} ${what}.${which}`,
        evidence: steps,
      };
    },

    examples: [
      {
        name: 'The digest is another one than the approved one',
        fires: true,
        severity: 'medium',
        events: [snapshot('1', { approved_sha256: SHA('2') })],
      },
      {
        name: 'Approvals are skipped since the last snapshot',
        fires: true,
        severity: 'medium',
        events: [
          snapshot('1', { settings: { autoApprove: [], theme: 'dark' } }),
          snapshot('2', { settings: { autoApprove: ['*'], theme: 'dark' } }),
        ],
      },
      {
        name: 'A new server was added and the snapshot says it is not approved',
        fires: true,
        severity: 'medium',
        events: [
          elsewhere('monday', snapshot('1', { approved: true, settings: { servers: { mail: {} } } })),
          snapshot('2', { approved: false, settings: { servers: { mail: {}, helper: {} } } }),
        ],
      },
      {
        name: 'Another theme, and nothing says what is approved',
        fires: true,
        severity: 'low',
        events: [snapshot('1', { settings: { theme: 'dark' } }), snapshot('2', { settings: { theme: 'light' } })],
      },
      {
        name: 'Near miss: the approved digest',
        fires: false,
        events: [snapshot('1', { approved_sha256: `sha256:${SHA('1')}` })],
      },
      {
        name: 'Near miss: changed and approved',
        fires: false,
        events: [snapshot('1', { approved: true }), snapshot('2', { approved: true })],
      },
      {
        name: 'Near miss: unchanged',
        fires: false,
        events: [snapshot('1', {}), elsewhere('later', snapshot('1', {}))],
      },
      {
        name: 'Near miss: another host has another configuration',
        fires: false,
        events: [snapshot('1', {}), { ...snapshot('2', {}), host: 'desk-9.example.com' }],
      },
    ],
  });
});

function verdictOf(
  config: { approved?: boolean | undefined; approved_sha256?: string | undefined },
  sha256: string,
): Body['verdict'] {
  if (config.approved_sha256 !== undefined)
    return bareDigest(config.approved_sha256) === sha256 ? 'approved' : 'not_approved';
  if (config.approved === undefined) return 'unknown';
  return config.approved ? 'approved' : 'not_approved';
}

/** Settings two levels deep; their values are known by digest only, since some of them are secret. */
function settingsOf(settings: Record<string, unknown>): [string, string][] {
  const found: [string, string][] = [];
  const add = (name: string, value: unknown): void => {
    if (found.length >= SETTINGS_MAX) return;
    found.push([name.slice(0, SETTING_CHARS_MAX), (canonicalDigest(value) ?? 'unreadable').slice(0, 16)]);
  };
  for (const [name, value] of Object.entries(settings)) {
    if (isRecord(value) && Object.keys(value).length > 0) {
      for (const [inner, child] of Object.entries(value)) add(`${name}.${inner}`, child);
    } else add(name, value);
  }
  return found;
}

function differences(before: readonly [string, string][], after: readonly [string, string][]): string[] {
  const old = new Map(before);
  const fresh = after.filter(([name, digest]) => old.get(name) !== digest).map(([name]) => name);
  const kept = new Set(after.map(([name]) => name));
  return [...fresh, ...before.map(([name]) => name).filter((name) => !kept.has(name))];
}

function severityOf(verdict: Body['verdict'], different: readonly string[]): Severity {
  if (verdict === 'not_approved') return 'medium';
  return different.some((name) => holdsWord(wordsOf(name), SAFETY)) ? 'medium' : 'low';
}

function SHA(digit: string): string {
  return digit.repeat(64);
}

function snapshot(digit: string, fields: Record<string, unknown>): RawEvent {
  const config = { name: 'agent.json', sha256: SHA(digit), ...fields };
  return { type: 'config.snapshot', host: 'desk-4.example.com', config };
}
