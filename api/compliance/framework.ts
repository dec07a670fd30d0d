/** Frameworks of controls, one file each in `frameworks/`: what evidence speaks to a control, and what it cannot show. */
import { readdir, readFile } from 'node:fs/promises';
import { z } from '@hono/zod-openapi';
import { parse } from 'yaml';
import { AppError } from '../../core/errors.ts';

const FRAMEWORKS = new URL('./frameworks/', import.meta.url);
const line = z.string().min(1).max(1_000);

const Control = z.strictObject({
  id: z.string().min(1).max(40),
  title: line,
  /** Names of measures. */
  evidence: z.array(z.string().regex(/^[a-z]+\.[a-z_]+$/)).min(1),
  speaks: line,
  cannot_show: line,
});

const FrameworkFile = z.strictObject({
  id: z.string().regex(/^[a-z0-9_]+$/),
  title: line,
  note: line,
  controls: z.array(Control).min(1).max(500),
});

export type Control = z.infer<typeof Control>;
export type Framework = z.infer<typeof FrameworkFile>;

/** All frameworks by id. A file whose framework has another id than the file's name is an error. Throws `framework_invalid`. */
export async function loadFrameworks(folder: URL = FRAMEWORKS): Promise<Map<string, Framework>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const frameworks = new Map<string, Framework>();
  for (const file of files) {
    const read = FrameworkFile.safeParse(parse(await readFile(new URL(file, folder), 'utf8')));
    if (!read.success) throw new AppError('framework_invalid', `${file}: ${read.error.issues[0]?.message}`);
    if (`${read.data.id}.yaml` !== file) throw new AppError('framework_invalid', `${file} holds ${read.data.id}`);
    frameworks.set(read.data.id, read.data);
  }
  return frameworks;
}
