import { BYTE_UNITS } from '../../util/format.ts';

/** A value axis from 0 to `max`, with round figures on it. */
export interface Scale {
  max: number;
  ticks: readonly { value: number; label: string }[];
}

interface Unit {
  size: number;
  name: string;
}

const KIB = 1024;
const BYTES: readonly Unit[] = BYTE_UNITS.map((name, power) => ({
  size: KIB ** power,
  name: ` ${name}`,
}));
const COUNTS: readonly Unit[] = ['', 'k', 'M', 'bn', 'tn'].map((name, power) => ({
  size: 1000 ** power,
  name: name && ` ${name}`,
}));
const SECONDS: readonly Unit[] = [
  { size: 1, name: ' s' },
  { size: 60, name: ' min' },
  { size: 3600, name: ' h' },
];
const INTERVALS = 4;
const NICE = [1, 2, 2.5, 5, 10];

export const byteScale = (most: number): Scale => scaleOf(most, BYTES);
export const speedScale = (most: number): Scale =>
  scaleOf(
    most,
    BYTES.map(({ size, name }) => ({ size, name: `${name}/s` })),
  );
export const countScale = (most: number): Scale => scaleOf(most, COUNTS);
/** For seconds. */
export const durationScale = (most: number): Scale => scaleOf(most, SECONDS);

function scaleOf(most: number, units: readonly Unit[]): Scale {
  const [smallest = { size: 1, name: '' }] = units;
  // Two of a unit at least: half a minute is 30 s.
  const unit = units.findLast(({ size }) => most >= size * 2) ?? smallest;
  const step = roundUp(most > 0 ? most / unit.size / INTERVALS : 1);
  const count = Math.max(1, Math.ceil(most / unit.size / step));
  const ticks = Array.from({ length: count + 1 }, (_, index) => {
    const figure = Number((index * step).toPrecision(6)); // 3 * 0.1 is no round figure
    return { value: figure * unit.size, label: figure === 0 ? '0' : `${figure}${unit.name}` };
  });
  return { max: count * step * unit.size, ticks };
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (NICE.find((nice) => nice * power >= value * 0.999) ?? 10) * power;
}
