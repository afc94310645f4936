import { BUCKETS, FREELISTS, VALUES } from './content.ts';
import { ELEMENTS, HEADS, KEYS, LEADS_ASTRAY, OVERFLOWS } from './pages.ts';
import type { Damage } from './parts.ts';

/** What a live page can have wrong, by what it is of. */
export const DAMAGES: Record<string, Damage[]> = {
  'leads astray': LEADS_ASTRAY,
  'goes on': OVERFLOWS,
  'heads of pages': HEADS,
  elements: ELEMENTS,
  keys: KEYS,
  values: VALUES,
  buckets: BUCKETS,
  'free pages': FREELISTS,
};
