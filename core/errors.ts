/**
 * The one error class of the program. Callers decide by `code`, never by message text.
 *
 * Two kinds matter: `fatal: false` fails one request or one batch; `fatal: true` means that the process can no
 * longer vouch for its log and must stop and reload.
 */
export class AppError extends Error {
  readonly code: string;
  readonly fatal: boolean;

  constructor(code: string, message: string, options: { cause?: unknown; fatal?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.fatal = options.fatal ?? false;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an AppError or of a system error such as ENOENT, else `unknown`. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
