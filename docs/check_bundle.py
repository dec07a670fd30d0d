#!/usr/bin/env python3
"""Checks a bundle of evidence or an export without the program that made it, and without any package but Python's own.

    python3 check_bundle.py BUNDLE.zip [VKEY]

VKEY is the log's public key as `keys/log.vkey` holds it; without it the bundle's own key is taken, which says nothing
about who signed. It ends with 0 when everything agrees, and with 1 when something does not, naming what.

What it follows: RFC 6962 (leaf and node hashes, inclusion), RFC 8032 (Ed25519), C2SP signed notes and tlog-checkpoint,
and docs/adr/0024 of the project for the files.
"""
import base64
import hashlib
import hmac
import json
import sys
import zipfile

BLOCK = 256  # leaves of a block in proofs.ndjson
GROUPS = ("who", "what", "params", "content", "detail")
UNPACKED_MAX = 8 << 30
findings = []


def say(code, message):
    findings.append((code, message))


def b64(text):
    return base64.b64decode(text, validate=True)


def sha256(data):
    return hashlib.sha256(data).digest()


# Ed25519, verification only (RFC 8032 section 5.1.7). It need not be fast: two signatures are checked.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def point_times(n, point):
    result = (0, 1, 1, 0)
    while n > 0:
        if n & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        n >>= 1
    return result


def point_read(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        raise ValueError("a point is not on the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0 or (x == 0 and sign == 1):
        raise ValueError("a point is not on the curve")
    return (P - x if x & 1 != sign else x, y, 1, (P - x if x & 1 != sign else x) * y % P)


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verify(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    try:
        left, right = point_times(s, BASE), point_add(point_read(signature[:32]), point_times(h, point_read(key)))
    except ValueError:
        return False
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def read_vkey(text):
    name, key_id, encoded = text.strip().split("+", 2)  # a name has no plus, base64 may have some
    data = b64(encoded)
    if data[0] != 1 or sha256(name.encode() + b"\n" + data)[:4].hex() != key_id:
        raise ValueError("the key is no C2SP key of Ed25519")
    return name, key_id, data[1:]


def open_note(note, vkey):
    """The text of a signed note, or None where this key has not signed it."""
    name, key_id, key = vkey
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) == 3 and parts[0] == "\u2014" and parts[1] == name:
            data = b64(parts[2])
            if data[:4].hex() == key_id and ed25519_verify(key, text.encode(), data[4:]):
                return text
    return None


def leaf_hash(data):
    return sha256(b"\x00" + data)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def tree_root(hashes):
    """RFC 6962 section 2.1, over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(tree_root(hashes[:split]), tree_root(hashes[split:]))


def root_from_path(index, size, node, path):
    """RFC 9162 section 2.1.3.2: the root that an inclusion path leads to."""
    at, last = index, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while at & 1 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return node


def commitment(salt, group, text):
    path, content = group.encode(), text.encode()
    message = b"prov/commit/v1\0" + len(path).to_bytes(2, "big") + path + len(content).to_bytes(8, "big") + content
    return base64.b64encode(hmac.new(salt, message, hashlib.sha256).digest()).decode()


def read_blocks(file, size, root):
    blocks, count = {}, -(-size // BLOCK)
    for number, line in enumerate(file, 1):
        try:
            block = json.loads(line)
            index, leaves = block["block"], b64(block["leaves"])
            hashes = [leaves[at : at + 32] for at in range(0, len(leaves), 32)]
            if len(leaves) != 32 * min(BLOCK, size - index * BLOCK):
                raise ValueError("it has not all of its leaves")
            if root_from_path(index, count, tree_root(hashes), [b64(each) for each in block["path"]]) != root:
                raise ValueError("it is not of the tree that was signed")
            blocks[index] = hashes
        except (ValueError, KeyError, TypeError, IndexError) as error:
            say("block_not_proven", f"proofs.ndjson line {number}: {error}")
    return blocks


def check_record(line, number, blocks, parts):
    where = f"records.ndjson line {number}"
    record = json.loads(line)
    core = json.loads(record["core"])
    seq = core["seq"]
    block = blocks.get(seq // BLOCK)
    if block is None or block[seq % BLOCK] != leaf_hash(record["core"].encode()):
        say("record_not_proven", f"{where}: record {seq} does not stand in the log like this")
    for group in GROUPS:
        text, committed = record.get(group), core["commit"].get(group)
        if text is None:
            if committed is not None and group in parts and "state" not in record:
                say("opening_changed", f"{where}: {group} of record {seq} is not there")
        elif committed is None or commitment(b64(record["salts"][group]), group, text) != committed:
            say("opening_changed", f"{where}: {group} of record {seq} does not open its commitment")
    return seq


def check(path, given):
    with zipfile.ZipFile(path) as bundle:
        if sum(entry.file_size for entry in bundle.infolist()) > UNPACKED_MAX:
            raise ValueError("it unpacks to too much")
        names = bundle.namelist()
        if len(set(names)) != len(names):
            say("file_twice", "a file is there twice")
        raw = bundle.read("manifest.json")
        manifest = json.loads(raw)
        vkey = read_vkey(given or bundle.read("key.txt").decode())
        log = manifest["log"]
        signed = open_note(bundle.read("manifest.sig").decode(), vkey)
        if signed != f"tracewarden bundle manifest v1\n{log}\n{sha256(raw).hex()}\n":
            say("manifest_not_signed", "the key has not signed this manifest")
        for name, said in manifest["files"].items():
            digest = hashlib.sha256()
            with bundle.open(name) as file:
                for piece in iter(lambda: file.read(1 << 20), b""):
                    digest.update(piece)
            if digest.hexdigest() != said["sha256"]:
                say("file_changed", f"{name} is not the file that the manifest names")
        for name in set(names) - set(manifest["files"]) - {"manifest.json", "manifest.sig"}:
            say("file_unnamed", f"the manifest does not name {name}")
        checkpoint = open_note(bundle.read("checkpoint.txt").decode(), vkey)
        if checkpoint is None or checkpoint.split("\n")[0] != log:
            say("checkpoint_not_signed", "the key has not signed this checkpoint")
            return manifest, 0, 0
        size, root = int(checkpoint.split("\n")[1]), b64(checkpoint.split("\n")[2])
        with bundle.open("proofs.ndjson") as file:
            blocks = read_blocks(file, size, root)
        seen = set()
        with bundle.open("records.ndjson") as file:
            for number, line in enumerate(file, 1):
                try:
                    seen.add(check_record(line, number, blocks, manifest["parts"]))
                except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                    say("record_not_proven", f"records.ndjson line {number}: {error!r}")
        if len(seen) != manifest["records"]:
            say("records_missing", f"the manifest says {manifest['records']} records, there are {len(seen)}")
        return manifest, len(seen), size


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        manifest, records, size = check(arguments[0], arguments[1] if len(arguments) == 2 else None)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        print(f"NOT VERIFIED: this is no bundle: {error}")
        return 1
    for code, message in findings[:100]:
        print(f"  {code}: {message}")
    word = "NOT VERIFIED" if findings else "verified"
    print(f"{word}: {records} records of {manifest['log']}, under a signed checkpoint of {size} records")
    if len(arguments) == 1:
        print("  the key is the bundle's own: name the key that you trust to know who signed")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
