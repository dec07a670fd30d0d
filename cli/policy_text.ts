/** A policy as the YAML file that a person reviews: what it rests on first, a line of comment above each part. Pure. */
import { stringify } from 'yaml';
import type { ToolPolicy } from '../api/policies/tool_policy.ts';

const HEAD = `# A suggestion, in force nowhere. Read each line, take away what nobody needs, and hand the file to whoever sets up
# the gateway. Whatever is not under "allow" is denied. A tool without "destinations" may name any; with them, only these.
`;
const LEFT_OUT = '# Seen, and left out for the reason that each says. Move a line to "allow" if it is needed.\n';

/** The text of a file. Names that could hide characters are escaped, so that what is read is what is meant. */
export function policyText(policy: ToolPolicy): string {
  const { not_suggested = [], ...kept } = policy;
  const left = not_suggested.length === 0 ? '' : `\n${LEFT_OUT}${yamlOf({ not_suggested })}`;
  return `${HEAD}${yamlOf(kept)}${left}`;
}

function yamlOf(value: unknown): string {
  // Strings stand in double quotes, where an escaped character is read back as itself.
  const text = stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 });
  return text.replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = (char.codePointAt(0) as number).toString(16);
    return code.length > 4 ? `\\U${code.padStart(8, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}
