const LEAST = 2 ** 10;

/** For so many at once, where so many are there: a quarter more, so that what is never filled stays small. */
export const roomFor = (count: number): number => Math.max(LEAST, Math.ceil(count * 1.25));
