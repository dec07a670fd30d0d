/** Where in a file a member of its tree stands. */
import type { Place, Tree } from './yaml_tree.ts';

/** The line of what is wrong, or of the nearest thing around it that is there. */
export function placeIn(tree: Tree, path: readonly PropertyKey[]): Place {
  let node = tree;
  let place = tree.place;
  for (const part of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(part));
      if (entry === undefined) break;
      place = entry.place;
      node = entry.value;
    } else if (node.kind === 'list') {
      const item = node.items[Number(part)];
      if (item === undefined) break;
      place = item.place;
      node = item;
    } else break;
  }
  return place;
}
