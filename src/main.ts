import { enableCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import packageJson from '../package.json' with { type: 'json' };
import { Interrupted } from './errors.ts';

// The edge: the only file that knows the process.

const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // Only once: whoever asks a second time wants the process gone, whatever it leaves behind.
  process.once(signal, () => ending.abort(new Interrupted(signal)));
}

// Node would open its inspector on this: on the host's network anybody on the node could then run code in here. The
// image's entry point says so to Node from its first line on (--disable-sigusr1), and the run goes on.
process.on('SIGUSR1', () => undefined);

// Nearly everything is loaded after this line, because compiling it, and from a checkout stripping its types, takes as
// long as everything else before the first call of etcd. A folder that cannot be written (the image's root is read-only)
// is no failure; NODE_COMPILE_CACHE, which the image sets, comes first.
enableCompileCache(fileURLToPath(new URL('../.cache/compile', import.meta.url)));
const { main } = await import('./cli.ts');

// Node prints its warnings as plain text, which is no log line. DEP0123 (an IP address as a TLS server name) is left
// out: etcd3 cannot avoid it for an endpoint with an address. The certificate is checked against that address.
process.removeAllListeners('warning');
const onWarning = (listen: (warning: string) => void): void => {
  process.on('warning', (warning) => {
    if (!('code' in warning) || warning.code !== 'DEP0123') listen(`${warning.name}: ${warning.message}`);
  });
};

// What a library prints by itself would be neither a log line nor free of what a terminal obeys: it is a warning.
const warned = (...said: unknown[]): void => process.emitWarning(format(...said).replaceAll(/\s+/g, ' '));
Object.assign(console, {
  debug: warned,
  error: warned,
  info: warned,
  log: warned,
  trace: warned,
  warn: warned,
});

// Without a listener Node would print the error and everything in it.
const onCrash = (listen: (error: unknown) => void): void => {
  process.on('uncaughtException', (error) => {
    listen(error);
    process.exit(1);
  });
};

// Whoever reads may have enough, as `head` does. Without this Node would tell of it with a stack.
process.stdout.on('error', (error) => {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
});

// A snapshot passes through thousands of short-lived buffers, whose memory V8 does not count as young objects: with a
// young generation of the usual 16 MiB and more it looks for dead ones far too late. With a small one the process needs
// 60 MiB less, and less time; but not while code is loaded, of which all lives on.
const keepYoungGenerationSmall = (): void => setFlagsFromString('--scavenger-max-new-space-capacity-mb=1');

const exitCode = await main({
  args: process.argv.slice(2),
  env: process.env,
  version: packageJson.version,
  holder: `${hostname()}/${process.pid}`,
  stdoutIsTTY: process.stdout.isTTY,
  stderrIsTTY: process.stderr.isTTY,
  print: (text) => process.stdout.write(text),
  note: (text) => process.stderr.write(text),
  signal: ending.signal,
  onLoaded: keepYoungGenerationSmall,
  onWarning,
  onCrash,
});
// A pipe takes 64 KiB at a time, and what waits for the reader would be lost.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
);
// Not left to the event loop: a call that was given up may still hold it, and the job would not end.
process.exit(exitCode);
