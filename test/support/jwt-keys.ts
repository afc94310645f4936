import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a pair of keys in the folder. @returns etcd's flag by which its tokens are signed with them */
export function jwtFlag(folder: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const pub = join(folder, 'jwt.pub');
  const priv = join(folder, 'jwt.key');
  writeFileSync(pub, publicKey);
  writeFileSync(priv, privateKey, { mode: 0o600 });
  return `--auth-token=jwt,pub-key=${pub},priv-key=${priv},sign-method=RS256,ttl=10m`;
}
