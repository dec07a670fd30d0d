/** Cuts a copy of a byte stream into its lines, which are JSON-RPC messages. A long one is skimmed instead of held. */
import { LIMITS } from '../../core/limits.ts';
import { JsonSkim, type Skimmed } from './json_skim.ts';

/** A whole message, or what could be kept of one that is too long. */
export type TappedLine = { text: string; size_bytes: number } | { skimmed: Skimmed; size_bytes: number };

const NEWLINE = 0x0a;

export class LineTap {
  private readonly onLine: (line: TappedLine) => void;
  private readonly bytes_max: number;
  private parts: Buffer[] = [];
  private held_bytes = 0;
  private skim: JsonSkim | undefined;

  /** Calls back for each line that is not blank, in order, without its line feed. */
  constructor(onLine: (line: TappedLine) => void, bytes_max: number = LIMITS.wrap_message_bytes_max) {
    this.onLine = onLine;
    this.bytes_max = bytes_max;
  }

  /** Whether the stream stands between two messages. */
  get between(): boolean {
    return this.held_bytes === 0;
  }

  feed(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end < 0) break;
      this.take(chunk.subarray(from, end));
      this.finish();
      from = end + 1;
    }
    if (from < chunk.length) this.take(chunk.subarray(from));
  }

  /** The stream has ended; what stands without a line feed counts as a line. */
  end(): void {
    if (this.held_bytes > 0) this.finish();
  }

  private take(part: Buffer): void {
    if (part.length === 0) return;
    this.held_bytes += part.length;
    if (this.skim !== undefined) this.skim.push(part);
    else if (this.held_bytes <= this.bytes_max) this.parts.push(part);
    else {
      this.skim = new JsonSkim();
      for (const held of this.parts) this.skim.push(held);
      this.skim.push(part);
      this.parts = [];
    }
  }

  private finish(): void {
    const { skim, parts, held_bytes: size_bytes } = this;
    this.skim = undefined;
    this.parts = [];
    this.held_bytes = 0;
    if (skim !== undefined) {
      this.onLine({ skimmed: skim.end(), size_bytes });
      return;
    }
    const text = (parts.length === 1 ? parts[0] : Buffer.concat(parts))?.toString('utf8') ?? '';
    if (text.trim() !== '') this.onLine({ text, size_bytes });
  }
}
