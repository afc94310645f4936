import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The documents as GitHub shows them: their headings' anchors, and where their links lead. */

export const ROOT = join(import.meta.dirname, '../..');
const SITE = 'https://github.com/etcd-upkeep/etcd-upkeep';
/** Pages that GitHub makes itself. */
const GITHUB_PAGES = ['/issues/new/choose', '/security/advisories/new'];

export const PAGES = globSync(['*.md', 'docs/**/*.md', 'chart/*.md', '.github/*.md'], { cwd: ROOT });
/** Everything else that may speak of a page: what the program prints, what the chart shows, forms, labels of the image. */
export const SPEAKING = globSync(
  ['src/**/*.ts', 'chart/**/*.{yaml,yml,txt,tpl,gotmpl}', '.github/**/*.{yaml,yml}', 'Dockerfile', '*.json'],
  { cwd: ROOT, exclude: (name) => name === 'package-lock.json' },
);

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Without what stands in blocks of code, where `#` begins a comment and brackets are no link. */
const proseOf = (text: string): string => text.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** GitHub's rule: lower case, no punctuation, hyphens for spaces, and a number behind one that is there already. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(text).matchAll(/^#{1,6} +(.+?)[ #]*$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = shown.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** What is in the round brackets of every link of a page, pictures too. */
export const linksOf = (text: string): string[] =>
  Array.from(proseOf(text).matchAll(/\]\(\s*([^()\s]+)[^()]*\)/g), ([, target = '']) => target);

/** What follows the repository's address wherever it stands in a text. */
export const siteLinksOf = (text: string): string[] =>
  Array.from(
    text.matchAll(/https:\/\/github\.com\/etcd-upkeep\/etcd-upkeep(?![\w.-]*\w)([/#][\w./#-]*)?/g),
    ([, rest = '']) => `${SITE}${rest.replace(/\.$/, '')}`,
  );

/** Pages of `docs/` that a text names. */
export const mentionsOf = (text: string): string[] => text.match(/(?<![\w/])docs\/[\w/-]+\.md/g) ?? [];

/** Why a link of that file leads nowhere, or undefined. Links to other sites are not followed. */
export function problemOf(link: string, from: string): string | undefined {
  if (link.startsWith(SITE)) return problemOnSite(link.slice(SITE.length));
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = '', anchor] = link.split('#');
  return problemAt(path === '' ? from : normalize(join(dirname(from), path)), anchor);
}

function problemOnSite(rest: string): string | undefined {
  if (rest === '' || rest === '#readme' || GITHUB_PAGES.includes(rest)) return undefined;
  const [, path, anchor] = /^\/blob\/main\/([^#]+)(?:#(.*))?$/.exec(rest) ?? [];
  return path === undefined ? `GitHub has no page ${rest} that is known here` : problemAt(path, anchor);
}

function problemAt(path: string, anchor?: string): string | undefined {
  if (path.startsWith('..') || !existsSync(join(ROOT, path))) return `there is no ${path}`;
  if (anchor === undefined || anchorsOf(read(path)).has(anchor)) return undefined;
  return `${path} has no heading #${anchor}`;
}
