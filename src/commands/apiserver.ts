import { Failure, isBug, messageOf } from '../errors.ts';
import { type Encryption, encryptionIn } from '../kubernetes/encryption.ts';
import { readFile } from '../kubernetes/kubeconfig.ts';
import { writeServerFiles } from '../kubernetes/server-files.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';

/** Writes what a kube-apiserver over a restored etcd is started with. @returns the exit code */
export async function writeApiServerFiles(
  { folder, encryptionConfig, port }: InvocationOf<'apiserver'>,
  { note, signal }: CommandContext,
): Promise<number> {
  const encryption =
    encryptionConfig === undefined ? undefined : await readEncryption(encryptionConfig, signal);
  for (const name of encryption?.kms ?? [])
    note(`the KMS provider ${name} is left out: its plugin is not here, so what it encrypted cannot be read`);
  try {
    await writeServerFiles(folder, port, encryption);
    return 0;
  } catch (error) {
    if (isBug(error)) throw error;
    const message = `the files of the API server cannot be written to ${folder}: ${messageOf(error)}`;
    throw new Failure('configuration', message, { cause: error });
  }
}

async function readEncryption(path: string, signal: AbortSignal): Promise<Encryption> {
  try {
    return encryptionIn((await readFile(path, signal)).toString());
  } catch (error) {
    signal.throwIfAborted();
    if (isBug(error)) throw error;
    const message =
      `the EncryptionConfiguration ${path} cannot be used: it ${messageOf(error)}; it should be what the cluster's API ` +
      'server was given as --encryption-provider-config when the backup was made';
    throw new Failure('configuration', message, { cause: error });
  }
}
