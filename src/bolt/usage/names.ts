/** The smallest of a list, together. */
export const OTHER = 'other';
/** The resource of keys that are no objects: those outside of OBJECT_PREFIX. Always named, never part of `OTHER`. */
export const OTHER_KEYS = '(other keys)';
