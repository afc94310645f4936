// Parsers throw an Error whose message goes on after the words "it ": what the value should be.

const msPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5, the micro sign
  μs: 1e-3, // U+03BC, the Greek letter
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const aDuration = /^\+?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const durationPart = /([\d.]+)([a-zµμ]+)/g;

/** A duration as Go's `time.ParseDuration` reads it, in milliseconds, rounded up. Negative ones are refused. */
export function durationMs(text: string): number {
  if (/^\+?0$/.test(text)) return 0;
  if (text.startsWith('-')) throw new Error('should not be negative');
  if (!aDuration.test(text)) {
    throw new Error(
      'should be a duration such as 500ms, 90s, 10m or 1h30m: every number with its unit (ms, s, m, h)',
    );
  }
  let ms = 0;
  for (const [, number, unit = ''] of text.matchAll(durationPart)) {
    ms += Number(number) * (msPerUnit[unit] ?? Number.NaN);
  }
  // Timers count whole milliseconds: rounding up keeps a positive duration positive. What lies below a nanosecond is
  // an error of floating point (0.27m comes out as 16200.000000000002 ms).
  return Math.ceil(Number(ms.toFixed(6)));
}

const factors: Readonly<Record<string, bigint>> = {
  k: 1000n,
  M: 1000n ** 2n,
  G: 1000n ** 3n,
  T: 1000n ** 4n,
  P: 1000n ** 5n,
  E: 1000n ** 6n,
  Ki: 1024n,
  Mi: 1024n ** 2n,
  Gi: 1024n ** 3n,
  Ti: 1024n ** 4n,
  Pi: 1024n ** 5n,
  Ei: 1024n ** 6n,
};

const aSize = /^\+?(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:([kMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;

/**
 * A size as Kubernetes writes quantities, in bytes. Fractions of a byte (`m`, `u` and `n`, too) and what a number
 * cannot hold exactly are refused. The sum is done in integers, so that `1.1Gi` is not taken for a whole number.
 */
export function sizeBytes(text: string): number {
  const match = aSize.exec(text);
  if (match === null) {
    throw new Error(
      'should be a size such as 100Mi, 2Gi, 500M or 2147483648: bytes, or a number with k, M, G, T, Ki, Mi, Gi or Ti',
    );
  }
  const [, whole = '', fractionAfter = '', fractionAlone = '', suffix = '', exponentText = '0'] = match;
  const fraction = fractionAfter + fractionAlone;
  const exponent = Number(exponentText) - fraction.length;
  const amount = BigInt(whole + fraction) * (factors[suffix] ?? 1n);
  const divisor = 10n ** BigInt(Math.max(0, -exponent));
  if (amount % divisor !== 0n) throw new Error('should be a whole number of bytes');
  const bytes = (amount / divisor) * 10n ** BigInt(Math.max(0, exponent));
  if (bytes > Number.MAX_SAFE_INTEGER) throw new Error('should be below 8Pi');
  return Number(bytes);
}

/** A whole number, 0 or more, in plain digits. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^(0|[1-9]\d*)$/.test(text) || !Number.isSafeInteger(number)) {
    throw new Error('should be a whole number, 0 or more, in plain digits');
  }
  return number;
}

/** A number from 0 to 1 in plain decimal notation. */
export function ratio(text: string): number {
  const number = Number(text);
  if (!/^(\d+(\.\d+)?|\.\d+)$/.test(text) || number > 1) {
    throw new Error('should be a number from 0 to 1 such as 0.45');
  }
  return number;
}

export function trueOrFalse(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error('should be true or false');
  return text === 'true';
}
