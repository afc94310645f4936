import { isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

/**
 * Whoever imports one of Node's own modules gets every property of it read, and reading those of `node:http` loads a
 * whole HTTP client that nothing here uses: 40 ms. Asked for as below, nothing is read that is not used. Each file does
 * so by itself: what several have in common would become one chunk more for each module.
 */
export function lazyBuiltins(root: string): Plugin {
  return {
    name: 'lazy-builtins',
    setup(build) {
      build.onResolve({ filter: /^[a-z:/0-9_]+$/ }, ({ path, kind, importer }) =>
        kind === 'import-statement' && isBuiltin(path)
          ? { path, namespace: 'builtin', suffix: `?${importer.slice(root.length)}` }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
      }));
    },
  };
}
