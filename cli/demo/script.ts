/** Where the demo's own scripts lie, from sources as well as from the compiled files. */
import { fileURLToPath } from 'node:url';

const ENDING = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Arguments of `node` that run a script named from this folder without its ending, such as `mcp/web`. */
export function scriptArgs(name: string): string[] {
  return [...process.execArgv, fileURLToPath(new URL(`${name}${ENDING}`, import.meta.url))];
}
