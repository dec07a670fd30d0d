/** What processes that run until they are told to stop have in common: their log, their end, and how they are told. */
import pino, { type Logger } from 'pino';
import type { Config } from '../core/config.ts';
import type { AppError } from '../core/errors.ts';
import { say } from './output.ts';

/** JSON lines on standard error. */
export function createLogger(config: Pick<Config, 'log_level'>): Logger {
  return pino({ level: config.log_level }, pino.destination({ fd: 2, sync: true }));
}

/** What is stored contradicts what was signed. Nothing more is written; a person has to look. */
export function halt(error: AppError): void {
  say(`tracewarden: ${error.code}: ${error.message}; stopping. Run: tracewarden verify`);
  process.exit(1);
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.removeAllListeners('SIGINT');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}

/**
 * Ends the process when all is closed. The client of Kafka can leave connections open that it does not know of any more,
 * and these would keep the process alive for ever.
 */
export function leave(): never {
  process.exit(process.exitCode ?? 0);
}
