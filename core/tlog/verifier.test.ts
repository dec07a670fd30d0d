import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { signCheckpoint } from './checkpoint.ts';
import { ed25519FromSeed } from './ed25519_node.ts';
import { nodeHasher } from './node_hasher.ts';
import { formatVerifierKey, newVerifierKey, noteSigner } from './note_key.ts';
import { formatTlogProof } from './tlog_proof.ts';
import { CompactRange, nobleHasher, openCheckpoint, parseTlogProof, trustKey, verifyTlogProof } from './verifier.ts';

/** Every module that a file reaches by import or re-export, type-only imports left out. */
function reachable(entry: string): { files: Set<string>; builtins: string[] } {
  const files = new Set<string>();
  const builtins: string[] = [];
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const code = readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    const imports = code.matchAll(
      /^\s*(?:(?:import|export)\s+(?!type\b)[\w$*{}\s,]*?\bfrom|import)\s*['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm,
    );
    for (const [, from, dynamic] of imports) {
      const name = from ?? dynamic ?? '';
      if (isBuiltin(name)) builtins.push(`${name} in ${file}`);
      else visit(createRequire(file).resolve(name));
    }
  };
  visit(entry);
  return { files, builtins };
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

it('the browser entry reaches no module of Node, in our files and in its packages', () => {
  const { files, builtins } = reachable(here('./verifier.ts'));
  expect(builtins).toEqual([]);
  const names = [...files].map((file) => file.split('/').slice(-2).join('/'));
  for (const name of ['tlog/proof.ts', 'tlog/note.ts', 'core/errors.ts', 'hashes/sha2.js', 'curves/ed25519.js']) {
    expect(names).toContain(name);
  }
  for (const name of names) expect(name).not.toMatch(/node_hasher|ed25519_node/);
  for (const file of files) {
    if (file.includes('/core/'))
      expect(readFileSync(file, 'utf8'), file).not.toMatch(/\b(Buffer|process|require)\b[.(]/);
  }
});

it('the walk would find a module of Node', () => {
  expect(reachable(here('./node_hasher.ts')).builtins).toEqual([`node:crypto in ${here('./node_hasher.ts')}`]);
});

it('a page can check with it what Node signed', () => {
  const origin = 'tracewarden.example/log/1';
  const keys = ed25519FromSeed(new Uint8Array(32).fill(5));
  const vkey = formatVerifierKey(newVerifierKey(origin, keys.public_key));
  const range = new CompactRange(nodeHasher);
  const leaf_hash = nodeHasher.leaf(Uint8Array.of(1));
  range.append(leaf_hash);
  const checkpoint = signCheckpoint({ origin, size: 1, root: range.root() }, [noteSigner(origin, keys)]);
  const proof = parseTlogProof(formatTlogProof({ index: 0, hashes: [], checkpoint }));
  const verifiers = [trustKey(vkey)];
  expect(openCheckpoint(checkpoint, origin, verifiers).size).toBe(1);
  expect(verifyTlogProof(nobleHasher, proof, { leaf_hash, origin, verifiers }).size).toBe(1);
});
