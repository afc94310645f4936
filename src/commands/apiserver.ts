import { readSmallFile } from '../config/small-file.ts';
import { Failure, isBug, messageOf } from '../errors.ts';
import { type Encryption, encryptionIn } from '../kubernetes/encryption.ts';
import { writeServerFiles } from '../kubernetes/server-files.ts';
import type { InvocationOf } from './arguments.ts';
import type { CommandContext } from './context.ts';

/** Writes what a kube-apiserver over a restored etcd is started with. @returns the exit code */
export async function writeApiServerFiles(
  { folder, encryptionConfig, port }: InvocationOf<'apiserver'>,
  { note }: CommandContext,
): Promise<number> {
  const encryption = encryptionConfig === undefined ? undefined : readEncryption(encryptionConfig);
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

function readEncryption(path: string): Encryption {
  try {
    return encryptionIn(readSmallFile(path, 'an EncryptionConfiguration').toString());
  } catch (error) {
    if (isBug(error)) throw error;
    const message =
      `the EncryptionConfiguration ${path} cannot be used: it ${messageOf(error)}; it should be what the cluster's API ` +
      'server was given as --encryption-provider-config when the backup was made';
    throw new Failure('configuration', message, { cause: error });
  }
}
