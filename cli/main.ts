#!/usr/bin/env node
/** The `tracewarden` command. Data to standard output, everything else to standard error; exit codes below. */
import './threads.ts';
import { Command, CommanderError } from 'commander';
import { AppError, messageOf } from '../core/errors.ts';
import { actionsCommand } from './commands/actions.ts';
import { alertsCommand } from './commands/alerts.ts';
import { controlsCommand } from './commands/controls.ts';
import { demoCommand } from './commands/demo.ts';
import { detectCommand } from './commands/detect.ts';
import { enforcementCommands } from './commands/enforcement.ts';
import { eraseCommand } from './commands/erase.ts';
import { evidenceCommand } from './commands/evidence.ts';
import { exportCommand } from './commands/export.ts';
import { holdCommand } from './commands/hold.ts';
import { ingestCommand } from './commands/ingest.ts';
import { keysCommand } from './commands/keys.ts';
import { logCommands } from './commands/log.ts';
import { policyCommand } from './commands/policy.ts';
import { queryCommands } from './commands/query.ts';
import { retentionCommand } from './commands/retention.ts';
import { riskCommand } from './commands/risk.ts';
import { rulesCommand } from './commands/rules.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { subscriptionsCommand } from './commands/subscriptions.ts';
import { suspensionsCommand } from './commands/suspensions.ts';
import { toolsCommand } from './commands/tools.ts';
import { apiCommand, upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { workerCommands } from './commands/worker.ts';
import { wrapCommand } from './commands/wrap.ts';
import { wrapConfigCommand } from './commands/wrap_config.ts';
import { EXIT } from './exit_codes.ts';
import { inert, say } from './output.ts';
import { VERSION } from './version.ts';

const USAGE = new Set([
  'usage',
  'too_many_alerts',
  'query_invalid',
  'cursor_invalid',
  'not_found',
  'key_unknown',
  'url_invalid',
  'role_unknown',
  'severity_unknown',
]);
const CONFIGURATION = new Set([
  'config_invalid',
  'policy_invalid',
  'policy_unreadable',
  'grants_invalid',
  'grants_unreadable',
  'rules_unreadable',
  'client_config_invalid',
  'client_config_changed',
  'origin_mismatch',
  'signing_key_missing',
  'secret_readable',
  'folder_in_use',
  'no_log',
  'file_unreadable',
  'packages_missing',
  'pseudonym_key_invalid',
  'shared_key_missing',
  'shared_key_invalid',
  'shared_key_mismatch',
  'kafka_topic_invalid',
  'signer_memory_behind',
  'vkey_unknown',
  'store_url_invalid',
  'key_malformed',
  'unauthenticated',
  'forbidden',
  'tenant_forbidden',
  'host_forbidden',
  'origin_forbidden',
  'ENOENT',
  'EACCES',
  'EISDIR',
]);
const UNREACHABLE = new Set([
  'backend_unreachable',
  'engine_missing',
  'internal_error',
  'kafka_unreachable',
  'kafka_group_lost',
  'log_closed',
  'query_too_slow',
  'queue_full',
  'read_only',
  'reject_quota_exceeded',
  'store_failed',
  'store_unavailable',
  'too_many_requests_in_flight',
  'verify_failed', // could not be carried to its end; what it finds wrong is no error
]);

function exitCodeOf(error: unknown): number {
  const code = (error as { code?: string }).code ?? '';
  if (CONFIGURATION.has(code)) return EXIT.configuration;
  if (UNREACHABLE.has(code)) return EXIT.unreachable;
  if (USAGE.has(code)) return EXIT.usage;
  return EXIT.failed;
}

export function createProgram(): Command {
  const program = new Command('tracewarden')
    .description('finds attacks on AI agents that use MCP tools, and proves what happened')
    .version(VERSION)
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  upCommand(program);
  apiCommand(program);
  workerCommands(program);
  ingestCommand(program);
  detectCommand(program);
  sessionsCommand(program);
  alertsCommand(program);
  queryCommands(program);
  toolsCommand(program);
  logCommands(program);
  rulesCommand(program);
  verifyCommand(program);
  evidenceCommand(program);
  eraseCommand(program);
  holdCommand(program);
  actionsCommand(program);
  controlsCommand(program);
  policyCommand(program);
  riskCommand(program);
  exportCommand(program);
  retentionCommand(program);
  enforcementCommands(program);
  subscriptionsCommand(program);
  suspensionsCommand(program);
  keysCommand(program);
  wrapCommand(program);
  wrapConfigCommand(program);
  demoCommand(program);
  return program;
}

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT.usage;
      return;
    }
    const known = error instanceof AppError;
    say(inert(`tracewarden: ${known ? `${error.code}: ` : ''}${messageOf(error)}`));
    if (!known && process.env.DEBUG) say(String((error as Error).stack));
    process.exitCode = exitCodeOf(error);
  }
}

// A reader that stops reading, such as `head`, is no fault.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}
process.on('SIGINT', () => process.exit(EXIT.interrupted));
await main();
