import { parse } from 'yaml';
import { at, listAt, textAt } from './read.ts';

/** An EncryptionConfiguration as a scratch API server can use it. */
export interface Encryption {
  config: object;
  /** Names of the KMS providers that were left out: their plugins run on the control plane alone. */
  kms: readonly string[];
}

/**
 * Reads what the cluster's own API server is given (kube-apiserver, `--encryption-provider-config`). With a KMS provider
 * in it the server would wait for a socket that nobody has here, so those are left out; what they encrypted stays
 * unreadable, as it has to.
 * @throws Error whose message goes on after the file's name, and holds nothing of the file
 */
export function encryptionIn(text: string): Encryption {
  const config = parsed(text);
  const resources = listAt(config, 'resources');
  if (textAt(config, 'kind') !== 'EncryptionConfiguration' || resources.length === 0)
    throw new Error('is no EncryptionConfiguration with resources');
  const kms: string[] = [];
  const left = resources.map((entry) => {
    const providers = listAt(entry, 'providers').filter((provider) => {
      const plugin = at(provider, 'kms');
      if (plugin !== undefined) kms.push(textAt(plugin, 'name'));
      return plugin === undefined;
    });
    // None at all is refused.
    return { ...entryOf(entry), providers: providers.length > 0 ? providers : [{ identity: {} }] };
  });
  return { config: { ...entryOf(config), resources: left }, kms };
}

const entryOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

/** What the parser says, in an error or by a warning, quotes the line, and a key may stand there: nobody hears it. */
function parsed(text: string): unknown {
  try {
    // The API server knows merge keys (`<<`), too.
    return parse(text, { merge: true, logLevel: 'error' });
  } catch {
    throw new Error('is not YAML');
  }
}

/** How a value is encrypted, as the value itself says: kube-apiserver writes it in front (`k8s:enc:aescbc:v1:key1:`). */
export interface Sealed {
  /** `aescbc`, `aesgcm`, `secretbox`, `kms` */
  provider: string;
  /** the key's name, or the KMS provider's */
  key: string;
}

const SEALED = /^k8s:enc:([a-z]{1,20}):v\d:([^:]{0,64}):/;
const HEAD_BYTES = 128;

/** Undefined where it is not encrypted. */
export function sealedAs(value: Buffer): Sealed | undefined {
  const [, provider, key] = SEALED.exec(value.subarray(0, HEAD_BYTES).toString('latin1')) ?? [];
  return provider === undefined || key === undefined ? undefined : { provider, key };
}
