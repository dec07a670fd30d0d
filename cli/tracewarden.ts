#!/usr/bin/env node
/** The entry of the command. A wrapper lives beside each MCP server, so it loads its own few parts and nothing else. */
if (process.argv[2] === 'wrap') {
  const { faultOf, runWrap } = await import('./wrap/run.ts');
  try {
    await runWrap(process.argv.slice(3));
  } catch (error) {
    process.exitCode = faultOf(error);
  }
} else {
  await import('./main.ts');
}

export {};
