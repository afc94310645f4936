import { isAbsolute } from 'node:path';

// Each throws an Error whose message goes on after the words "it ".

export function httpUrl(text: string): URL {
  const url = URL.parse(text);
  // URL itself takes http:host and http:///host for http://host.
  if (url === null || !/^https?:\/\/[^/]/i.test(text)) {
    throw new Error('should be a URL that begins with http:// or https://');
  }
  if (url.hash !== '') throw new Error('should have no fragment (write # as %23)');
  return url;
}

export function textfile(text: string): string {
  if (!isAbsolute(text)) throw new Error('should be an absolute path');
  if (!text.endsWith('.prom')) throw new Error('should end in .prom, or node_exporter does not read it');
  // No file system takes it, and what it says then does not name the variable.
  if (text.includes('\0')) throw new Error('should have no zero byte');
  return text;
}

/** With a slash at its end, which kube-apiserver's --etcd-prefix may leave out. */
export function keyPrefix(text: string): string {
  if (!/^\/[\x21-\x7e]{0,200}$/.test(text)) {
    throw new Error('should be the beginning of keys, as /registry/ is: printable ASCII after a slash');
  }
  return text.replace(/\/*$/, '/');
}
