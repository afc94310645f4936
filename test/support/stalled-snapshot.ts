import { connect } from 'node:http2';
import type { Member } from './etcd-member.ts';

/**
 * Opens a snapshot stream of the member, past any proxy, and reads no more of it than its first piece, as a backup to a
 * stuck disk would. While it is open the member's database cannot be swapped: a defragmentation begun meanwhile is a
 * real one that lasts until this is disposed of. Plain text only; the database must be larger than what HTTP/2 sends
 * ahead (some 200 KiB).
 */
export async function stallSnapshot(member: Member): Promise<Disposable> {
  const session = connect(member.clientUrl);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/etcdserverpb.Maintenance/Snapshot',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  await new Promise<void>((resolve, reject) => {
    session.once('error', reject);
    stream.once('error', reject);
    stream.once('readable', resolve); // and nothing is read: the window fills and the member waits
    stream.end(Buffer.alloc(5)); // one empty message
  });
  session.on('error', () => {}); // the member may be killed meanwhile
  stream.on('error', () => {});
  return { [Symbol.dispose]: () => session.destroy() };
}
