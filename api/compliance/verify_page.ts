/** The page that checks bundles in a browser, as a build made it. */
import { readFileSync } from 'node:fs';
import type { BundlePart } from '../../ingest/evidence/bundle.ts';

const BUILT = new URL('../../dashboards/web/built/verify.html', import.meta.url);
let page: string | undefined;

/** The page as a file of a bundle; none in a checkout that was not built. */
export function verifyPage(): BundlePart[] {
  try {
    page ??= readFileSync(BUILT, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return [{ name: 'verify.html', chunks: [page] }];
}
