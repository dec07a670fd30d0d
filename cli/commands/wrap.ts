/** `tracewarden wrap` in the whole command: its help, and the same work as the light entry. */
import type { Command } from 'commander';
import { WRAP_FLAGS } from '../wrap/flags.ts';

export function wrapCommand(program: Command): void {
  const wrap = program
    .command('wrap')
    .description('stand between an MCP client and a stdio server, pass every byte, record what passes')
    .argument('<command...>', 'the server, after --')
    .passThroughOptions(false);
  for (const [flag, text] of WRAP_FLAGS) wrap.option(flag, text);
  wrap.action(async () => {
    const { faultOf, runWrap } = await import('../wrap/run.ts');
    process.removeAllListeners('SIGINT');
    try {
      await runWrap(process.argv.slice(process.argv.indexOf('wrap') + 1));
    } catch (error) {
      process.exitCode = faultOf(error);
    }
  });
}
