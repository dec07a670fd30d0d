/**
 * Changes one byte of one stored row, the way somebody with access to the database could. A process of its own, since
 * the embedded engine binds a folder to a process. Arguments: folder, sequence number, old text, new text.
 */
import { openEmbeddedStore } from '../../core/store/store.ts';

const [folder = '', seq = '', before = '', after = ''] = process.argv.slice(2);
const store = await openEmbeddedStore(folder);
try {
  await store.command(
    `ALTER TABLE content UPDATE content = replaceOne(content, {before:String}, {after:String})
     WHERE seq = {seq:UInt64} SETTINGS mutations_sync = 2`,
    { before, after, seq: Number(seq) },
  );
} finally {
  await store.close();
}
