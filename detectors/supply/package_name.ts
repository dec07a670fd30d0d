/** One spelling for the name of a package, so that an advisory finds the server that runs it. */

/** A package URL loses its type, version and qualifiers; a plain name its version; letters are compared in lower case. */
export function packageName(text: string): string {
  const purl = /^pkg:[a-z0-9.+-]+\/(.+)$/i.exec(text.trim());
  const plain = purl === null ? text.trim() : unescaped((purl[1] ?? '').split(/[?#]/, 1)[0] ?? '');
  // The first @ of a scoped name belongs to the name.
  const at = plain.indexOf('@', 1);
  return (at > 0 ? plain.slice(0, at) : plain).toLowerCase();
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
