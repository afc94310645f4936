import type { Report } from '../run/report.ts';
import { jsonText } from '../util/printable.ts';
import { post, type Way } from './post.ts';

/**
 * Sends the report to a monitor that expects to hear from every run: to its URL after a 0, to the same with
 * `/fail` otherwise (as healthchecks.io and those like it have it). Silent after a 6: the other run will tell.
 */
export async function sendHeartbeat(url: URL, report: Report, way: Way): Promise<void> {
  if (report.exitCode === 6) return;
  const target = new URL(url);
  if (report.exitCode !== 0) target.pathname = `${url.pathname.replace(/\/+$/, '')}/fail`;
  await post({ url: target, body: jsonText(toldElsewhere(report)), contentType: 'application/json' }, way);
}

/** A monitor is somebody else's machine: how the objects and namespaces of a cluster are called is not for it. */
function toldElsewhere({ usage, ...rest }: Report): object {
  if (usage === undefined) return rest;
  const { total, resources } = usage;
  return { ...rest, usage: { total, resources } };
}
