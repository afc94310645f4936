import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/repository.ts';

/** docs/browse/compose.yaml as tests look at it. */

export interface Service {
  image: string;
  user: string;
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  network_mode?: string;
  pid?: string;
  ports?: string[];
  command: string | string[];
  environment?: Record<string, string | null>;
  volumes?: (string | { source: string; target: string; read_only: boolean })[];
  depends_on?: Record<string, { condition: string }>;
}

export const text = await readFile(join(REPOSITORY, 'docs/browse/compose.yaml'), 'utf8');
const file: { services: Record<string, Service> } = parse(text, { merge: true });
export const { services } = file;

/** As compose reads it with nothing set. */
export const withDefaults = (value: string): string =>
  value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll(/\$\{\w+:\+([^}]*)\}/g, '$1');
