/** What the API gives, as far as the pages show it. The whole is in /v1/openapi.json. */

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
export type AlertStatus = 'new' | 'acknowledged' | 'closed' | 'suppressed';

export interface EvidenceStep {
  log: string;
  seq: number;
  event_id: string;
  role: string;
}

export interface Alert {
  alert_id: string;
  seq: number;
  rule_id: string;
  severity: Severity;
  risk: number;
  status: AlertStatus;
  verdict: string | null;
  owner: { key_id: string; name: string } | null;
  version: number;
  last_note: string | null;
  title: string;
  reason: string;
  session_id: string;
  user_id: string;
  agent: string;
  time: string;
  raised_at: string;
  containment?: { command_id: string; action: string; state: string; confirmed: boolean };
  tags: string[];
  added_tags: string[];
  evidence: EvidenceStep[];
}

export interface AlertAction {
  action_id: string;
  type: string;
  at: string;
  actor: { key_id: string; name: string };
  status: AlertStatus | null;
  verdict: string | null;
  duplicate_of: string | null;
  note: string | null;
  reason: string | null;
  owner: { name: string } | null;
  tags_added: string[];
  tags_removed: string[];
}

export interface BulkAnswer {
  done: number;
  repeated: number;
  refused: number;
  outcomes: { alert_id: string; outcome: string; detail?: string }[];
}

export interface Incident {
  incident_id: string;
  state: 'open' | 'closed';
  severity: Severity;
  risk: number;
  title: string;
  alerts: number;
  open_alerts: number;
  sessions: string[];
  users: string[];
  agents: string[];
  rules: string[];
  first_time: string;
  last_time: string;
}

export interface IncidentMember {
  alert: Alert;
  joined: { by: 'session' | 'evidence' | 'duplicate'; alert_id: string; common: string }[];
}

export interface Session {
  session_id: string;
  session_source: string;
  user_id: string;
  user_role: string;
  agent: string;
  client: string;
  servers: string[];
  tools: string[];
  events: number;
  calls: number;
  errors: number;
  prompts: number;
  first_time: string;
  last_time: string;
  risk: number;
  alerts: number;
}

export interface EventView {
  seq: number;
  type: string;
  event_id: string;
  time: string;
  content_state: string;
  server?: string;
  tool?: string;
  call_id?: string;
  is_error?: boolean;
  params?: unknown;
  content?: unknown;
  content_json?: boolean;
  tools?: unknown;
  data_sources?: unknown;
  reason?: unknown;
  result_seq?: number;
  call_seq?: number;
  took_ms?: number;
  joined_by?: string;
}

export interface Story {
  session: Session;
  events: EventView[];
  alerts: Alert[];
  next_after: number | null;
}

interface EdgeEnd {
  seq: number;
  event_id: string;
  server: string;
  tool: string;
}

export interface Edge {
  from: EdgeEnd;
  to: EdgeEnd;
  path: string;
  destination: boolean;
  kind: string;
  preview: string | null;
  sentence: string | null;
  strength: number;
  untrusted: boolean;
  sensitivity: string;
  in_prompt: boolean;
  encodings: string[];
}

interface Risky {
  name: string;
  alerts: number;
  risk: number;
  sessions: number;
}

export interface Overview {
  from: string;
  to: string;
  bucket_ms: number;
  buckets: { from: string; severity: Severity; alerts: number }[];
  users: Risky[];
  agents: Risky[];
  servers: Risky[];
  coverage: {
    sessions: number;
    without_user: number;
    without_prompt: number;
    derived_session: number;
    without_calls: number;
  };
  indicators: {
    injection_attempts: number;
    tool_misuse: number;
    denied_by_policy: number;
    secrets_moved: { server: string; secrets: number }[];
  };
}

export interface LogState {
  log: string;
  vkey: string;
  size: number;
  root: string;
  checkpoint_size: number;
  checkpoint_signed_at: string | null;
  waiting_records: number;
  detection: Record<string, unknown>;
  refused: Record<string, number>;
}

export interface Tool {
  server: string;
  tool: string;
  listed: boolean;
  basis: string;
  verb: string;
  capabilities: string[];
  system: string | null;
  calls: number;
  sessions: number;
  first_time: string;
  last_time: string;
}

export interface Delivery {
  message_id: string;
  subscription_id: string;
  type: string;
  source_id: string;
  state: string;
  attempts: number;
  status: number;
  error: string;
  created_at: string;
  due_at: string | null;
}

export interface Command {
  command_id: string;
  action: string;
  target: { kind: string; id: string; user_id: string };
  state: string;
  confirmed: boolean;
  alert_id: string | null;
  requested_at: string;
  state_since: string;
  expires_at: string;
}

export interface Suppression {
  suppression_id: string;
  alert_id: string;
  scope: Record<string, string>;
  reason: string;
  owner: { name: string };
  from: string;
  expires_at: string;
  ended_at: string | null;
  in_force: boolean;
  hits: number;
  last_hit_at: string | null;
}

export interface Action {
  action_id: string;
  seq: number;
  kind: string;
  type: string;
  actor: string;
  actor_name: string;
  session_id?: string;
  user_id?: string;
  time: string;
  detail: Record<string, unknown>;
}

export interface Rule {
  rule_id: string;
  version: number;
  kind: 'detector' | 'rule';
  on: boolean;
  origin: string;
  file: string | null;
  title: string;
  detects: string;
  misses: string;
  severity: string;
  status: string;
  tags: string[];
  references: string[];
  false_positives: string[];
  runbook: string[];
  examples: { name: string; fires: boolean }[];
  caught: {
    alerts: number;
    sessions: number;
    true_positives: number;
    benign: number;
    false_positives: number;
    tests: number;
    duplicates: number;
    false_positive_rate: number | null;
    last_raised: string | null;
  };
}

export interface RuleFault {
  file: string;
  line: number;
  column: number;
  path: string;
  value: string;
  problem: string;
}

export interface TriedRule {
  rule_id: string;
  findings?: number;
  sessions?: number;
  days?: Record<string, number>;
  first_sessions?: { session_id: string }[];
  alerts?: number;
  judged?: number;
  false_positives?: number;
  events?: number;
  limits?: Record<string, number>;
  refused?: { construct: string; problem: string }[];
}

export interface PublishedTool {
  server: string;
  tool: string;
  versions: number;
  first_time: string;
  changed_time: string;
}

export interface ToolVersion {
  definition_sha256: string;
  definition: Record<string, unknown>;
  lists: number;
  sessions: number;
  first_time: string;
  last_time: string;
  first_session_id: string;
  decision: { decision: string; approver: string; reason: string; time: string } | null;
}

export interface Assessment {
  framework: { id: string; title: string; note: string };
  gaps: { id: string; about: string; value: number }[];
  indicators: {
    id: string;
    title: string;
    unit: string;
    definition: string;
    threshold: number;
    value: number | null;
    before: number | null;
    above_threshold: boolean;
  }[];
  controls: {
    id: string;
    title: string;
    evidence: string;
    cannot_show: string;
    observations: { measure: string; about: string; value: number | null }[];
  }[];
}

export interface Hold {
  hold_id: string;
  user_id?: string;
  session_id?: string;
  reason: string;
  expires_at: string;
  in_force: boolean;
}

export interface ErasureRecord {
  seq: number;
  type: string;
  reason: string;
  actor: string;
  at: string;
  records: number;
}
