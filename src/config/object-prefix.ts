import type { Variables } from './variables.ts';

/** Where Kubernetes keeps its objects, with a slash at the end; undefined where they are not to be counted. */
export function readObjectPrefix({ read, parse }: Variables): string | undefined {
  const prefix = parse('OBJECT_PREFIX', keyPrefix, '/registry/');
  return read('OBJECT_COUNTS', (it) => it.default('true').asTrueOrFalse()) ? prefix : undefined;
}

/** kube-apiserver's --etcd-prefix may leave the slash at its end out. */
function keyPrefix(text: string): string {
  if (!/^\/[\x21-\x7e]{0,200}$/.test(text)) {
    throw new Error('should be the beginning of keys, as /registry/ is: printable ASCII after a slash');
  }
  return text.replace(/\/*$/, '/');
}
