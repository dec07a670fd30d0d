/** Has the head signed and keeps the signed checkpoint, every few seconds while the log grows. */
import { Buffer } from 'node:buffer';
import { AppError, messageOf } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { insertCheckpoint, readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import { readProof } from '../core/store/queries/tree.ts';
import type { Store } from '../core/store/store.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { consistencyCoordinates } from '../core/tlog/proof.ts';
import type { Head } from './log_writer.ts';
import type { LogSigner } from './signer.ts';

export interface CheckpointerOptions {
  store: Store;
  signer: LogSigner;
  head: () => Head;
  now: () => number;
  /** Where signed checkpoints are published beside the store, and before it. */
  publish?: (size: number, note: string) => Promise<void>;
  /** A fault that may pass is a notice; a refusal by the signer is fatal and must stop the program. */
  onFault: (error: AppError) => void;
}

export class Checkpointer {
  private readonly options: CheckpointerOptions;
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private signed_at_ms = 0;
  /** The largest size whose checkpoint is where readers look. */
  private kept_size = 0;

  constructor(options: CheckpointerOptions) {
    this.options = options;
  }

  /** Repairs the copy that a crash may have kept from being stored, then signs at each interval. */
  async start(): Promise<void> {
    const { signer, store } = this.options;
    const signed = signer.last();
    const stored = await readLastCheckpoint(store, signer.origin);
    this.signed_at_ms = stored?.signed_at_ms ?? 0;
    this.kept_size = stored?.size ?? 0;
    if (signed !== undefined && (stored?.size ?? 0) < signed.size) await this.keep(signed.size, signed.root, []);
    this.timer = setInterval(() => {
      this.publish().catch((error: unknown) => this.fault(error));
    }, LIMITS.checkpoint_interval_ms);
    this.timer.unref();
  }

  private fault(error: unknown): void {
    this.options.onFault(error instanceof AppError ? error : new AppError('checkpoint_failed', messageOf(error)));
  }

  /** Signs the head now, if it moved. One at a time. */
  publish(): Promise<void> {
    const next = this.last.catch(() => undefined).then(() => this.publishHead());
    this.last = next;
    return next;
  }

  private async publishHead(): Promise<void> {
    const { signer, store } = this.options;
    const { size, root } = this.options.head();
    const last = signer.last();
    if (size === 0) return;
    if (last?.size === size) {
      // An idle log says from time to time that it is still what it was; and what was signed and not kept is kept now.
      const idle = this.options.now() - this.signed_at_ms >= LIMITS.checkpoint_idle_ms;
      if (idle || this.kept_size < size) await this.keep(size, root, []);
      return;
    }
    const coordinates = last === undefined ? [] : consistencyCoordinates(last.size, size);
    await this.keep(size, root, await readProof(store, signer.origin, nodeHasher, coordinates));
  }

  private async keep(size: number, root: Uint8Array, proof: readonly Uint8Array[]): Promise<void> {
    const { signer, store, now, publish } = this.options;
    const note = signer.sign({ size, root }, proof);
    this.signed_at_ms = now();
    const signed_at_ms = this.signed_at_ms;
    await publish?.(size, note);
    await insertCheckpoint(store, { log: signer.origin, size, root: Buffer.from(root), note, signed_at_ms });
    this.kept_size = Math.max(this.kept_size, size);
  }

  /** Signs nothing more. */
  stop(): void {
    clearInterval(this.timer);
  }

  /** Signs what is left and stops. */
  async close(): Promise<void> {
    this.stop();
    await this.publish();
  }
}
