/** A real Chromium for tests of pages. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = PLACES.find((path) => path !== undefined && existsSync(path));

/** Why there is no browser; undefined when there is one. With CI set, tests run and fail rather than be skipped. */
export const NO_BROWSER =
  found !== undefined || process.env.CI !== undefined ? undefined : 'no Chromium: set CHROMIUM to its path';

/** Starts the browser; whoever starts it closes it. */
export function startBrowser(): Promise<Browser> {
  if (found === undefined) throw new Error('no Chromium: set CHROMIUM to its path');
  // Its own sandbox needs rights that a container does not give; the pages come from this test alone.
  return chromium.launch({ executablePath: found, args: ['--no-sandbox'] });
}
