import type { Variables } from './variables.ts';

/** Where Kubernetes keeps its objects, with a slash at the end. */
export const readObjectPrefix = ({ parse }: Variables): string =>
  parse('OBJECT_PREFIX', keyPrefix, '/registry/');

/** kube-apiserver's --etcd-prefix may leave the slash at its end out. */
function keyPrefix(text: string): string {
  if (!/^\/[\x21-\x7e]{0,200}$/.test(text)) {
    throw new Error('should be the beginning of keys, as /registry/ is: printable ASCII after a slash');
  }
  return text.replace(/\/*$/, '/');
}
