/** Reads the folder of detectors, so that a new detector is one new file and no edit elsewhere. */
import { readdir } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import type { Detector } from './detector.ts';

const RULES = new URL('./rules/', import.meta.url);
/** Sources end in .ts, compiled files in .js; tests and type declarations are neither. */
const DETECTOR_FILE = /^([a-z0-9_]+)\.(?:ts|js)$/;

/** All detectors of a folder, by id. A file whose default export has another id than the file's name is an error. */
export async function loadDetectors(folder: URL = RULES): Promise<Detector[]> {
  const files = (await readdir(folder)).filter((file) => DETECTOR_FILE.test(file)).sort();
  return Promise.all(files.map((file) => loadDetector(folder, file)));
}

async function loadDetector(folder: URL, file: string): Promise<Detector> {
  const module: { default?: unknown } = await import(new URL(file, folder).href);
  const id = DETECTOR_FILE.exec(file)?.[1];
  if (!isDetector(module.default)) {
    throw new AppError('detector_invalid', `${file} must export a detector by default`);
  }
  if (module.default.metadata.id !== id) {
    throw new AppError('detector_misnamed', `${file} holds detector "${module.default.metadata.id}": name them alike`);
  }
  return module.default;
}

function isDetector(value: unknown): value is Detector {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Partial<Detector>;
  return (
    typeof candidate.metadata?.id === 'string' &&
    Array.isArray(candidate.watches) &&
    typeof candidate.step === 'function' &&
    typeof candidate.explain === 'function'
  );
}
