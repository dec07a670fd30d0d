/** One event as one line for people. */
import pc from 'picocolors';
import { inert, shorten } from './output.ts';

export type EventJson = Record<string, unknown> & { seq: number; type: string; time: string };

/** Number, time, type, where, and the beginning of what was said or done. */
export function eventLine(event: EventJson): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const where = [text(event.server), text(event.tool)].filter(Boolean).join('/');
  const body = event.params === undefined ? text(event.content) : JSON.stringify(event.params);
  const failed = event.is_error === true ? pc.red(' failed') : '';
  const head = `${String(event.seq).padStart(7)} ${event.time.slice(11, 19)} ${pc.bold(event.type.padEnd(13))}`;
  return `${head}${inert(where)}${failed} ${pc.dim(inert(shorten(body.replace(/\s+/g, ' '), 160)))}`;
}
