import type * as x509 from '@peculiar/x509';

/**
 * Loads @peculiar/x509, which (through tsyringe) asks for four functions of the Reflect metadata proposal while it
 * loads: these few lines take the place of a polyfill package.
 */
export function loadX509(): Promise<typeof x509> {
  if (!('getMetadata' in Reflect)) {
    Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata, metadata: decorator });
  }
  return import('@peculiar/x509');
}

const store = new WeakMap<object, Map<unknown, unknown>>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const known = store.get(target) ?? new Map<unknown, unknown>();
  store.set(target, known.set(key, value));
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return store.get(target)?.get(key);
}

function getMetadata(key: unknown, target: object | null): unknown {
  if (target === null) return undefined;
  return getOwnMetadata(key, target) ?? getMetadata(key, Object.getPrototypeOf(target));
}

function decorator(key: unknown, value: unknown): (target: object) => void {
  return (target) => defineMetadata(key, value, target);
}
