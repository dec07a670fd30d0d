/** The forms in which messages go out. Each is one file in `formats/`; a new one is one new file and no edit elsewhere. */
import { readdir } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import type { Message } from './message.ts';

export interface Format {
  name: string;
  content_type: string;
  /** The body. `template` is that of the subscription. Pure; throws `template_failed` for a template that is beyond its bounds. */
  body(message: Message, template: string): string;
}

export const defineFormat = (format: Format): Format => format;

const FOLDER = new URL('./formats/', import.meta.url);
const FORMAT_FILE = /^([a-z0-9_]+)\.(?:ts|js)$/;

/** All formats, by name. A file whose default export has another name than the file is an error. */
export async function loadFormats(): Promise<ReadonlyMap<string, Format>> {
  const formats = new Map<string, Format>();
  for (const file of (await readdir(FOLDER)).filter((each) => FORMAT_FILE.test(each)).sort()) {
    const { default: format } = (await import(new URL(file, FOLDER).href)) as { default?: Format };
    const name = FORMAT_FILE.exec(file)?.[1];
    if (format === undefined || format.name !== name) {
      throw new AppError('format_invalid', `${file} must export a format of its own name by default`);
    }
    formats.set(format.name, format);
  }
  return formats;
}
